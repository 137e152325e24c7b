/*
 * Backfill workers: each has a connection, reads key ranges of tables chunk by chunk, and writes a
 * watermark after each chunk. What it reads goes to the merger through a ring of its own, in
 * batches from a pool of its own.
 */
#ifndef BACKFILL_BACKFILL_H
#define BACKFILL_BACKFILL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/catalog.h"
#include "config/config.h"
#include "pg/describe.h"
#include "pg/pg.h"
#include "row/key.h"
#include "row/snapshot.h"
#include "runtime/log.h"
#include "runtime/pool.h"
#include "runtime/ring.h"
#include "runtime/run.h"

/* One key range of one stream, to be read by one worker from its beginning to its end. */
struct backfill_task {
    int stream, range;
    const struct key *after; /* borrowed; NULL: from the beginning */
    const struct key *until; /* borrowed, inclusive; NULL: to the end */
    const struct snapshot
        *owes; /* read by place: the rows that this saw are to be read; else NULL */
    const char
        *storage; /* borrowed; likewise: where its rows were when it began; NULL: not known */
    bool fence;   /* no row of the stream was read yet, it may have been published lately, and some
                     captured table was being written to */
};

/* All ranges to read, in the order in which they are begun. Workers share it. */
struct backfill_plan {
    const struct backfill_task *tasks;
    unsigned count;
    unsigned next; /* atomic */
};

struct backfill {
    const struct config *config;
    const struct catalog *catalog;
    const struct table_description *tables; /* of the catalog's streams, as they were planned */
    struct backfill_plan *plan;
    struct run *run;
    struct log *log;
    size_t pool_batches; /* of each worker: what it can have read and not seen written */
};

struct worker;

/* Starts the worker's thread: its rows come out of `ring`. It ends when the plan is done or the run
 * stops. */
struct worker *worker_start(const struct backfill *, unsigned number, struct pool *, struct ring *,
                            struct err *);
void worker_join_thread(struct worker *); /* NULL is fine */

/* When no batch is left that was read by it: it owns the shapes that they point at. NULL is fine.
 */
void worker_free(struct worker **);

/* A new watermark, and the statement that writes it. */
void watermark_new(char watermark[37]);
void watermark_sql(struct out *, const struct config *, const char *watermark);

/* The setting of a session that compares keys of the table. */
bool backfill_key_path(struct pg *, const struct table_description *, struct err *);

/*
 * Return when every transaction that now writes to the table has ended, or the run stops; whom it
 * waits for is logged. Before the first snapshot of a table that may just have been published.
 */
bool backfill_fence(struct pg *, const struct relation *, struct run *, struct log *, struct err *);

/* Whether no transaction writes to any of the tables (one or more): then none needs a fence. */
bool backfill_unwritten(struct pg *, const struct table_description *, int count, bool *unwritten,
                        struct err *);

/*
 * Keys that cut a table with key into about `ranges` parts of like size, in key order, from a
 * sample of its pages. *count keys, fewer where there are not so many rows; they and the array are
 * the caller's to free.
 */
bool backfill_bounds(struct pg *, const struct table_description *, int ranges,
                     struct key ***bounds, int *count, struct err *);

#endif
