/*
 * The capture: connects, verifies, starts the threads, and lets data flow from the server to the
 * sink.
 *
 *   WAL    --> replication reader --.
 *   chunks --> backfill 1..n -------+--> merger --> emitter --> sink
 *                     ^---- empty batches: to their pools ---'
 *
 * Where there are several workers and cores, the emitter has threads that print the rows of chunks
 * with it (printing/printing.h).
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

    /* The text around the records of a stream of the catalog. */
    void (*frame)(void *context, int stream, struct frame *);

    /* Likewise of a stream that is of no table. NULL: there is none. */
    void (*frame_logical)(void *context, enum logical_stream, struct frame *);

    /* Append a message about a shape of a stream's table, before the first record that is printed
     * by it. NULL: nothing. The same shape may come again. */
    void (*shape)(void *context, struct out *, const struct relation *);

    /*
     * Append the message of a checkpoint. `newer` holds what changed since the last one;
     * counts[stream] the records printed since then, and counts[catalog->room] those of streams
     * that are of no table.
     */
    void (*checkpoint)(void *context, struct out *, const struct capture_identity *,
                       const struct checkpoint *newer, const uint64_t *counts);

    /* Append the message of a log line. NULL: logs do not go to the sink. */
    void (*log)(void *context, struct out *, enum log_level, const char *line);

    /* Append the message of an error that keeps one stream, among others, from starting: before the
     * emitter runs. NULL: they are in the run's error alone. */
    void (*error)(void *context, struct out *, const struct err *);

    /* The capture of the first `count` streams has begun, of which it may have been called before;
     * the capture is over, complete or not. NULL: nothing is written. */
    void (*begin)(void *context, struct out *, int count);
    void (*end)(void *context, struct out *, bool complete);

    /* What the consumer must do so that the server removes WAL that was captured: for a warning. */
    const char *release;

    /* A stream begins again only after a checkpoint which says that nothing is read of it. */
    bool lost_first;
};

/* Called by the emitter's thread alone. False ends the capture: err says why. May wait, and returns
 * early when the run stops. */
struct sink {
    void *context;

    /* Take output: what the codec appends, and the records, unless `stream` takes those. */
    bool (*write)(void *context, const char *data, size_t len, struct err *);

    /*
     * Where the records of a stream go, until the next call. A failure is the sink's to report to
     * the run: what is printed there from then on is dropped. NULL: records go to `write`.
     */
    struct out *(*stream)(void *context, int stream);

    /* A checkpoint was written, and all that it covers: keep both. NULL: nothing. */
    bool (*commit)(void *context, struct err *);

    /* Called about once a second while there is nothing to write, and at the end. NULL: nothing. */
    bool (*idle)(void *context, struct err *);
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
    /* The catalog as it was read again: struct catalog, which the engine takes. Ring the run's
     * bells after each. NULL: it never is. */
    struct queue *catalogs;
};

/* Capture until complete, stopped, or failed; the run tells which. Blocks; the run has stopped when
 * it returns. */
void engine_run(const struct engine_config *);

#endif
