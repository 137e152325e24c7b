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
#include "runtime/queue.h"
#include "runtime/ring.h"
#include "runtime/run.h"

/* In ctid order: which rows the backfill is to read. */
struct base_snapshot {
    struct snapshot snapshot;
    char *exported; /* its name, while the transaction that exported it lasts. NULL: its rows are
                       told by their transactions' ids */
    bool resumable; /* a later run can tell them so, too */
};

/* One key range of one life of a stream, to be read by one worker from its beginning to its end. */
struct backfill_task {
    int stream, range;
    uint64_t life;
    const struct table_description *table; /* borrowed; how it is read */
    struct key *after;                     /* owned; NULL: from the beginning */
    struct key *until;                     /* owned, inclusive; NULL: to the end */
    const struct base_snapshot *base;      /* borrowed; in ctid order; else NULL */
    bool fence; /* no row of the stream was read yet, and some transaction may be writing to the
                   table whose changes are not in the stream, or are skipped there */
};

struct backfill_task *backfill_task_new(int stream, int range, const struct table_description *);
void backfill_task_free(struct backfill_task **);

/* What a worker has done, for whoever shows it: written by its thread, with shared_store. */
struct worker_progress {
    uint64_t chunks, chunks_us; /* queries of chunks that were answered, and the time they took */
    uint64_t reconnects;
};

struct backfill {
    const struct config *config;
    const struct catalog *catalog;
    struct queue *tasks;
    const uint64_t *lives; /* shared: of each stream, the life that tasks are worth reading for */
    struct run *run;
    struct log *log;
    size_t pool_batches; /* of each worker: what it can have read and not seen written */
    struct worker_progress *progress; /* of each worker */
};

struct worker;

/*
 * Starts the worker's thread: its rows come out of `ring`. It takes tasks until the run stops. A
 * range whose table is not as its task describes it is given back: CHUNK_RETURN.
 */
struct worker *worker_start(const struct backfill *, unsigned number, struct pool *, struct ring *,
                            struct err *);
void worker_join_thread(struct worker *); /* NULL is fine */

/* When no batch is left that was read by it: it owns the shapes that they point at. NULL is fine.
 */
void worker_free(struct worker **);

/* A new watermark, and the statement that writes it. */
void watermark_new(char watermark[37]);
void watermark_sql(struct out *, const struct config *, const char *watermark);

/*
 * Return when every transaction that now writes to the table has ended, or the run stops; whom it
 * waits for is logged. Before the first snapshot of a table that may just have been published.
 */
bool backfill_fence(struct pg *, const struct relation *, struct run *, struct log_wait *,
                    struct err *);

/*
 * The same without waiting, step by step: *writers, NULL at first, are those that were writing at
 * the first call and still are; owned. NULL after a call: all have ended.
 */
bool backfill_writers(struct pg *, const struct relation *, char **writers, struct err *);

/* Whether no transaction writes to any of the tables (one or more): then none needs a fence. */
bool backfill_unwritten(struct pg *, const struct relation *const *, int count, bool *unwritten,
                        struct err *);

/*
 * Keys that cut a table with key into about `ranges` parts of like size, in key order, from a
 * sample of its pages. *count keys, fewer where there are not so many rows; they and the array are
 * the caller's to free.
 */
bool backfill_bounds(struct pg *, const struct table_description *, int ranges,
                     struct key ***bounds, int *count, struct err *);

#endif
