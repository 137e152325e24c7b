/* The service thread: its connection, and which file answers which question. */
#include "service.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pg/position.h"
#include "runtime/counter.h"
#include "runtime/retry.h"

enum { QUESTIONS = 16 };

struct question *question_new(enum question_kind kind, int stream)
{
    struct question *q = mem_zero(sizeof *q);
    q->kind = kind;
    q->stream = stream;
    return q;
}

static void free_terms(struct question *q)
{
    int count = q->kind == ASK_LOOK ? q->count : 1;
    for (int i = 0; q->terms && i < count; i++) {
        terms_clear(&q->terms[i]);
    }
    for (int i = 0; q->keys && i < count; i++) {
        free((void *)q->keys[i]);
    }
    free((void *)q->keys);
    free(q->terms);
    terms_clear(&q->was);
}

void question_free(struct question **question)
{
    struct question *q = *question;
    *question = NULL;
    if (!q) {
        return;
    }
    free_terms(q);
    tables_free(&q->table, 1);
    for (int i = 0; i < q->bound_count; i++) {
        key_free(&q->bounds[i]);
    }
    free((void *)q->bounds);
    if (q->base) {
        base_clear(q->base);
    }
    free(q->base);
    pg_close(&q->holder);
    free(q->writers.ids);
    free(q->oids);
    snapshot_free(&q->snapshot);
    free(q);
}

/* No question may wait long for a lock: others wait behind it. Who holds it is to be seen before. */
static bool limit_locks(struct service *s, struct err *err)
{
    pg_tell(s->pg, &(struct notices){.line = log_notice,
                                     .wait = log_notice_wait,
                                     .context = &s->wait,
                                     .soon = s->running,
                                     .look = service_look_at_slot,
                                     .looker = s});
    return !s->running || pg_exec(s->pg, "SET lock_timeout='2s'", err);
}

bool service_open(struct service *s, struct err *err)
{
    const struct engine_config *c = s->config;
    pg_close(&s->pg);
    s->pg = pg_open(c->config, PG_SQL, "source-postgres service", run_stop_fd(c->run), err);
    uint64_t replayed;
    return s->pg && limit_locks(s, err) &&
           backfill_catch_up(s->pg, &c->progress->received, c->run, &s->wait, &replayed, err);
}

void service_close(struct service *s)
{
    pg_close(&s->pg);
    types_free(&s->types);
    for (size_t i = 0; i < s->remark_count; i++) {
        free(s->remarks[i]);
    }
    free((void *)s->remarks);
    ring_free(&s->questions);
    ring_free(&s->answers);
}

/* Not what the connection remembers: a failed transaction is rolled back, which succeeds. */
bool service_was_locked(const struct err *err)
{
    return !strcmp(err->sqlstate, "55P03");
}

bool service_is_stale(const struct service *s)
{
    const char *state = s->pg ? pg_sqlstate(s->pg) : "";
    return !strncmp(state, "22", 2) || !strncmp(state, "42", 2);
}

bool service_may_retry(struct service *s, struct retry *retry, struct err *err)
{
    int64_t pause_us, lost_us = clock_monotonic_us();
    bool said = false; /* its end is news where the interruption was */
    while (!run_stopping(s->config->run) && !(s->running && service_was_locked(err)) &&
           retry_again(retry, "the service connection", clock_monotonic_us(), &pause_us, err)) {
        shared_store(&s->config->progress->service_reconnects, ++s->reconnects);
        said |= log_wait(&s->wait, LOG_WARN, "service connection interrupted, will try again: %s",
                         err->message);
        run_pause(s->config->run, pause_us);
        if (service_open(s, err)) {
            log_waited(&s->wait);
            if (said) {
                log_line(s->config->log, LOG_INFO, "service connection is back after %.1f s",
                         (double)(clock_monotonic_us() - lost_us) / 1e6);
            }
            return true;
        }
    }
    return false;
}

struct pg_rows *service_query(struct service *s, const char *sql, int count,
                              const char *const *params, struct err *err)
{
    struct retry retry;
    retry_succeeded(&retry, clock_monotonic_us());
    for (;;) {
        struct pg_rows *rows = pg_query(s->pg, sql, count, params, err);
        if (rows || !service_may_retry(s, &retry, err)) {
            return rows;
        }
    }
}

