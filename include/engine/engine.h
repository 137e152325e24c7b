/*
 * The capture: connects, verifies, starts the threads, and lets data flow from the server to the
 * sink.
 *
 *   WAL      --> reader ----.
 *   chunk --> backfill 1..n --+--> merger --> emitter --> sink
 *                              ^--------- empty batches go home ---'
 *
 * It is given a codec, which knows how a protocol frames records and checkpoints, and a sink, which
 * takes the bytes.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/out.h"
#include "config/catalog.h"
#include "config/config.h"
#include "emit/printer.h"
#include "engine/progress.h"
#include "merge/checkpoint.h"
#include "runtime/log.h"
#include "runtime/queue.h"
#include "runtime/run.h"
#include "state/state.h"

/* Called by the emitter's thread alone, but for `frame`'s strings, which live as long as the codec.
 */
struct codec {
    void *context;

    /* What stands around the records of a stream of the catalog. */
    void (*frame)(void *context, int stream, struct frame *);

    /*
     * Append what is to be said of a shape of a stream's table before the first record that is
     * printed by it. NULL: nothing. The same shape may come again.
     */
    void (*shape)(void *context, struct out *, const struct relation *);

    /*
     * Append the message of a checkpoint. `newer` holds what changed since the last one;
     * counts[stream] the records printed since then.
     */
    void (*checkpoint)(void *context, struct out *, const struct capture_identity *,
                       const struct checkpoint *newer, const uint64_t *counts);

    /* Append the message of a log line. NULL: logs do not go to the sink. */
    void (*log)(void *context, struct out *, enum log_level, const char *line);

    /* Append the message of an error that keeps one stream, among others, from starting: before the
     * emitter runs. NULL: they are only told together, in the run's error. */
    void (*error)(void *context, struct out *, const struct err *);

    /* The capture of the first `count` streams has begun, some of which may have been told before;
     * or that of all is complete. NULL: not said. */
    void (*begin)(void *context, struct out *, int count);
    void (*end)(void *context, struct out *, bool complete);

    /* A stream that begins again does so behind a checkpoint which tells that nothing is read of it. */
    bool lost_first;
};

/* False ends the capture: err says why. May wait, and returns early when the run stops. */
struct sink {
    void *context;
    bool (*write)(void *context, const char *data, size_t len, struct err *);
};

struct engine_config {
    const struct config *config;
    struct catalog *catalog; /* streams join it: how many it has only the merger's thread may ask */
    const struct state *state;
    struct codec codec;
    struct sink sink;
    struct log *log;
    struct run *run;
    struct progress *progress;
    /*
     * The LSN that the consumer has durably taken, for the server to release WAL up to. Written
     * with shared_store by whoever takes acknowledgements; starts with what the given state proves,
     * 0: nothing yet.
     */
    uint64_t *acknowledged;
    /* The catalog as it was read again: struct catalog, which the engine takes. Ring the run's bells
     * after each. NULL: it never is. */
    struct queue *catalogs;
};

/* Capture until complete, stopped, or failed; the run tells which. Blocks; the run has stopped when
 * it returns. */
void engine_run(const struct engine_config *);

#endif
