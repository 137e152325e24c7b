/*
 * A worker's thread: it takes tasks from the queue. Each is a range of a table (range.c). Small
 * tables, of which each is one chunk, are first read together (group.c); from a server that is far
 * away two ranges are read in turn (in_turn.c).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "runtime/counter.h"
#include "runtime/throttle.h"
#include "session.h"
#include "worker.h"

/* Room for a whole chunk, so that it can be read to its end whatever the stream does. */
static bool has_room(const struct worker *w)
{
    return pool_free_batches(w->reader.pool) >=
           chunk_reader_batches(&w->reader) + CHUNK_EXTRA_BATCHES;
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

void worker_note_chunk(struct worker *w, int64_t begun_us)
{
    w->done.chunks_us += (uint64_t)(clock_monotonic_us() - begun_us);
    shared_store(&w->progress->chunks_us, w->done.chunks_us);
    shared_store(&w->progress->chunks, ++w->done.chunks);
    throttle_took(w->backfill.throttle, begun_us, w->reader.bytes);
}

void worker_say_chunk(const struct worker *w, const struct backfill_task *task, uint64_t rows,
                      int64_t begun_us)
{
    const struct relation *relation = task->table->relation;
    if (log_shows(w->backfill.log, LOG_DEBUG)) {
        log_line(w->backfill.log, LOG_DEBUG,
                 "read a chunk of %s: %" PRIu64 " row%s, in %" PRId64 " ms",
                 stream_label(relation->schema, relation->name).s, rows, rows == 1 ? "" : "s",
                 (clock_monotonic_us() - begun_us) / 1000);
    }
}

/* They were read together. */
static void say_chunks(const struct worker *w, int64_t begun_us)
{
    for (int i = 0; i < w->group.count; i++) {
        const struct group_member *m = &w->group.members[i];
        if (m->outcome == OUTCOME_END) {
            worker_say_chunk(w, m->task, m->count, begun_us);
        }
    }
}

bool worker_may_retry(struct worker *w, struct err *err)
{
    int64_t pause_us;
    if (err->kind == ERR_STOPPED || run_stopping(w->backfill.run)) {
        return false;
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

void worker_succeeded(struct worker *w)
{
    retry_succeeded(&w->retry, clock_monotonic_us());
    log_waited(&w->wait);
}

/* Wait for the brake. The chunk before does not wait with us: its watermark is written first. */
static bool hold_back(struct worker *w, bool *held, struct err *err)
{
    enum backfill_wait why;
    int64_t wait_us;
    if (!brake_ask(&w->brake, w->reader.pg, &why, &wait_us, err)) {
        return false;
    }
    *held = wait_us != 0;
    if (!*held) {
        return true;
    }
    if (!mark_write_alone(&w->mark, &w->reader, err)) {
        return false;
    }
    brake_hold(&w->brake, why, wait_us);
    return true;
}

bool worker_get_ready(struct worker *w, const struct backfill_task **fence, bool *ready,
                      struct err *err)
{
    bool held = false;
    *ready = false;
    if (!session_open(&w->reader, w->name, &w->wait, err)) {
        return false;
    }
    if (*fence) {
        if (!mark_write_alone(&w->mark, &w->reader, err) || /* the chunk before need not wait */
            !backfill_fence_task(w->reader.pg, *fence, w->backfill.renewal, w->backfill.run,
                                 &w->wait, err)) {
            return false;
        }
        *fence = NULL;
        return true;
    }
    if (!has_room(w)) {
        if (!mark_write_alone(&w->mark, &w->reader, err)) {
            return false;
        }
        wait_for_room(w);
        return true;
    }
    bool ok = hold_back(w, &held, err);
    *ready = ok && !held;
    return ok;
}

/* Ask for the chunks of the group, and read them. */
static bool read_chunks(struct worker *w, struct err *err)
{
    struct group *g = &w->group;
    struct chunk_reader *r = &w->reader;
    struct out request;
    struct chunk_close close = {0};
    int64_t begun_us = clock_monotonic_us();
    if (!group_open(g, r, err)) {
        return false;
    }
    out_init(&request, 16 * 1024);
    mark_add(&w->mark, w->backfill.config, &request);
    group_statements(g, r, &request);
    wire_sync(&request);
    bool ok =
        wire_send(r->pg, &request, err) && mark_written(&w->mark, r, err) && group_read(g, r, err);
    out_free(&request);
    if (group_has_chunks(g)) {
        worker_note_chunk(w, begun_us);
        say_chunks(w, begun_us);
        mark_new(&w->mark, r, &close);
        crash_point("chunk-read");
    }
    return group_close(g, r, &close, err) && ok;
}

/* Once: whatever comes of it, each table that was not read is then read by itself. */
static bool read_together(struct worker *w, struct err *err)
{
    const struct backfill_task *fence;
    bool ready = false, ok = session_open(&w->reader, w->name, &w->wait, err) &&
                             group_set_aside(&w->group, &w->backfill, w->reader.pg, &fence, err);
    while (ok && !ready && !run_stopping(w->backfill.run)) {
        ok = worker_get_ready(w, &fence, &ready, err) && (!ready || read_chunks(w, err));
    }
    log_waited(&w->brake.wait);
    if (ok) {
        worker_succeeded(w);
    }
    return ok || (w->reader.pg && pg_alive(w->reader.pg)) || worker_may_retry(w, err);
}

static bool read_group(struct worker *w, struct err *err)
{
    bool ok = read_together(w, err);
    for (int i = 0; i < w->group.count; i++) {
        struct group_member *m = &w->group.members[i];
        ok = ok && (m->outcome == OUTCOME_END || range_read(w, m->task, err));
    }
    group_clear(&w->group);
    return ok;
}

bool worker_write_mark(struct worker *w, struct err *err)
{
    while (w->mark.due && !run_stopping(w->backfill.run)) {
        if ((!session_open(&w->reader, w->name, &w->wait, err) ||
             !mark_write_alone(&w->mark, &w->reader, err)) &&
            !worker_may_retry(w, err)) {
            return false;
        }
    }
    return true;
}

/* The queue is empty: write the watermark of the last chunk, since there is no next query, close the
 * session, and wait until a task comes. */
static bool rest(struct worker *w, uint32_t seen, struct err *err)
{
    if (!worker_write_mark(w, err)) {
        return false;
    }
    pg_close(&w->reader.pg);
    log_waited(&w->wait);
    bell_wait(pool_bell(w->reader.pool), seen, INT64_MAX);
    worker_succeeded(w);
    return true;
}

static bool work(struct worker *w, struct err *err)
{
    bool ok = true;
    worker_succeeded(w);
    while (ok && !run_stopping(w->backfill.run)) {
        uint32_t seen = bell_count(pool_bell(w->reader.pool));
        struct backfill_task *task = queue_take(w->backfill.tasks);
        if (!task) {
            ok = rest(w, seen, err);
            continue;
        }
        ok = group_gather(&w->group, &w->backfill, &task) ? read_group(w, err)
                                                          : in_turn_read(w, &task, err);
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
    brake_init(&w->brake, &w->backfill, w->progress);
    chunk_reader_init(&w->reader, &w->backfill, pool, ring);
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
        chunk_reader_free(&(*worker)->reader);
        free(*worker);
        *worker = NULL;
    }
}
