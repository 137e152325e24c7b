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

/* The base snapshot of a table in ctid order: the backfill reads the rows that it sees. */
struct base_snapshot {
    struct snapshot snapshot;
    char *exported; /* its name, while the transaction that exported it lasts. NULL: the ids of
                       transactions say which rows it sees */
    char *text;     /* the exported one as the server writes it: another may have its name later */
    bool resumable; /* a later run, too, can tell by ids which rows it sees */
};

void base_copy(struct base_snapshot *to, const struct base_snapshot *from);
void base_clear(struct base_snapshot *);

/* One key range of one life of a stream, to be read by one worker from its beginning to its end. */
struct backfill_task {
    int stream, range;
    uint64_t life;
    const struct table_description *table; /* borrowed; how it is read */
    struct key *after;                     /* owned; NULL: from the beginning */
    struct key *until;                     /* owned, inclusive; NULL: to the end */
    struct base_snapshot *base;            /* owned; in ctid order; else NULL */
    bool fence; /* its first chunk waits for transactions that write to the table: their changes may
                   not be in the stream, or are skipped there (backfill_fence) */
    uint64_t renew_lsn; /* it waits for a session that began here or later; 0: see struct renewal */
};

struct backfill_task *backfill_task_new(int stream, int range, const struct table_description *);
void backfill_task_free(struct backfill_task **);

static inline bool backfill_task_is_fenced(const struct backfill_task *task)
{
    return task->fence || task->renew_lsn;
}

/* Why a worker waits before it begins a chunk. */
enum backfill_wait {
    BACKFILL_WAITS_FOR_RATE,
    BACKFILL_WAITS_FOR_STANDBY,
    BACKFILL_WAITS,
};

/*
 * The session of replication. Who begins to read a table may need one that begins later.
 *
 * In servers older than 13.21, 14.18, 15.13, 16.9 and 17.5 a session that sends a transaction which
 * wrote to a table before the table was published, and committed afterwards, sends no later change
 * of that table either: it keeps the publication as it was for that transaction. A session that
 * begins after that transaction sends them.
 */
struct renewal {
    uint64_t begun;  /* shared: where the session began; the replication reader writes it */
    uint64_t wanted; /* shared: the session is to begin here or later; several may write it */
};

/* What a worker has done: its thread writes it with shared_store, any may read it. */
struct worker_progress {
    uint64_t chunks, chunks_us; /* queries of chunks that were answered, and the time they took */
    uint64_t reconnects;
    uint64_t waited_us[BACKFILL_WAITS]; /* before chunks */
};

struct backfill {
    const struct config *config;
    const struct catalog *catalog;
    struct queue *tasks;
    const uint64_t
        *lives; /* shared: each stream's life (merge/merge.h): tasks of others are dropped */
    const uint64_t *received; /* shared: the position up to which the stream was received */
    struct renewal *renewal;
    struct run *run;
    struct log *log;
    size_t pool_batches; /* of each worker: its rows on the way to the sink take no more */
    struct worker_progress *progress; /* of each worker */
    struct throttle *throttle;        /* of all workers */
    bool far;                         /* the server is, so that a worker reads two ranges in turn */
};

struct worker;

/*
 * Start the worker's thread, which pushes rows to `ring`. It takes tasks until the run stops. If a
 * table is not as its task describes it, the worker gives the range back: CHUNK_RETURN.
 */
struct worker *worker_start(const struct backfill *, unsigned number, struct pool *, struct ring *,
                            struct err *);
void worker_join_thread(struct worker *); /* NULL is fine */

/* Call it once no batch that it read is left: it owns the relations that those point at. NULL is
 * fine. */
void worker_free(struct worker **);

/* A new watermark, and the statement that writes it. */
void watermark_new(char watermark[37]);
void watermark_sql(struct out *, const struct config *, const char *watermark);

/*
 * At a standby: return when it has replayed up to *received. One that was restarted may take
 * connections before that, and rows that are read there would be too old. *replayed: its position;
 * 0: at a primary.
 */
bool backfill_catch_up(struct pg *, const uint64_t *received, struct run *, struct log_wait *,
                       uint64_t *replayed, struct err *);

/*
 * Return when every transaction that writes to the table now has ended, or the run stops; what it
 * waits for is logged. Called before the first snapshot of a table that may just have been
 * published. At a standby it waits for every transaction, whatever it writes to.
 */
bool backfill_fence(struct pg *, const struct relation *, struct run *, struct log_wait *,
                    struct err *);

/* The same for a task, and then for the session of replication that it needs. */
bool backfill_fence_task(struct pg *, const struct backfill_task *, struct renewal *, struct run *,
                         struct log_wait *, struct err *);

/* Ask for a session that begins at *lsn or later. *lsn 0 becomes the server's position. *renewed:
 * the session is such a one; call this again until it is. */
bool backfill_renew(struct pg *, struct renewal *, uint64_t *lsn, bool *renewed, struct err *);

/*
 * The same by polling: the transactions that were writing at the first call, when all is 0, and
 * still are.
 */
struct writers {
    char *ids;         /* owned; NULL after a call: all have ended */
    int64_t report_us; /* when they are logged next */
};
bool backfill_writers(struct pg *, const struct relation *, struct log_wait *, struct writers *,
                      struct err *);

/* Whether no transaction writes to any of these tables, at least one: then none needs a fence. */
bool backfill_unwritten(struct pg *, const struct relation *const *, int count, bool *unwritten,
                        struct err *);

/*
 * Keys that cut a table with a key into about `ranges` parts of similar size, in key order, from a
 * sample of its pages. *count keys, fewer if the table has fewer rows. The caller frees them and
 * the array.
 */
bool backfill_bounds(struct pg *, const struct table_description *, int ranges,
                     struct key ***bounds, int *count, struct err *);

#endif
