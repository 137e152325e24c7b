/*
 * A worker's thread: range after range, chunk after chunk.
 *
 * The watermark of a chunk is written together with the query of the next: one message to the
 * server and back. Only when the pool has no room for another chunk it goes alone, because what
 * makes room is that watermark coming by.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "reader.h"
#include "runtime/counter.h"
#include "runtime/retry.h"

enum { WATERMARK_STATEMENTS = 3 };

struct worker {
    struct thread *thread;
    struct backfill backfill;
    struct reader reader; /* of chunks */
    struct worker_progress *progress;
    struct worker_progress done; /* as last shown */
    char name[32];
    bool fenced;                    /* the task's fence was passed */
    bool returned;                  /* the task was given back */
    char watermark[WATERMARK_TEXT]; /* still to be written; "": none */
    struct retry retry;
    struct log_wait wait;
};

/* Chunk queries are held to the user's limit; and the statement of facts is planned once, whatever its
 * parameters. */
static bool set_up(struct worker *w, struct err *err)
{
    struct out sql;
    out_init(&sql, 128);
    out_format(
        &sql, "SET statement_timeout=%lld%s", (long long)w->backfill.config->statement_timeout_ms,
        pg_server_version(w->reader.pg) >= 120000 ? "; SET plan_cache_mode=force_generic_plan"
                                                  : "");
    bool ok = pg_exec(w->reader.pg, out_text(&sql), err);
    out_free(&sql);
    return ok;
}

static bool connect_server(struct worker *w, struct err *err)
{
    const struct backfill *b = &w->backfill;
    if (w->reader.pg && pg_alive(w->reader.pg)) {
        return true;
    }
    pg_close(&w->reader.pg);
    w->reader.table.prepared = NULL;
    w->reader.pg = pg_open(b->config, PG_SQL, w->name, run_stop_fd(b->run), err);
    if (w->reader.pg) {
        pg_tell(w->reader.pg, &(struct notices){log_notice, log_notice_wait, &w->wait});
    }
    if (w->reader.pg && !set_up(w, err)) {
        pg_close(&w->reader.pg);
    }
    return w->reader.pg != NULL;
}

static void turn_to(struct worker *w, const struct backfill_task *task)
{
    struct reader *r = &w->reader;
    table_take(&r->table, r->pg, w->backfill.config, task->table);
    r->table.filter = w->backfill.catalog->streams[task->stream].backfill_filter;
}

/* Room for a whole chunk, so that it can be read to its end whatever the stream does. */
static bool has_room(const struct worker *w)
{
    return pool_free_batches(w->reader.pool) >=
           reader_chunk_batches(&w->reader) + READER_EXTRA_BATCHES;
}

static void wait_for_room(struct worker *w)
{
    for (;;) {
        uint32_t seen = bell_count(pool_bell(w->reader.pool));
        if (has_room(w) || run_stopping(w->backfill.run)) {
            return;
        }
        bell_wait(pool_bell(w->reader.pool), seen, INT64_MAX);
    }
}

