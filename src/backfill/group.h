/*
 * Small tables, each of which is one chunk, read together: one request, one transaction, one
 * snapshot, and one mark for all.
 *
 * BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY SET LOCAL lock_timeout=… LOCK TABLE ONLY
 * "s"."a",ONLY "s"."b",… IN ACCESS SHARE MODE SELECT snapshot, position, pages, terms …         a
 * row for each table SELECT … ORDER BY key LIMIT n                     of a, of b, … COMMIT
 *
 * Of a table whose rows do not all come, or which is not as described, nothing is kept: it is read
 * by itself afterwards.
 */
#ifndef BACKFILL_GROUP_H
#define BACKFILL_GROUP_H

#include "chunk_reader.h"

enum { GROUP_MOST = 32 }; /* each takes locks, for it and for its indexes */

struct group_member {
    struct backfill_task *task; /* owned */
    struct relation *relation;  /* borrowed; shape of its rows */
    size_t first, count;        /* its rows in the batch */
    int asked;                  /* rows at most */
    enum outcome outcome;       /* END: all of its rows are in the batch */
};

struct group {
    struct group_member members[GROUP_MOST];
    int count;
    size_t bytes; /* of their tables, when they were described */
    struct snapshot snapshot;
    uint64_t seen_lsn;
};

/* Begin with this task, and take more that fit from the queue. True if there are some: then the
 * group owns *task, too. */
bool group_gather(struct group *, const struct backfill *, struct backfill_task **task);

/*
 * Put tables that a transaction writes to back into the queue: each has to wait for its fence, and
 * the others need not wait with it. A standby does not show who writes to what, so there all wait
 * together: *fence is one of the tasks; else NULL.
 */
bool group_set_aside(struct group *, const struct backfill *, struct pg *,
                     const struct backfill_task **fence, struct err *);

/* Append the statements. */
void group_statements(struct group *, struct chunk_reader *, struct out *request);

/* Announce the chunks to the merger, before the query is sent. */
bool group_open(struct group *, struct chunk_reader *, struct err *);

/* Read the answers. After a failure the members that have END by then are good. */
bool group_read(struct group *, struct chunk_reader *, struct err *);

/* Close the chunks of members with END as *close says, and make the merger forget the others. */
bool group_close(struct group *, struct chunk_reader *, const struct chunk_close *close,
                 struct err *);

bool group_has_chunks(const struct group *);

void group_clear(struct group *);

#endif
