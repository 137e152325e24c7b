/* The text format: https://prometheus.io/docs/instrumenting/exposition_formats/ */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/lsn.h"
#include "metrics/metrics.h"
#include "runtime/counter.h"

#define PREFIX "source_postgres_"

/* The lines before a family's first sample. */
static void head(struct out *out, const char *name, const char *type, const char *help)
{
    out_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A value of a label: only these three are special. */
static void label(struct out *out, const char *name, const char *value)
{
    out_format(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\n') {
            out_string(out, "\\n");
        } else {
            out_string(out, *value == '\\' || *value == '"' ? "\\" : "");
            out_char(out, *value);
        }
    }
    out_char(out, '"');
}

static void single(struct out *out, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    head(out, name, type, help);
    out_format(out, "%s %" PRIu64 "\n", name, value);
}

static void seconds(struct out *out, const char *name, const char *type, const char *help,
                    double value)
{
    head(out, name, type, help);
    out_format(out, "%s %.6f\n", name, value);
}

/* "NAME{schema="…",table="…"" of a table, to be closed. */
static void open_table(struct out *out, const char *name, const struct stream_progress *table)
{
    out_format(out, "%s{", name);
    label(out, "schema", table->schema);
    out_char(out, ',');
    label(out, "table", table->table);
}

static void by_path(struct out *out, const char *name, const struct stream_progress *table,
                    uint64_t backfill, uint64_t replication)
{
    open_table(out, name, table);
    out_format(out, ",path=\"backfill\"} %" PRIu64 "\n", backfill);
    open_table(out, name, table);
    out_format(out, ",path=\"replication\"} %" PRIu64 "\n", replication);
}

static void write_records(struct out *out, const struct progress *p)
{
    static const char records[] = PREFIX "records_total", bytes[] = PREFIX "record_bytes_total";
    uint64_t count = shared_load(&p->stream_count);
    head(out, records, "counter", "Records written, by table and by how they came.");
    for (uint64_t i = 0; i < count; i++) {
        by_path(out, records, &p->streams[i], shared_load(&p->outputs[i].rows),
                shared_load(&p->outputs[i].changes));
    }
    head(out, bytes, "counter", "Bytes of records written, by table and by how they came.");
    for (uint64_t i = 0; i < count; i++) {
        by_path(out, bytes, &p->streams[i], shared_load(&p->outputs[i].row_bytes),
                shared_load(&p->outputs[i].change_bytes));
    }
}

static void write_backfills(struct out *out, const struct progress *p)
{
    static const char running[] = PREFIX "backfill_running", rows[] = PREFIX "backfill_rows",
                      estimate[] = PREFIX "backfill_estimated_rows";
    uint64_t count = shared_load(&p->stream_count);
    head(out, running, "gauge", "1 while rows of the table are still to be read.");
    for (uint64_t i = 0; i < count; i++) {
        open_table(out, running, &p->streams[i]);
        out_format(out, "} %" PRIu64 "\n", shared_load(&p->streams[i].backfilling));
    }
    head(out, rows, "gauge", "Rows of the table that its backfill has written.");
    for (uint64_t i = 0; i < count; i++) {
        open_table(out, rows, &p->streams[i]);
        out_format(out, "} %" PRIu64 "\n", shared_load(&p->streams[i].rows));
    }
    head(out, estimate, "gauge", "Rows of the table at the start, as the planner has it.");
    for (uint64_t i = 0; i < count; i++) {
        if (p->streams[i].row_estimate >= 0) {
            open_table(out, estimate, &p->streams[i]);
            out_format(out, "} %" PRId64 "\n", p->streams[i].row_estimate);
        }
    }
}

static void write_chunks(struct out *out, const struct progress *p)
{
    static const char name[] = PREFIX "backfill_chunk_seconds";
    uint64_t count = 0, us = 0;
    for (int i = 0; i < PROGRESS_WORKERS; i++) {
        count += shared_load(&p->workers[i].chunks);
        us += shared_load(&p->workers[i].chunks_us);
    }
    head(out, name, "summary", "Time that queries of the backfill took.");
    out_format(out, "%s_sum %.6f\n%s_count %" PRIu64 "\n", name, (double)us / 1e6, name, count);
}