static void add_watermark(const struct worker *w, struct out *request)
{
    struct out sql;
    if (!w->watermark[0]) {
        return;
    }
    out_init(&sql, 256);
    watermark_sql(&sql, w->backfill.config, w->watermark);
    wire_statement(request, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", NULL);
    wire_statement(request, out_text(&sql), NULL);
    wire_statement(request, "COMMIT", NULL);
    out_free(&sql);
}

static bool watermark_written(struct worker *w, struct err *err)
{
    if (!w->watermark[0]) {
        return true;
    }
    if (!reader_expect_done(&w->reader, WATERMARK_STATEMENTS, err)) {
        return err_prefix(err, "writing the watermark: ");
    }
    crash_point("watermark-written");
    w->watermark[0] = '\0';
    return true;
}

static bool write_watermark_alone(struct worker *w, struct err *err)
{
    struct out request;
    if (!w->watermark[0]) {
        return true;
    }
    out_init(&request, 512);
    add_watermark(w, &request);
    wire_sync(&request);
    bool ok = wire_send(w->reader.pg, &request, err) && watermark_written(w, err) &&
              reader_expect_ready(&w->reader, err);
    out_free(&request);
    return ok;
}

static void show_chunk(struct worker *w, int64_t us)
{
    w->done.chunks_us += (uint64_t)us;
    shared_store(&w->progress->chunks_us, w->done.chunks_us);
    shared_store(&w->progress->chunks, ++w->done.chunks);
}

/* One chunk of the task, and the watermark of the one before. *after moves on; NULL at the end of
 * the range. */
static bool read_chunk(struct worker *w, const struct backfill_task *task, struct key **after,
                       bool *last, struct err *err)
{
    struct out request;
    struct chunk_close close = {0};
    int64_t begun_us = clock_monotonic_us();
    out_init(&request, 4096);
    add_watermark(w, &request);
    reader_chunk_statements(&w->reader, &request, task, *after);
    wire_sync(&request);
    bool ok = reader_open(&w->reader, task, err) && wire_send(w->reader.pg, &request, err) &&
              watermark_written(w, err) && reader_chunk(&w->reader, task, &close, err);
    out_free(&request);
    if (!ok) {
        reader_abort(&w->reader, task);
        return false;
    }
    show_chunk(w, clock_monotonic_us() - begun_us);
    watermark_new(w->watermark);
    memcpy(close.watermark, w->watermark, sizeof close.watermark);
    key_free(after);
    *after = key_copy(close.end);
    *last = close.last;
    crash_point("chunk-read");
    return reader_close(&w->reader, task, &close, err);
}

/* Whether the chunk failed because it was too much, and less may be asked for. */
static bool may_ask_for_less(struct worker *w, const struct err *err)
{
    if (!w->reader.too_much) {
        return false;
    }
    w->reader.too_much = false;
    log_line(w->backfill.log, LOG_WARN,
             "a query of the backfill for %d rows of %s.%s is too much: trying with fewer (%s)",
             w->reader.asked, w->reader.table.relation->schema, w->reader.table.relation->name,
             err->message);
    return true;
}

/* The table is not as the task describes it: somebody else decides. */
static bool give_back(struct worker *w, const struct backfill_task *task, const struct key *after,
                      struct err *err)
{
    char why[sizeof err->message];
    memcpy(why, err->message, sizeof why);
    w->reader.differs = false;
    w->returned = true;
    return reader_return(&w->reader, task, after, why, err);
}

/* Whether to try again, after a pause where the server is to blame. */
static bool may_retry(struct worker *w, struct err *err)
{
    int64_t pause_us;
    if (err->kind == ERR_STOPPED || run_stopping(w->backfill.run)) {
        return false;
    }
    if (may_ask_for_less(w, err)) {
        return true;
    }
    if (!retry_again(&w->retry, "the backfill", clock_monotonic_us(), &pause_us, err)) {
        return false;
    }
    shared_store(&w->progress->reconnects, ++w->done.reconnects);
    log_wait(&w->wait, LOG_WARN, "backfill interrupted, will try again: %s", err->message);
    pg_close(&w->reader.pg);
    run_pause(w->backfill.run, pause_us);
    return true;
}

static void succeeded(struct worker *w)
{
    retry_succeeded(&w->retry, clock_monotonic_us());
    log_waited(&w->wait);
}

/* One step of a range: whatever has to come before the next chunk, or the chunk. */
static bool step(struct worker *w, const struct backfill_task *task, struct key **after, bool *last,
                 struct err *err)
{
    if (!connect_server(w, err)) {
        return false;
    }
    turn_to(w, task);
    if (task->fence && !w->fenced) {
        const struct backfill *b = &w->backfill;
        w->fenced =
            write_watermark_alone(w, err) && /* that of the table before must not wait, too */
            backfill_fence(w->reader.pg, w->reader.table.relation, b->run, &w->wait, err);
        return w->fenced;
    }
    if (!has_room(w)) {
        if (!write_watermark_alone(w, err)) {
            return false;
        }
        wait_for_room(w);
        return true;
    }
    return read_chunk(w, task, after, last, err);
}

/* Whether the rows are still wanted: the stream may have begun another life. */
static bool is_wanted(const struct worker *w, const struct backfill_task *task)
{
    return !run_stopping(w->backfill.run) && !w->returned &&
           shared_load(&w->backfill.lives[task->stream]) == task->life;
}

/* A right to read the table that was taken away since the start; the server may have refused something
 * else. Returns false. */
static bool name_rights(struct worker *w, const struct backfill_task *task, struct err *err)
{
    static const char sql[] =
        "SELECT pg_catalog.concat_ws('; ',"
        "CASE WHEN NOT pg_catalog.has_schema_privilege(n.oid,'USAGE') THEN"
        " pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I',n.nspname,current_user) END,"
        "CASE WHEN NOT pg_catalog.has_table_privilege(c.oid,'SELECT') THEN"
        " pg_catalog.format('GRANT SELECT ON TABLE %I.%I TO %I',n.nspname,c.relname,current_user)"
        " END) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace"
        " WHERE c.oid=$1::oid";
    struct err ignored = {0};
    if (strcmp(err->sqlstate, "42501") != 0 || !w->reader.pg) {
        return false;
    }
    char *oid = mem_format("%" PRIu32, task->table->relation->oid);
    struct pg_rows *rows = pg_query(w->reader.pg, sql, 1, (const char *const[]){oid}, &ignored);
    if (rows && pg_rows_count(rows) && *pg_rows_value(rows, 0, 0)) {
        err_suffix(err, "; run %s", pg_rows_value(rows, 0, 0));
    }
    pg_rows_free(&rows);
    free(oid);
    return false;
}

static bool read_range(struct worker *w, const struct backfill_task *task, struct err *err)
{
    const struct catalog_stream *stream = &w->backfill.catalog->streams[task->stream];
    struct key *after = key_copy(task->after);
    bool last = false, ok = true;
    w->fenced = w->returned = w->reader.differs = false;
    while (ok && !last && is_wanted(w, task)) {
        ok = step(w, task, &after, &last, err);
        if (ok) {
            succeeded(w);
        } else if (w->reader.differs && !run_stopping(w->backfill.run)) {
            ok = give_back(w, task, after, err);
        } else {
            err_about(err, stream->schema, stream->table);
            ok = may_retry(w, err) || name_rights(w, task, err);
        }
    }
    key_free(&after);
    return ok;
}

/* The last chunk's watermark has no query to travel with. */
static bool finish(struct worker *w, struct err *err)
{
    while (w->watermark[0] && !run_stopping(w->backfill.run)) {
        if ((!connect_server(w, err) || !write_watermark_alone(w, err)) && !may_retry(w, err)) {
            return false;
        }
    }
    return true;
}

/* Nothing to read: the session is not needed until a task comes. */
static bool rest(struct worker *w, uint32_t seen, struct err *err)
{
    if (!finish(w, err)) {
        return false;
    }
    pg_close(&w->reader.pg);
    log_waited(&w->wait);
    bell_wait(pool_bell(w->reader.pool), seen, INT64_MAX);
    succeeded(w);
    return true;
}

static bool work(struct worker *w, struct err *err)
{
    bool ok = true;
    succeeded(w);
    while (ok && !run_stopping(w->backfill.run)) {
        uint32_t seen = bell_count(pool_bell(w->reader.pool));
        struct backfill_task *task = queue_take(w->backfill.tasks);
        if (!task) {
            ok = rest(w, seen, err);
            continue;
        }
        ok = read_range(w, task, err);
        if (!ok) {
            const struct catalog_stream *s = &w->backfill.catalog->streams[task->stream];
            err_about(err, s->schema, s->table);
        }
        backfill_task_free(&task);
    }
    return ok;
}

static void worker_main(void *context)
{
    struct worker *w = context;
    struct err err = {0};
    if (!work(w, &err)) {
        run_fail(w->backfill.run, &err);
    }
    pg_close(&w->reader.pg);
}

struct worker *worker_start(const struct backfill *backfill, unsigned number, struct pool *pool,
                            struct ring *ring, struct err *err)
{
    struct worker *w = mem_zero(sizeof *w);
    w->backfill = *backfill;
    w->progress = &backfill->progress[number - 1];
    w->wait.log = backfill->log;
    snprintf(w->name, sizeof w->name, "source-postgres backfill %u", number % 1000);
    reader_init(&w->reader, &w->backfill, pool, ring);
    w->thread = thread_start("backfill", worker_main, w, err);
    if (!w->thread) {
        worker_free(&w);
    }
    return w;
}

void worker_join_thread(struct worker *worker)
{
    if (worker) {
        thread_join(&worker->thread);
    }
}

void worker_free(struct worker **worker)
{
    if (*worker) {
        reader_free(&(*worker)->reader);
        free(*worker);
        *worker = NULL;
    }
}
