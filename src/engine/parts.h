/*
 * The engine put together. Only the thread of engine_run() uses this, and only before the other
 * threads start and after they have ended: engine.c, start.c and refresh.c.
 */
#ifndef ENGINE_PARTS_H
#define ENGINE_PARTS_H

#include "emitter.h"
#include "merger.h"
#include "replication.h"

struct engine {
    struct engine_config config;
    struct start start;
    struct pipeline pipeline;
    struct service service;
    struct merger_thread merger;
    struct replication *replication; /* owned, as is all but config's */
    struct printing *printing;
    struct thread *replication_thread, *emitter_thread;
    struct worker *workers[PROGRESS_WORKERS];
    struct emitter emitter; /* its thread's: last, for a cache line of its own */
};

/* start.c: everything before the threads. */
bool engine_start(struct engine *, struct err *);

/* refresh.c: reads of full_refresh streams alone. */

/* The state says that the read was completed, and it was tried again nevertheless. */
bool refresh_is_complete(const struct engine *);
bool refresh_repeat(struct engine *, struct err *);

/* In a capture that is not such a read: warn if a slot of one is left. */
bool refresh_say_left(struct engine *, struct err *);

/* Whether the state has something to continue from. */
bool refresh_goes_on(const struct engine *);

/* Once the slot is not read any more: drop it, or log that it is left. */
void refresh_end(struct engine *);

#endif