static void write_waits(struct out *out, const struct progress *p)
{
    static const char name[] = PREFIX "backfill_throttled_seconds_total";
    static const char *const reasons[] = {
        [BACKFILL_WAITS_FOR_RATE] = "rate",
        [BACKFILL_WAITS_FOR_STANDBY] = "standby",
    };
    head(out, name, "counter", "Time that workers of the backfill were held back, by reason.");
    for (int why = 0; why < BACKFILL_WAITS; why++) {
        uint64_t us = 0;
        for (int i = 0; i < PROGRESS_WORKERS; i++) {
            us += shared_load(&p->workers[i].waited_us[why]);
        }
        out_format(out, "%s{reason=\"%s\"} %.6f\n", name, reasons[why], (double)us / 1e6);
    }
}

/* LSNs are positions in the WAL: bytes since the server was made. */
static void write_positions(struct out *out, const struct progress *p, int64_t now_us,
                            int64_t now_ms)
{
    uint64_t end = shared_load(&p->server_end), seen = shared_load(&p->slot.wal_end);
    uint64_t position = shared_load(&p->position);
    uint64_t flushed = shared_load(&p->flushed);
    end = seen > end ? seen : end;
    single(out, PREFIX "server_lsn_bytes", "gauge", "End of the server's WAL, as it last reported.",
           end);
    single(out, PREFIX "received_lsn_bytes", "gauge", "End of the WAL that was received.",
           shared_load(&p->received));
    single(out, PREFIX "written_lsn_bytes", "gauge",
           "Position in the WAL up to which all changes are written.", position);
    single(out, PREFIX "acknowledged_lsn_bytes", "gauge",
           "Position up to which the server may forget WAL, as last reported to it.", flushed);
    single(out, PREFIX "lag_bytes", "gauge", "WAL that the server has and that is not written yet.",
           lsn_distance(position, end));
    single(out, PREFIX "unacknowledged_bytes", "gauge",
           "WAL that the server has and may not forget yet.", lsn_distance(flushed, end));
    seconds(out, PREFIX "lag_seconds", "gauge",
            "Age of the last transaction that was written, or for how long WAL that the server had "
            "has not been passed, or the replication connection has been lost; 0 when there is "
            "nothing left to write.",
            (double)progress_lag_ms(p, now_us, now_ms) / 1e3);
}

static void write_heartbeat(struct out *out, const struct progress *p, int64_t now_us)
{
    int64_t us = progress_heartbeat_us(p, now_us);
    if (us >= 0) {
        seconds(out, PREFIX "heartbeat_lag_seconds", "gauge",
                "Time from writing a heartbeat to the server's WAL until all before it is written.",
                (double)us / 1e6);
    }
}

static void write_open(struct out *out, const struct progress *p)
{
    single(out, PREFIX "open_transactions", "gauge",
           "Transactions that the server sends before they commit.",
           shared_load(&p->open_transactions));
    single(out, PREFIX "open_transaction_bytes", "gauge",
           "What is kept of them, in memory or in files.", shared_load(&p->open_bytes));
}

static void write_counters(struct out *out, const struct progress *p)
{
    single(out, PREFIX "output_bytes_total", "counter", "Bytes written, of messages of all kinds.",
           shared_load(&p->bytes));
    single(out, PREFIX "transactions_total", "counter", "Transactions captured.",
           shared_load(&p->transactions));
    single(out, PREFIX "checkpoints_total", "counter", "Checkpoints written.",
           shared_load(&p->checkpoints));
}

static void write_rings(struct out *out, const struct progress *p)
{
    static const char name[] = PREFIX "waiting_batches";
    head(out, name, "gauge", "Batches that wait in a ring for the thread that takes them.");
    out_format(out, "%s{ring=\"events\"} %" PRIu64 "\n", name, shared_load(&p->events_depth));
    out_format(out, "%s{ring=\"rows\"} %" PRIu64 "\n", name, shared_load(&p->rows_depth));
    out_format(out, "%s{ring=\"output\"} %" PRIu64 "\n", name, shared_load(&p->output_depth));
}

/* A capture that has ended has no connection. */
static void write_connected(struct out *out, const struct metrics_source *source)
{
    static const char name[] = PREFIX "connected";
    bool connected = source->running && !shared_load(&source->progress->lost_us);
    head(out, name, "gauge", "0 while the connection is lost.");
    out_format(out, "%s{connection=\"replication\"} %d\n", name, connected);
}

