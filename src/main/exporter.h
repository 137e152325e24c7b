/* What a capture shows to Prometheus, where that is asked for: by option, or in the environment. */
#ifndef MAIN_EXPORTER_H
#define MAIN_EXPORTER_H

#include "metrics/metrics.h"
#include "program.h"

struct exporter {
    struct metrics_source source;
    char *address;                 /* owned; of the PostgreSQL server */
    struct metrics_server *server; /* NULL: none */
    const char *file;              /* NULL: none */
    struct log *log;
    int64_t next_us; /* when the file is due */
};

/* Before the capture runs. */
bool exporter_start(struct exporter *, const struct program *, const struct config *,
                    struct progress *, struct err *);

/* Call about once a second. */
void exporter_step(struct exporter *);

/* Once the capture has ended: the file, written a last time, says so. */
void exporter_end(struct exporter *);

#endif
