/* Progress for people. Reads the engine's counters; never waits for it. */
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "fields.h"
#include "output.h"
#include "pace.h"
#include "runtime/counter.h"

enum {
    LOG_INTERVAL_US = 30 * 1000 * 1000,
    SAME_US = 5 * 60 * 1000 * 1000, /* Airbyte waits 10 minutes for a message: metadata.yaml */
    CONSUMER_US = 5 * 1000 * 1000,  /* output is written in milliseconds, if the consumer reads */
    AGAIN_US = 30 * 1000 * 1000,    /* as often as waits for locks */
};

void show_init(struct show *s, const struct progress *progress, struct log *log, bool draw)
{
    *s = (struct show){.progress = progress, .log = log, .terminal = draw && isatty(STDERR_FILENO)};
    s->consumer.log = log;
    s->tables.progress = progress;
    s->begun_us = clock_monotonic_us();
}

static int64_t lag_ms(const struct progress *p)
{
    return progress_lag_ms(p, clock_monotonic_us(), clock_wall_ms());
}

/* ", N MiB of M transactions that are still open, heartbeats take N ms", where there are such. */
static void add_more(struct out *out, const struct progress *p)
{
    uint64_t open = shared_load(&p->open_transactions);
    int64_t us = progress_heartbeat_us(p, clock_monotonic_us());
    if (open) {
        out_format(out, ", %" PRIu64 " MiB of %" PRIu64 " transaction%s that %s still open",
                   shared_load(&p->open_bytes) >> 20, open, plural(open), open == 1 ? "is" : "are");
    }
    if (us >= 0) {
        out_format(out, ", heartbeats take %" PRId64 " ms", us / 1000);
    }
}

/* Of all tables in backfill of which the server estimates how many rows they have. 0: it is not
 * known, as while no rows come. */
static double seconds_left(const struct show *s)
{
    double rows = 0;
    if (clock_monotonic_us() - s->moved_us > STILL_US) {
        return 0;
    }
    for (int i = 0; i < (int)shared_load(&s->progress->stream_count); i++) {
        const struct stream_progress *t = &s->progress->streams[i];
        double left = (double)t->row_estimate - (double)shared_load(&t->rows);
        rows += shared_load(&t->backfilling) && left > 0 ? left : 0;
    }
    return time_left(rows, s->row_rate);
}

/* 0: not known. */
static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

/* The terminal cuts a line that is too long for it, or the next drawing would miss its place. */
static void draw(struct show *s, double rows, double changes)
{
    const struct progress *p = s->progress;
    struct out out;
    if (!output_error_ready()) {
        return;
    }
    out_init(&out, 2048);
    out_string(&out, "\033[?7l");
    if (s->lines) {
        out_format(&out, "\033[%dA", s->lines);
    }
    s->lines = table_lines_draw(&s->tables, &out, terminal_columns(), clock_monotonic_us()) + 1;
    out_format(&out, "\033[K%.0f rows/s, %.0f changes/s, at %s, %" PRId64 " ms behind", rows,
               changes, lsn_format(shared_load(&p->cursor)).s, lag_ms(p));
    add_more(&out, p);
    add_left(&out, seconds_left(s));
    out_string(&out, "\n\033[J\033[?7h");
    output_error(out.data, out.len);
    out_free(&out);
}

/* Of the rows of the tables in backfill, as far as the server has an idea how many there are. */
static int percent_done(const struct progress *p)
{
    double rows = 0, all = 0;
    for (int i = 0; i < (int)shared_load(&p->stream_count); i++) {
        const struct stream_progress *t = &p->streams[i];
        if (shared_load(&t->backfilling) && t->row_estimate > 0) {
            double done = (double)shared_load(&t->rows), most = (double)t->row_estimate;
            rows += done < most ? done : most;
            all += most;
        }
    }
    return all > 0 ? (int)(rows * 100 / all) : -1;
}

/*
 * A line that says what is waited for stays until the wait is over; then progress is shown again.
 */
static bool is_waiting(struct show *s)
{
    unsigned said, waits = log_waits(s->log, &said);
    if (said != s->waits) {
        s->waits = said;
        s->status = -1;
    }
    return waits > 0;
}

/* At once when it is another, and now and again while rows are read. */
static void say_status(struct show *s, int64_t now_us)
{
    int tables = tables_backfilling(s->progress), percent = percent_done(s->progress);
    if (is_waiting(s)) {
        return;
    }
    if (tables == s->status && (!tables || now_us - s->said_us < LOG_INTERVAL_US)) {
        return;
    }
    if (!tables) {
        log_status(s->log, "Streaming changes");
    } else if (percent < 0) {
        log_status(s->log, "Backfilling %d table%s", tables, plural((uint64_t)tables));
    } else {
        log_status(s->log, "Backfilling %d table%s (%d %%)", tables, plural((uint64_t)tables),
                   percent);
    }
    s->status = tables;
    s->said_us = now_us;
}

static void say_consumer(struct show *s, int64_t seconds)
{
    if (s->files) {
        log_wait_about(&s->consumer, LOG_WARN, "waiting for the file system",
                       "waiting for the file system: it has taken %" PRId64
                       " s so far to write what --output has, and what is captured has to wait",
                       seconds);
    } else {
        log_wait_about(&s->consumer, LOG_WARN, "waiting for the consumer",
                       "waiting for the consumer: nobody has read standard output for %" PRId64
                       " s, and what is captured has to wait",
                       seconds);
    }
}

static void say_consumer_reads(struct show *s, int64_t now_us)
{
    const char *about = s->files ? "the file system writes again" : "the consumer reads again";
    if (s->consumer.said) {
        log_waited(&s->consumer);
        log_about(s->log, LOG_INFO, about, "%s, after about %" PRId64 " s", about,
                  (now_us - s->consumer_since_us) / 1000000);
    }
}

