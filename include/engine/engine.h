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

/* Only the emitter's thread calls these. The strings that `frame` sets live as long as the
 * codec. */
struct codec {
    void *context;

    /* The text around the records of a stream of the catalog. */
    void (*frame)(void *context, int stream, struct frame *);

    /* The same for a stream without a table (messages, transactions). NULL: there is none. */
    void (*frame_logical)(void *context, enum logical_stream, struct frame *);

    /* Append a message about a shape of a stream's table, before the first record that is printed
     * by it. NULL: nothing. The same shape may come again. */
    void (*shape)(void *context, struct out *, const struct relation *);

    /*
     * Append the message of a checkpoint. `newer` holds what changed since the last one;
     * counts[stream] the records printed since then, and counts[catalog->room] those of streams
     * without a table.
     */
    void (*checkpoint)(void *context, struct out *, const struct capture_identity *,
                       const struct checkpoint *newer, const uint64_t *counts);

    /* Append the message of a log line. NULL: logs do not go to the sink. */
    void (*log)(void *context, struct out *, enum log_level, const char *line);

    /* Append the message of an error that keeps one stream, among others, from starting: before the
     * emitter runs. NULL: they are in the run's error alone. */
    void (*error)(void *context, struct out *, const struct err *);

    /*
     * `begin`: the capture of the first `count` streams has begun; called again with a larger
     * `count` when streams join. `end`: the capture is over, complete or not. NULL: nothing is
     * written.
     */
    void (*begin)(void *context, struct out *, int count);
    void (*end)(void *context, struct out *, bool complete);

    /* For a warning: what the consumer must do so that the server can remove captured WAL. */
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
    struct catalog *catalog; /* streams join it: only the merger's thread may read its count */
    const struct state *state;
    struct codec codec;
    struct sink sink;
    struct log *log;
    struct run *run;
    struct progress *progress;
    /*
     * The LSN that the consumer has durably taken, for the server to release WAL up to. Written
     * with shared_store by the thread that takes acknowledgements; starts with the position in the
     * given state; 0: nothing yet.
     */
    uint64_t *acknowledged;
    /* Catalogs (struct catalog) that were read again while the capture runs; the engine takes them.
     * Ring the run's bells after each push. NULL: the catalog is never read again. */
    struct queue *catalogs;
};

/* Capture until complete, stopped, or failed; the run says which. Blocks; the run has stopped when
 * it returns. */
void engine_run(const struct engine_config *);

#endif
