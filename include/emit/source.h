/*
 * The position of a change, which its records have in `source`. All but the LSN is its
 * transaction's, and is printed once for all of its changes.
 */
#ifndef EMIT_SOURCE_H
#define EMIT_SOURCE_H

#include <stdint.h>

#include "row/event.h"

struct source {
    struct txn txn;
    uint64_t previous_commit; /* end LSN of the commit before its transaction */
    uint64_t lsn;             /* of the change */
    uint64_t cursor;          /* of the change, its second one: see row/cursor.h */
    struct {
        char time[32], previous[32], end[64]; /* before "schema", the LSN, and behind it */
        char commit[40];                      /* the commit's time, quoted */
        uint32_t time_len, previous_len, end_len, commit_len;
    } text;
};

/* A transaction begins. Leaves the cursor as it is. */
void source_begin(struct source *, const struct txn *, uint64_t previous_commit);

/* Move on to this event of the stream of changes, whether it is printed or not. Call it before the
 * event is printed; of a message, after. */
void source_follow(struct source *, const struct event *);

#endif
