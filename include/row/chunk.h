/*
 * A chunk: rows that one query read from one key range of a table, in key order, in one snapshot.
 *
 * The worker that reads it makes it; from its first batch on the merger owns it, and patches it
 * with changes that the snapshot did not see, until all that it did see has arrived in the stream;
 * then the emitter owns it.
 */
#ifndef ROW_CHUNK_H
#define ROW_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "row/event.h"
#include "row/key.h"
#include "row/relation.h"
#include "row/snapshot.h"

struct batch;

/* A row that a change put in a chunk: printed after the chunk's own rows as a create with its
 * source. */
struct patch {
    struct patch *next;
    struct relation *relation;
    const uint8_t *tuple; /* pgoutput form */
    bool deleted;         /* again: nothing to print */
    struct txn txn;
    uint64_t lsn, previous_commit; /* of the change; end of the commit before its transaction */
};

struct chunk {
    struct chunk *next;        /* released by the same commit */
    int stream;                /* captured stream */
    int range;                 /* of that stream */
    struct relation *relation; /* shape of its rows */
    struct snapshot snapshot;  /* owned */
    struct batch *batches;     /* rows, in order; a row that was patched away is NULL */
    uint64_t first_row;        /* the n in "loc": of the first row printed */
    uint64_t cursor;           /* of its rows (row/cursor.h); 0: of where it is released */
    struct patch *patches;     /* in order of arrival; in `arena` */
    struct arena arena;
};

/*
 * What a batch says of its chunk:
 *
 *   OPEN --> SNAPSHOT --> ROWS ... --> CLOSE
 *     \----------\-----------\----> ABORT
 *     `--> WHOLE
 *
 * Between chunks a range may be given back: RETURN.
 */
enum chunk_step {
    CHUNK_OPEN,     /* a query is about to begin: its snapshot will be younger than this */
    CHUNK_SNAPSHOT, /* its snapshot is known: brings the chunk, which is the merger's from here on
                     */
    CHUNK_ROWS,     /* rows, and more to come */
    CHUNK_CLOSE,    /* maybe rows; the query has ended, its watermark, if any, comes next */
    CHUNK_WHOLE,    /* SNAPSHOT, and CLOSE with all of its rows */
    CHUNK_ABORT,  /* the query failed: forget the chunk, its range is read again from where it began
                  */
    CHUNK_RETURN, /* the table is not as it was described: the engine decides how the range
                     continues, after close.end. The merge layer does nothing with it */
    CHUNK_RIDERS, /* of other chunks: each rider has the step of its own */
};

enum { WATERMARK_TEXT = 37 }; /* a UUID with its NUL */

/* Facts that the worker knows when the query has ended. */
struct chunk_close {
    struct key *end; /* key of the last row read; owned, moved to the merger; NULL with `last` */
    bool last;       /* nothing is left in the range */
    char *why;       /* CHUNK_RETURN: what the server said, or what differs; owned; */
    bool base_gone;  /* the base snapshot cannot be used any more in the way that the task says */
    char watermark[WATERMARK_TEXT]; /* "": none is written, */
    uint64_t seen_lsn; /* and it waits for this position instead: all that the snapshot saw was
                          committed before it */
};

struct chunk *chunk_new(int stream, int range, struct relation *relation);
void chunk_free(struct chunk **); /* not its batches, which return to their pool one by one */

#endif
