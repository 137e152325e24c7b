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

/* All samples carry the labels server and slot: several captures may share a node_exporter. */
struct page {
    struct out *out;
    const struct metrics_source *source;
};

/* The lines before a family's first sample. */
static void head(const struct page *page, const char *name, const char *type, const char *help)
{
    out_format(page->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A value of a label: only these three are special. */
static void write_label(struct out *out, const char *name, const char *value)
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

/* A sample is opened, may get more labels, and is closed by its value. */
static void open_sample(const struct page *page, const char *name)
{
    out_format(page->out, "%s{", name);
    write_label(page->out, "server", page->source->server);
    out_char(page->out, ',');
    write_label(page->out, "slot", page->source->slot);
}

static void label(const struct page *page, const char *name, const char *value)
{
    out_char(page->out, ',');
    write_label(page->out, name, value);
}

static void close_count(const struct page *page, uint64_t value)
{
    out_format(page->out, "} %" PRIu64 "\n", value);
}

static void close_seconds(const struct page *page, double value)
{
    out_format(page->out, "} %.6f\n", value);
}

/* A family of one sample without other labels. */
static void single(const struct page *page, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    head(page, name, type, help);
    open_sample(page, name);
    close_count(page, value);
}

static void seconds(const struct page *page, const char *name, const char *type, const char *help,
                    double value)
{
    head(page, name, type, help);
    open_sample(page, name);
    close_seconds(page, value);
}

static void labelled(const struct page *page, const char *name, const char *key, const char *of,
                     uint64_t value)
{
    open_sample(page, name);
    label(page, key, of);
    close_count(page, value);
}

static void open_table(const struct page *page, const char *name,
                       const struct stream_progress *table)
{
    open_sample(page, name);
    label(page, "schema", table->schema);
    label(page, "table", table->table);
}

static void by_path(const struct page *page, const char *name, const struct stream_progress *table,
                    uint64_t backfill, uint64_t replication)
{
    open_table(page, name, table);
    label(page, "path", "backfill");
    close_count(page, backfill);
    open_table(page, name, table);
    label(page, "path", "replication");
    close_count(page, replication);
}

static void write_records(const struct page *page, const struct progress *p)
{
    static const char records[] = PREFIX "records_total", bytes[] = PREFIX "record_bytes_total";
    uint64_t count = shared_load(&p->stream_count);
    head(page, records, "counter", "Records written, by table and by how they came.");
    for (uint64_t i = 0; i < count; i++) {
        by_path(page, records, &p->streams[i], shared_load(&p->outputs[i].rows),
                shared_load(&p->outputs[i].changes));
    }
    head(page, bytes, "counter", "Bytes of records written, by table and by how they came.");
    for (uint64_t i = 0; i < count; i++) {
        by_path(page, bytes, &p->streams[i], shared_load(&p->outputs[i].row_bytes),
                shared_load(&p->outputs[i].change_bytes));
    }
}

static void write_backfills(const struct page *page, const struct progress *p)
{
    static const char running[] = PREFIX "backfill_running", rows[] = PREFIX "backfill_rows",
                      estimate[] = PREFIX "backfill_estimated_rows";
    uint64_t count = shared_load(&p->stream_count);
    head(page, running, "gauge", "1 while rows of the table are still to be read.");
    for (uint64_t i = 0; i < count; i++) {
        open_table(page, running, &p->streams[i]);
        close_count(page, shared_load(&p->streams[i].backfilling));
    }
    head(page, rows, "gauge",
         "Rows of the table that its backfill has read; the last may still wait to be written.");
    for (uint64_t i = 0; i < count; i++) {
        open_table(page, rows, &p->streams[i]);
        close_count(page, shared_load(&p->streams[i].rows));
    }
    head(page, estimate, "gauge", "Rows of the table at the start, as the planner has it.");
    for (uint64_t i = 0; i < count; i++) {
        if (p->streams[i].row_estimate >= 0) {
            open_table(page, estimate, &p->streams[i]);
            close_count(page, (uint64_t)p->streams[i].row_estimate);
        }
    }
}

#define CHUNKS PREFIX "backfill_chunk_seconds"

static void write_chunks(const struct page *page, const struct progress *p)
{
    uint64_t count = 0, us = 0;
    for (int i = 0; i < PROGRESS_WORKERS; i++) {
        count += shared_load(&p->workers[i].chunks);
        us += shared_load(&p->workers[i].chunks_us);
    }
    head(page, CHUNKS, "summary", "Time that queries of the backfill took.");
    open_sample(page, CHUNKS "_sum");
    close_seconds(page, (double)us / 1e6);
    open_sample(page, CHUNKS "_count");
    close_count(page, count);
}

static void write_waits(const struct page *page, const struct progress *p)
{
    static const char name[] = PREFIX "backfill_throttled_seconds_total";
    static const char *const reasons[] = {
        [BACKFILL_WAITS_FOR_RATE] = "rate",
        [BACKFILL_WAITS_FOR_STANDBY] = "standby",
    };
    head(page, name, "counter", "Time that workers of the backfill were held back, by reason.");
    for (int why = 0; why < BACKFILL_WAITS; why++) {
        uint64_t us = 0;
        for (int i = 0; i < PROGRESS_WORKERS; i++) {
            us += shared_load(&p->workers[i].waited_us[why]);
        }
        open_sample(page, name);
        label(page, "reason", reasons[why]);
        close_seconds(page, (double)us / 1e6);
    }
}

/* LSNs are positions in the WAL: bytes since the server was made. */
static void write_positions(const struct page *page, const struct progress *p, int64_t now_us,
                            int64_t now_ms)
{
    uint64_t end = shared_load(&p->server_end), seen = shared_load(&p->slot.wal_end);
    uint64_t position = shared_load(&p->position);
    uint64_t flushed = shared_load(&p->flushed);
    end = seen > end ? seen : end;
    single(page, PREFIX "server_lsn_bytes", "gauge",
           "End of the server's WAL, as it last reported.", end);
    single(page, PREFIX "received_lsn_bytes", "gauge", "End of the WAL that was received.",
           shared_load(&p->received));
    single(page, PREFIX "written_lsn_bytes", "gauge",
           "Position in the WAL up to which all changes are written.", position);
    single(page, PREFIX "acknowledged_lsn_bytes", "gauge",
           "Position up to which the server may forget WAL, as last reported to it.", flushed);
    single(page, PREFIX "lag_bytes", "gauge",
           "WAL that the server has and that is not written yet.", lsn_distance(position, end));
    single(page, PREFIX "unacknowledged_bytes", "gauge",
           "WAL that the server has and may not forget yet.", lsn_distance(flushed, end));
    seconds(page, PREFIX "lag_seconds", "gauge",
            "Age of the last transaction that was written, or for how long WAL that the server had "
            "has not been passed, or the replication connection has been lost; 0 when there is "
            "nothing left to write.",
            (double)progress_lag_ms(p, now_us, now_ms) / 1e3);
}

static void write_heartbeat(const struct page *page, const struct progress *p, int64_t now_us)
{
    int64_t us = progress_heartbeat_us(p, now_us);
    if (us >= 0) {
        seconds(page, PREFIX "heartbeat_lag_seconds", "gauge",
                "Time from writing a heartbeat to the server's WAL until all before it is written.",
                (double)us / 1e6);
    }
}

static void write_open(const struct page *page, const struct progress *p)
{
    single(page, PREFIX "open_transactions", "gauge",
           "Transactions that the server sends before they commit.",
           shared_load(&p->open_transactions));
    single(page, PREFIX "open_transaction_bytes", "gauge",
           "What is kept of them, in memory or in files.", shared_load(&p->open_bytes));
}

static void write_counters(const struct page *page, const struct progress *p)
{
    single(page, PREFIX "output_bytes_total", "counter", "Bytes written, of messages of all kinds.",
           shared_load(&p->bytes));
    single(page, PREFIX "transactions_total", "counter", "Transactions captured.",
           shared_load(&p->transactions));
    single(page, PREFIX "checkpoints_total", "counter", "Checkpoints written.",
           shared_load(&p->checkpoints));
}

static void write_rings(const struct page *page, const struct progress *p)
{
    static const char name[] = PREFIX "waiting_batches";
    head(page, name, "gauge", "Batches that wait in a ring for the thread that takes them.");
    labelled(page, name, "ring", "events", shared_load(&p->events_depth));
    labelled(page, name, "ring", "rows", shared_load(&p->rows_depth));
    labelled(page, name, "ring", "output", shared_load(&p->output_depth));
}

/* A capture that has ended has no connection. */
static void write_connected(const struct page *page, const struct progress *p)
{
    static const char name[] = PREFIX "connected";
    bool connected = page->source->running && !shared_load(&p->lost_us);
    head(page, name, "gauge", "0 while the connection is lost.");
    labelled(page, name, "connection", "replication", connected);
}

static void write_reconnects(const struct page *page, const struct progress *p)
{
    static const char name[] = PREFIX "reconnects_total";
    uint64_t backfill = 0;
    for (int i = 0; i < PROGRESS_WORKERS; i++) {
        backfill += shared_load(&p->workers[i].reconnects);
    }
    head(page, name, "counter", "Connections that were interrupted.");
    labelled(page, name, "connection", "replication", shared_load(&p->reader_reconnects));
    labelled(page, name, "connection", "backfill", backfill);
    labelled(page, name, "connection", "service", shared_load(&p->service_reconnects));
}

static void write_slot(const struct page *page, const struct slot_progress *slot)
{
    static const char name[] = PREFIX "slot_wal_status";
    uint64_t safe = shared_load(&slot->safe_wal_size), status = shared_load(&slot->status);
    if (!shared_load(&slot->known)) {
        return;
    }
    if (status != SLOT_STATUS_UNKNOWN) {
        head(page, name, "gauge", "1 for the wal_status that the server gives the slot.");
        for (uint64_t i = SLOT_STATUS_RESERVED; i <= SLOT_STATUS_LOST; i++) {
            labelled(page, name, "status", slot_status_names[i], i == status);
        }
    }
    if (safe != UINT64_MAX) {
        single(page, PREFIX "slot_safe_wal_bytes", "gauge",
               "WAL that can still be written before the slot may be lost (safe_wal_size).", safe);
    }
    single(page, PREFIX "slot_retained_wal_bytes", "gauge",
           "WAL that the server keeps for the slot.", shared_load(&slot->retained));
    single(page, PREFIX "slot_catalog_xmin_age", "gauge",
           "Transactions since the one from which on vacuum keeps dead catalog rows for the slot.",
           shared_load(&slot->catalog_age));
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

/* Their HELP texts are those of other exporters: Prometheus takes only one for a name. */
static void write_process(const struct page *page)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    single(page, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
           resident_bytes());
    single(page, "process_open_fds", "gauge", "Number of open file descriptors.",
           open_descriptors());
    seconds(page, "process_cpu_seconds_total", "counter",
            "Total user and system CPU time spent in seconds.", cpu);
}

static void write_info(const struct page *page, enum health health)
{
    const struct metrics_source *source = page->source;
    static const char info[] = PREFIX "info", moving[] = PREFIX "moving",
                      running[] = PREFIX "running";
    head(page, info, "gauge", "What is captured by what.");
    open_sample(page, info);
    label(page, "version", source->version);
    label(page, "database", source->database);
    close_count(page, 1);
    single(page, running, "gauge", "1 while the capture runs; 0 in the file that it leaves behind.",
           source->running);
    single(page, moving, "gauge",
           "0 while nobody reads the output, or the server says nothing (see /healthz), and once "
           "the capture has ended.",
           source->running && (health == HEALTH_MOVING || health == HEALTH_STARTING));
}

void metrics_write(struct out *out, const struct metrics_source *source, int64_t now_us,
                   int64_t now_ms)
{
    const struct page page = {out, source};
    const struct progress *p = source->progress;
    write_info(&page, metrics_health(p, now_us));
    write_process(&page);
    write_slot(&page, &p->slot);
    if (!shared_load(&p->ready)) {
        return;
    }
    write_records(&page, p);
    write_counters(&page, p);
    write_positions(&page, p, now_us, now_ms);
    write_heartbeat(&page, p, now_us);
    write_open(&page, p);
    write_backfills(&page, p);
    write_chunks(&page, p);
    write_waits(&page, p);
    write_rings(&page, p);
    write_connected(&page, p);
    write_reconnects(&page, p);
}