static void write_reconnects(struct out *out, const struct progress *p)
{
    static const char name[] = PREFIX "reconnects_total";
    uint64_t backfill = 0;
    for (int i = 0; i < PROGRESS_WORKERS; i++) {
        backfill += shared_load(&p->workers[i].reconnects);
    }
    head(out, name, "counter", "Connections that were interrupted.");
    out_format(out, "%s{connection=\"replication\"} %" PRIu64 "\n", name,
               shared_load(&p->reader_reconnects));
    out_format(out, "%s{connection=\"backfill\"} %" PRIu64 "\n", name, backfill);
    out_format(out, "%s{connection=\"service\"} %" PRIu64 "\n", name,
               shared_load(&p->service_reconnects));
}

static void write_slot(struct out *out, const struct slot_progress *slot)
{
    static const char name[] = PREFIX "slot_wal_status";
    uint64_t safe = shared_load(&slot->safe_wal_size), status = shared_load(&slot->status);
    if (!shared_load(&slot->known)) {
        return;
    }
    if (status != SLOT_STATUS_UNKNOWN) {
        head(out, name, "gauge", "1 for the wal_status that the server gives the slot.");
        for (uint64_t i = SLOT_STATUS_RESERVED; i <= SLOT_STATUS_LOST; i++) {
            out_format(out, "%s{status=\"%s\"} %d\n", name, slot_status_names[i], i == status);
        }
    }
    if (safe != UINT64_MAX) {
        single(out, PREFIX "slot_safe_wal_bytes", "gauge",
               "WAL that can still be written before the slot may be lost (safe_wal_size).", safe);
    }
    single(out, PREFIX "slot_retained_wal_bytes", "gauge",
           "WAL that the server keeps for the slot.", shared_load(&slot->retained));
}

static uint64_t resident_bytes(void)
{
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file) {
        if (!fgets(line, sizeof line, file)) {
            line[0] = '\0';
        }
        fclose(file);
    }
    const char *second = strchr(line, ' '); /* the first field is the mapped size */
    return second ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory)) {
        count++;
    }
    if (directory) {
        closedir(directory);
    }
    return count > 3 ? count - 3 : 0; /* without ".", "..", and the directory's own */
}

static void write_process(struct out *out)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    single(out, "process_resident_memory_bytes", "gauge", "Memory of the process.",
           resident_bytes());
    single(out, "process_open_fds", "gauge", "Descriptors that are open.", open_descriptors());
    seconds(out, "process_cpu_seconds_total", "counter", "Time that the process computed.", cpu);
}

static void write_info(struct out *out, const struct metrics_source *source, enum health health)
{
    static const char info[] = PREFIX "info", moving[] = PREFIX "moving",
                      running[] = PREFIX "running";
    head(out, info, "gauge", "What is captured by what.");
    out_format(out, "%s{", info);
    label(out, "version", source->version);
    out_char(out, ',');
    label(out, "database", source->database);
    out_char(out, ',');
    label(out, "slot", source->slot);
    out_string(out, "} 1\n");
    single(out, running, "gauge", "1 while the capture runs; 0 in the file that it leaves behind.",
           source->running);
    single(out, moving, "gauge",
           "0 while nobody reads the output, or the server says nothing (see /healthz), and once "
           "the capture has ended.",
           source->running && (health == HEALTH_MOVING || health == HEALTH_STARTING));
}

void metrics_write(struct out *out, const struct metrics_source *source, int64_t now_us,
                   int64_t now_ms)
{
    const struct progress *p = source->progress;
    write_info(out, source, metrics_health(p, now_us));
    write_process(out);
    if (!shared_load(&p->ready)) {
        return;
    }
    write_records(out, p);
    write_counters(out, p);
    write_positions(out, p, now_us, now_ms);
    write_heartbeat(out, p, now_us);
    write_open(out, p);
    write_backfills(out, p);
    write_chunks(out, p);
    write_waits(out, p);
    write_rings(out, p);
    write_connected(out, source);
    write_reconnects(out, p);
    write_slot(out, &p->slot);
}