/* Of one write: soon, and then again while it lasts. */
static void show_consumer(struct show *s, int64_t now_us)
{
    int64_t since_us = (int64_t)shared_load(&s->progress->writing_since_us);
    if (!since_us || now_us - since_us <= CONSUMER_US) {
        say_consumer_reads(s, now_us);
    } else if (since_us != s->consumer_since_us || now_us - s->consumer_said_us >= AGAIN_US) {
        say_consumer(s, (now_us - since_us) / 1000000);
        s->consumer_since_us = since_us;
        s->consumer_said_us = now_us;
    }
}

/* A line in which nothing is new would tell people nothing. */
static bool is_news(const struct show *s, const char *line, int64_t now_us)
{
    return !s->line || strcmp(s->line, line) != 0 ||
           (s->platform && now_us - s->line_us >= SAME_US);
}

/* What the line of progress has, for programs. */
static void add_fields(struct fields *f, const struct show *s, double row_rate, double change_rate)
{
    const struct progress *p = s->progress;
    double left = seconds_left(s);
    int tables = tables_backfilling(p);
    fields_text(f, "phase", tables ? "backfill" : "changes");
    fields_number(f, "tables", shared_load(&p->stream_count));
    fields_number(f, "tables_in_backfill", (uint64_t)tables);
    fields_number(f, "rows", shared_load(&p->rows));
    fields_rounded(f, "rows_per_second", row_rate);
    fields_number(f, "changes", shared_load(&p->changes));
    fields_rounded(f, "changes_per_second", change_rate);
    fields_number(f, "lag_ms", (uint64_t)lag_ms(p));
    if (left > 0) {
        fields_rounded(f, "seconds_left", left);
    }
}

static void log_progress(struct show *s, double row_rate, double change_rate)
{
    const struct progress *p = s->progress;
    int64_t now_us = clock_monotonic_us();
    uint64_t rows = shared_load(&p->rows), changes = shared_load(&p->changes);
    uint64_t streams = shared_load(&p->stream_count);
    struct out line;
    out_init(&line, 256);
    out_format(&line,
               "%d of %" PRIu64 " table%s in backfill, %" PRIu64 " row%s (%.0f/s), %" PRIu64
               " change%s (%.0f/s), at %s, %" PRId64 " ms behind",
               tables_backfilling(p), streams, plural(streams), rows, plural(rows), row_rate,
               changes, plural(changes), change_rate, lsn_format(shared_load(&p->cursor)).s,
               lag_ms(p));
    add_more(&line, p);
    add_left(&line, seconds_left(s));
    if (is_news(s, out_text(&line), now_us)) {
        struct fields fields = {0};
        add_fields(&fields, s, row_rate, change_rate);
        log_fields(s->log, LOG_INFO, fields.items, "%s", out_text(&line));
        free(s->line);
        s->line = mem_string(out_text(&line));
        s->line_us = now_us;
    }
    out_free(&line);
    table_lines_log(&s->tables, s->log, now_us);
}

static void note_rows(struct show *s, uint64_t rows, int64_t now_us)
{
    if (rows != s->seen_rows) {
        s->seen_rows = rows;
        s->moved_us = now_us;
    }
}

/* What is waited for before a table is read counts for no rate. */
static void begin_measuring(struct show *s, int64_t now_us)
{
    s->last_us = now_us;
    s->last_rows = shared_load(&s->progress->rows);
    s->last_changes = shared_load(&s->progress->changes);
}

static void measure(struct show *s, int64_t now_us)
{
    int64_t passed_us = now_us - s->last_us;
    uint64_t rows = shared_load(&s->progress->rows), changes = shared_load(&s->progress->changes);
    double row_rate = pace_of(rows, s->last_rows, passed_us);
    double change_rate = pace_of(changes, s->last_changes, passed_us);
    table_lines_measure(&s->tables, now_us, passed_us);
    s->row_rate += (s->row_rate > 0 ? pace_weight(passed_us) : 1) * (row_rate - s->row_rate);
    if (s->terminal) {
        draw(s, row_rate, change_rate);
    } else {
        log_progress(s, row_rate, change_rate);
    }
    s->last_us = now_us;
    s->last_rows = rows;
    s->last_changes = changes;
}

void show_progress(struct show *s)
{
    int64_t now_us = clock_monotonic_us();
    show_consumer(s, now_us);
    if (!shared_load(&s->progress->ready)) {
        return;
    }
    if (s->statuses) {
        say_status(s, now_us);
    }
    if (!s->last_us) {
        begin_measuring(s, now_us);
    }
    note_rows(s, shared_load(&s->progress->rows), now_us);
    table_lines_note(&s->tables, now_us);
    if (s->terminal || now_us - s->last_us >= LOG_INTERVAL_US) {
        measure(s, now_us);
    }
}

void show_end(struct show *s)
{
    const struct progress *p = s->progress;
    int64_t passed_us = clock_monotonic_us() - s->begun_us;
    uint64_t rows = shared_load(&p->rows), changes = shared_load(&p->changes);
    free(s->line);
    s->line = NULL;
    table_lines_free(&s->tables);
    log_flush(s->log); /* nothing is to come after the last line */
    if (shared_load(&p->ready)) {
        log_line(s->log, LOG_INFO,
                 "wrote %" PRIu64 " row%s and %" PRIu64 " change%s, %" PRIu64 " bytes, in %.1f s",
                 rows, plural(rows), changes, plural(changes), shared_load(&p->bytes),
                 (double)passed_us / 1e6);
    }
}
