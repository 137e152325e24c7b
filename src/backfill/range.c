/*
 * Reading a range: a worker asks for chunk after chunk. What came of asking (enum outcome) decides
 * what it does next:
 *
 *   NOT_ASKED            ask again: the fence was waited for, or the pool, or the brake
 *   ROWS                 ask for the next chunk
 *   END                  the range is read
 *   TOO_LARGE            ask again, for fewer rows
 *   CHANGED, BASE_GONE   give the range back to the merger's thread, which examines the table
 *   FAILED               ask again on a new connection, after a pause; or the run fails
 *
 * The watermark of a chunk is written with the query of the next, in one message to the server.
 * When the worker has to wait before the next query, the watermark is written alone: only it
 * releases the chunk, which gives its batches back to the pool.
 */
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "rights.h"
#include "runtime/counter.h"
#include "worker.h"

bool range_ask(struct worker *w, struct turn *t, struct err *err)
{
    struct chunk_reader *r = &w->reader;
    struct out request;
    r->ask = &t->ask;
    out_init(&request, 4096);
    mark_add(&w->mark, w->backfill.config, &request);
    chunk_reader_statements(r, &request, t->task, t->after);
    wire_sync(&request);
    t->ask.request_bytes = request.len;
    t->mark = w->mark;
    w->mark.due = false;
    bool ok = chunk_reader_open(r, t->task, err) && wire_send(r->pg, &request, err);
    out_free(&request);
    return ok;
}

/* While the run stops, no range is given back, and nothing is asked again. */
static enum outcome failure(const struct worker *w)
{
    return run_stopping(w->backfill.run) ? OUTCOME_FAILED : w->reader.failure;
}

enum outcome range_read_chunk(struct worker *w, struct turn *t, struct err *err)
{
    struct chunk_reader *r = &w->reader;
    struct chunk_close close = {0};
    int64_t begun_us = t->ask.us;
    r->ask = &t->ask;
    enum outcome outcome =
        mark_written(&t->mark, r, err) ? chunk_reader_read(r, t->task, &close, err) : r->failure;
    if (outcome != OUTCOME_ROWS && outcome != OUTCOME_END) {
        return failure(w);
    }
    worker_note_chunk(w, begun_us);
    worker_say_chunk(w, t->task, r->rows, begun_us);
    mark_new(&w->mark, r, &close);
    key_free(&t->after);
    t->after = key_copy(close.end);
    crash_point("chunk-read");
    return chunk_reader_close(r, t->task, &close, err) ? outcome : OUTCOME_FAILED;
}

/* The mark that the request carried is due again, unless the server has said that it is written. */
static void abort_chunk(struct worker *w, struct turn *t)
{
    chunk_reader_abort(&w->reader, t->task);
    if (t->mark.due) {
        w->mark = t->mark;
    }
}

static enum outcome read_chunk(struct worker *w, struct turn *t, struct err *err)
{
    enum outcome outcome = range_ask(w, t, err) ? range_read_chunk(w, t, err) : failure(w);
    if (outcome != OUTCOME_ROWS && outcome != OUTCOME_END) {
        abort_chunk(w, t);
    }
    return outcome;
}

/* A step of a range: wait for what must come first, or read a chunk. */
static enum outcome step(struct worker *w, struct turn *t, const struct backfill_task **fence,
                         struct err *err)
{
    bool ready;
    w->reader.failure = OUTCOME_FAILED;
    if (!worker_get_ready(w, fence, &ready, err)) {
        return failure(w);
    }
    if (!ready) {
        return OUTCOME_NOT_ASKED;
    }
    chunk_reader_turn_to(&w->reader, t->task);
    return read_chunk(w, t, err);
}

static bool about(const struct worker *w, const struct backfill_task *task, struct err *err)
{
    const struct catalog_stream *stream = &w->backfill.catalog->streams[task->stream];
    return err_about(err, stream->schema, stream->table);
}

static void say_fewer_rows(struct worker *w, const struct err *err)
{
    const struct relation *relation = w->reader.table.relation;
    log_line(w->backfill.log, LOG_WARN,
             "a query of the backfill for %d rows of %s is too much: trying with fewer (%s)",
             w->reader.ask->rows, stream_label(relation->schema, relation->name).s, err->message);
}

/* The table is not as the task describes it: the merger's thread decides. */
static bool give_back(struct worker *w, const struct backfill_task *task, const struct key *after,
                      struct err *err)
{
    char why[sizeof err->message];
    memcpy(why, err->message, sizeof why);
    return chunk_reader_return(&w->reader, task, after, why, err);
}

bool range_may_ask_again(struct worker *w, const struct backfill_task *task, enum outcome outcome,
                         struct err *err)
{
    about(w, task, err);
    if (outcome == OUTCOME_TOO_LARGE) {
        say_fewer_rows(w, err);
        return true;
    }
    return outcome == OUTCOME_FAILED && worker_may_retry(w, err);
}

/* Act on the outcome of a step. *more: another step follows. */
static bool follow(struct worker *w, const struct backfill_task *task, enum outcome outcome,
                   const struct key *after, bool *more, struct err *err)
{
    switch (outcome) {
    case OUTCOME_NOT_ASKED:
    case OUTCOME_ROWS: worker_succeeded(w); return true;
    case OUTCOME_END:
        worker_succeeded(w);
        *more = false;
        return true;
    case OUTCOME_CHANGED:
    case OUTCOME_BASE_GONE: *more = false; return give_back(w, task, after, err);
    case OUTCOME_TOO_LARGE: return range_may_ask_again(w, task, outcome, err);
    case OUTCOME_FAILED:
        return range_may_ask_again(w, task, outcome, err) ||
               rights_name(w->reader.pg, task->table->relation, err);
    }
    return false;
}

bool range_is_wanted(const struct worker *w, const struct backfill_task *task)
{
    return !run_stopping(w->backfill.run) &&
           shared_load(&w->backfill.lives[task->stream]) == task->life;
}

bool range_read(struct worker *w, const struct backfill_task *task, struct err *err)
{
    const struct backfill_task *fence = backfill_task_is_fenced(task) ? task : NULL;
    struct turn turn = {.task = task, .after = key_copy(task->after)};
    bool more = true, ok = true;
    while (ok && more && range_is_wanted(w, task)) {
        enum outcome outcome = step(w, &turn, &fence, err);
        ok = follow(w, task, outcome, turn.after, &more, err);
    }
    log_waited(&w->brake.wait);
    w->reader.ask = NULL;
    key_free(&turn.after);
    return ok || about(w, task, err);
}