bool service_snapshot(struct service *s, struct snapshot *snapshot, struct err *err)
{
    struct retry retry;
    bool ok;
    retry_succeeded(&retry, clock_monotonic_us());
    do {
        ok = snapshot_read(s->pg, snapshot, err);
    } while (!ok && service_may_retry(s, &retry, err));
    return ok;
}

/* Where nothing may be written, the position that the watermark would have, at most. */
static bool answer_position(struct service *s, struct question *q, struct err *err)
{
    struct retry retry;
    bool ok;
    retry_succeeded(&retry, clock_monotonic_us());
    do {
        ok = position_read(s->pg, seen_position_sql, &q->lsn, err) &&
             (pg_in_recovery(s->pg) || pg_exec(s->pg, FLUSH_SQL, err));
    } while (!ok && service_may_retry(s, &retry, err));
    return ok;
}

static bool answer_watermark(struct service *s, struct question *q, struct err *err)
{
    if (s->config->config->read_only_capture) {
        return answer_position(s, q, err);
    }
    struct out sql;
    struct retry retry;
    retry_succeeded(&retry, clock_monotonic_us());
    out_init(&sql, 512);
    watermark_sql(&sql, s->config->config, q->watermark);
    bool ok;
    do {
        ok = pg_exec(s->pg, out_text(&sql), err);
    } while (!ok && service_may_retry(s, &retry, err));
    out_free(&sql);
    return ok || err_prefix(err, "writing the watermark: ");
}

static bool answer_merge(struct service *s, struct question *q, struct err *err)
{
    const struct catalog_stream *stream = &s->config->catalog->streams[q->stream];
    switch (q->merge->kind) {
    case MERGE_ASKS_BINDING: return answer_binding(s, q, err);
    case MERGE_ASKS_RANKS:
        return answer_ranks(s, q, err) || err_about(err, stream->schema, stream->table);
    case MERGE_ASKS_ROW:
        return answer_row(s, q, err) || err_about(err, stream->schema, stream->table);
    }
    return false;
}

static bool answer(struct service *s, struct question *q, struct err *err)
{
    switch (q->kind) {
    case ASK_MERGE: return answer_merge(s, q, err);
    case ASK_SNAPSHOT: return service_snapshot(s, &q->snapshot, err);
    case ASK_LOOK: return answer_look(s, q, err);
    case ASK_EXAMINE: return answer_examine(s, q, err);
    case ASK_DESCRIBE: return answer_describe(s, q, err);
    case ASK_JOIN: return answer_join(s, q, err);
    case ASK_BASE: return answer_base(s, q, err);
    case ASK_HELD: answer_held(s, q); return true;
    case ASK_SLOT: return answer_slot(s, err);
    case ASK_HEARTBEAT: return answer_heartbeat(s);
    case ASK_WATERMARK: return answer_watermark(s, q, err);
    }
    return false;
}

static bool follow(struct service *s, struct err *err)
{
    uint64_t timeline = shared_load(s->timeline);
    struct retry retry;
    if (timeline == s->followed) {
        return true;
    }
    s->followed = timeline;
    retry_succeeded(&retry, clock_monotonic_us());
    return service_open(s, err) || service_may_retry(s, &retry, err);
}

static void service_main(void *context)
{
    struct service *s = context;
    struct err ignored;
    s->running = true;
    limit_locks(s, &ignored);
    while (!run_stopping(s->config->run)) {
        uint32_t seen = bell_count(&s->bell);
        struct question *q = ring_pop(s->questions);
        if (!q) {
            bell_wait(&s->bell, seen, INT64_MAX);
            continue;
        }
        q->err = (struct err){0};
        q->ok = follow(s, &q->err) && answer(s, q, &q->err);
        q->timeline = s->followed;
        q->busy = q->busy || (!q->ok && service_was_locked(&q->err));
        ring_push(s->answers, (void **)&q);
    }
}

bool service_start(struct service *s, struct bell *asker, struct err *err)
{
    bell_init(&s->bell);
    s->followed = shared_load(s->timeline);
    run_add_bell(s->config->run, &s->bell);
    s->questions = ring_new(QUESTIONS, &s->bell);
    s->answers = ring_new(QUESTIONS, asker);
    s->thread = thread_start("service", service_main, s, err);
    return s->thread != NULL;
}

static void drain(struct ring *ring)
{
    struct question *q;
    while (ring && (q = ring_pop(ring))) {
        question_free(&q);
    }
}

void service_join(struct service *s)
{
    thread_join(&s->thread);
    drain(s->questions);
    drain(s->answers);
}
