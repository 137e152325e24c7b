/*
 * What a capture has done and where it is, for Prometheus: over HTTP, or in a file for
 * node_exporter's textfile collector. Reads the engine's progress; never waits for the capture, nor
 * makes it wait.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/out.h"
#include "engine/progress.h"

/* The data that is shown; strings are borrowed. It must outlive the server that shows it. */
struct metrics_source {
    const struct progress *progress;
    const char *server; /* "host:port", as the configuration has it */
    const char *slot, *database, *version;
    bool running; /* false once the capture has ended: in the last file that it writes */
};

/* Whether the capture is alive and moves. */
enum health {
    HEALTH_STARTING, /* it is waiting for what it needs to begin */
    HEALTH_MOVING,
    HEALTH_BLOCKED, /* the consumer does not read its output */
    HEALTH_SILENT,  /* the server sends nothing, or cannot be reached */
};
enum health metrics_health(const struct progress *, int64_t now_us);
const char *metrics_health_words(enum health);

/* Append all metrics in Prometheus' text format. Times are monotonic, and since 1970. */
void metrics_write(struct out *, const struct metrics_source *, int64_t now_us, int64_t now_ms);

/* Replace the file as one whole. ERR_TRANSIENT: the disk is full; ERR_CONFIG: it cannot be written
 * there. */
bool metrics_file_write(const char *path, const struct out *, struct err *);

/*
 * Serve /metrics and /healthz from a thread of its own. `address` is "PORT", which is on loopback
 * alone, or "ADDRESS:PORT"; port 0 takes one that is free.
 */
struct metrics_server;
struct metrics_server *metrics_serve(const char *address, const struct metrics_source *,
                                     struct err *);
int metrics_port(const struct metrics_server *);
void metrics_close(struct metrics_server **);

#endif
