/* Progress for people. Reads the engine's counters; never waits for it. */
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lsn.h"
#include "output.h"
#include "runtime/counter.h"

enum {
    LOG_INTERVAL_US = 30 * 1000 * 1000,
    CONSUMER_US = 5 * 1000 * 1000, /* output is written in milliseconds, if somebody takes it */
    TABLES_SHOWN = 12,
};

void show_init(struct show *s, const struct progress *progress, struct log *log, bool draw)
{
    *s = (struct show){.progress = progress, .log = log, .terminal = draw && isatty(STDERR_FILENO)};
    s->consumer.log = log;
    s->begun_us = s->last_us = clock_monotonic_us();
}

/* How far what was last printed is behind now, in ms; 0 when it is all there was. */
static int64_t lag_ms(const struct progress *p)
{
    int64_t commit_us = (int64_t)shared_load(&p->commit_us);
    int64_t lag = clock_wall_ms() - commit_us / 1000;
    return commit_us && lag > 0 ? lag : 0;
}

static double rate(uint64_t now, uint64_t before, int64_t us)
{
    return us > 0 ? (double)(now - before) * 1e6 / (double)us : 0;
}

static void draw_table(struct out *out, const struct stream_progress *t)
{
    uint64_t rows = shared_load(&t->rows);
    if (!shared_load(&t->backfilling)) {
        out_format(out, "\033[K%-40s changes    %12" PRIu64 " rows backfilled\n", t->name, rows);
    } else if (t->row_estimate > 0) {
        double percent = (double)rows * 100 / (double)t->row_estimate;
        out_format(out,
                   "\033[K%-40s backfill   %12" PRIu64 " of about %" PRId64 " rows (%.0f %%)\n",
                   t->name, rows, t->row_estimate, percent > 100 ? 100 : percent);
    } else {
        out_format(out, "\033[K%-40s backfill   %12" PRIu64 " rows\n", t->name, rows);
    }
}

static void draw(struct show *s, double rows, double changes)
{
    const struct progress *p = s->progress;
    int count = (int)shared_load(&p->stream_count);
    int shown = count < TABLES_SHOWN ? count : TABLES_SHOWN;
    struct out out;
    if (!output_error_ready()) {
        return;
    }
    out_init(&out, 2048);
    if (s->lines) {
        out_format(&out, "\033[%dA", s->lines);
    }
    for (int i = 0; i < shown; i++) {
        draw_table(&out, &p->streams[i]);
    }
    out_format(&out, "\033[K%.0f rows/s, %.0f changes/s, at %s, %" PRId64 " ms behind\n", rows,
               changes, lsn_format(shared_load(&p->cursor)).s, lag_ms(p));
    output_error(out.data, out.len);
    out_free(&out);
    s->lines = shown + 1;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static int backfilling(const struct progress *p)
{
    int count = 0, streams = (int)shared_load(&p->stream_count);
    for (int i = 0; i < streams; i++) {
        count += shared_load(&p->streams[i].backfilling) != 0;
    }
    return count;
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

/* What is waited for stands until that is over; then this is said again. */
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
    int tables = backfilling(s->progress), percent = percent_done(s->progress);
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

/* Once each time. */
static void show_consumer(struct show *s)
{
    int64_t since_us = (int64_t)shared_load(&s->progress->writing_since_us);
    if (since_us && clock_monotonic_us() - since_us > CONSUMER_US) {
        if (since_us != s->consumer_since_us) {
            log_wait(&s->consumer, LOG_WARN,
                     "waiting for the consumer: nobody reads standard output, and what is captured "
                     "has to wait");
        }
        s->consumer_since_us = since_us;
    } else {
        log_waited(&s->consumer);
    }
}

void show_progress(struct show *s)
{
    const struct progress *p = s->progress;
    show_consumer(s);
    if (s->statuses && shared_load(&p->ready)) {
        say_status(s, clock_monotonic_us());
    }
    int64_t now_us = clock_monotonic_us(), passed_us = now_us - s->last_us;
    if (!shared_load(&p->ready) || (!s->terminal && passed_us < LOG_INTERVAL_US)) {
        return;
    }
    uint64_t rows = shared_load(&p->rows), changes = shared_load(&p->changes);
    uint64_t streams = shared_load(&p->stream_count);
    double row_rate = rate(rows, s->last_rows, passed_us);
    double change_rate = rate(changes, s->last_changes, passed_us);
    if (s->terminal) {
        draw(s, row_rate, change_rate);
    } else {
        log_line(s->log, LOG_INFO,
                 "%d of %" PRIu64 " table%s in backfill, %" PRIu64 " row%s (%.0f/s), %" PRIu64
                 " change%s (%.0f/s), at %s, %" PRId64 " ms behind",
                 backfilling(p), streams, plural(streams), rows, plural(rows), row_rate, changes,
                 plural(changes), change_rate, lsn_format(shared_load(&p->cursor)).s, lag_ms(p));
    }
    s->last_us = now_us;
    s->last_rows = rows;
    s->last_changes = changes;
}

void show_end(struct show *s)
{
    const struct progress *p = s->progress;
    int64_t passed_us = clock_monotonic_us() - s->begun_us;
    uint64_t rows = shared_load(&p->rows), changes = shared_load(&p->changes);
    if (shared_load(&p->ready)) {
        log_line(s->log, LOG_INFO,
                 "wrote %" PRIu64 " row%s and %" PRIu64 " change%s, %" PRIu64 " bytes, in %.1f s",
                 rows, plural(rows), changes, plural(changes), shared_load(&p->bytes),
                 (double)passed_us / 1e6);
    }
}
