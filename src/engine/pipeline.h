/*
 * What the engine's threads share while they run, and who may touch it. All else is of one thread:
 * see replication.h, merger.h, emitter.h and service.h; or is fixed before the threads start: see
 * start.h.
 */
#ifndef ENGINE_PIPELINE_H
#define ENGINE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "backfill/backfill.h"
#include "engine/progress.h"
#include "runtime/counter.h"
#include "runtime/pool.h"
#include "runtime/queue.h"
#include "runtime/ring.h"

enum {
    POOL_REPLICATION,
    POOL_MERGER,
    POOL_WORKERS, /* and one for each */
    POOLS = POOL_WORKERS + PROGRESS_WORKERS,
};

struct throttle;

struct pipeline {
    /* Rings of batches: one thread pushes, one pops. */
    struct ring *events;                 /* the replication reader; the merger's thread */
    struct ring *rows[PROGRESS_WORKERS]; /* each worker; the merger's thread */
    struct ring *output;                 /* the merger's thread; the emitter */

    struct pool *pools[POOLS]; /* its producer takes batches, the emitter returns them */
    struct bell merger_bell, emitter_bell; /* the thread waits for it; pushers ring it */
    struct queue *tasks;       /* struct backfill_task: the merger's thread puts, workers take */
    struct throttle *throttle; /* workers */

    /* One thread writes each, with shared_store; others read it, with shared_load. */
    uint64_t *lives;        /* of each stream: the merger's thread; workers read it */
    struct renewal renewal; /* see backfill/backfill.h */
    uint64_t timeline;      /* of the server: the replication reader; the others read it */
    uint64_t state_bytes;   /* of the last state: the emitter; the merger's thread reads it */
    uint64_t written_since; /* bytes written after it: likewise */
    uint64_t commit_us;     /* how long the sink took to keep it: likewise */

    int worker_count; /* fixed before the threads start */

    /* The emitter writes them; read once it has ended. */
    bool state_written; /* some state is */
    bool complete;      /* all is written */
};

#endif
