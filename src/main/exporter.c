/* Serving metrics, and writing them to a file. */
#include "exporter.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { FILE_INTERVAL_US = 5 * 1000 * 1000, SLOT_INTERVAL_US = 10 * 1000 * 1000 };

/* An option wins over the environment. */
static const char *wanted(const char *option, const char *variable)
{
    const char *value = option ? option : getenv(variable);
    return value && *value ? value : NULL;
}

static bool write_file(struct exporter *x, struct err *err)
{
    struct out out;
    out_init(&out, 16 * 1024);
    metrics_write(&out, &x->source, clock_monotonic_us(), clock_wall_ms());
    bool ok = metrics_file_write(x->file, &out, err);
    out_free(&out);
    return ok;
}

static void try_file(struct exporter *x)
{
    struct err err;
    if (!write_file(x, &err)) {
        log_line(x->log, LOG_WARN, "%s", err.message);
    }
}

/* A file that can never be written is a slip; a disk may be full for a while. */
static bool begin_file(struct exporter *x, struct err *err)
{
    if (!x->file || write_file(x, err)) {
        return true;
    }
    if (err->kind == ERR_TRANSIENT) {
        log_line(x->log, LOG_WARN, "%s", err->message);
        err->kind = ERR_NONE;
    }
    return err->kind == ERR_NONE;
}

static bool serve(struct exporter *x, const char *address, struct err *err)
{
    size_t host_len = strrchr(address, ':') ? (size_t)(strrchr(address, ':') - address) : 0;
    x->server = metrics_serve(address, &x->source, err);
    if (x->server) {
        log_line(x->log, LOG_INFO, "metrics are at http://%.*s:%d/metrics",
                 host_len ? (int)host_len : 9, host_len ? address : "127.0.0.1",
                 metrics_port(x->server));
    }
    return x->server != NULL;
}

bool exporter_start(struct exporter *x, const struct program *p, const struct config *config,
                    struct progress *progress, struct err *err)
{
    const char *address = wanted(p->command.metrics_listen, "METRICS_LISTEN");
    int64_t check_us = config->check_interval_ms * 1000;
    *x = (struct exporter){
        .address = mem_format("%s:%d", config->host, config->port),
        .file = wanted(p->command.metrics_file, "METRICS_FILE"),
        .log = p->log,
    };
    x->source = (struct metrics_source){progress,         x->address, config->slot,
                                        config->database, p->version, true};
    if (!begin_file(x, err)) {
        free(x->address);
        return false;
    }
    if (address || x->file) {
        progress->slot_interval_us = check_us < SLOT_INTERVAL_US ? check_us : SLOT_INTERVAL_US;
    }
    if (address && !serve(x, address, err)) {
        exporter_end(x);
        return false;
    }
    return true;
}

void exporter_step(struct exporter *x)
{
    int64_t now_us = clock_monotonic_us();
    if (x->file && now_us >= x->next_us) {
        x->next_us = now_us + FILE_INTERVAL_US;
        try_file(x);
    }
}

void exporter_end(struct exporter *x)
{
    metrics_close(&x->server);
    x->source.running = false; /* no other thread reads it any more */
    if (x->file) {
        try_file(x);
    }
    free(x->address);
    x->address = NULL;
}
