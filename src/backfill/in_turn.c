/*
 * Reading two ranges of a table in turn, from a server that is far away.
 *
 * A range alone is read chunk after chunk: the next one begins where this one has ended, so it can
 * only be asked for once this one is here, and the server waits for that meanwhile. With two ranges
 * a chunk of the other one is asked for first, behind it in the same session, and the server never
 * waits:
 *
 *     ask for a, ask for b, read a, ask for a, read b, ask for b, read a …
 *
 * The mark of a chunk is written with the first request that is sent after the merger has the chunk;
 * if the other range's chunk is read before that, both have the same mark. An error ends this: the
 * session is closed, and the two ranges are read on one after the other (range.c), which meets the
 * error again if it lasts.
 */
#include "base/clock.h"
#include "order.h"
#include "worker.h"

enum {
    TURNS = 2,
    REQUEST_MOST = 16 * 1024, /* is taken by the buffers of any connection */
};

struct pair {
    struct backfill_task *tasks[TURNS]; /* owned; NULL: there is none */
    struct turn turns[TURNS];
    int64_t read_us; /* when the last chunk was read: the time of the next one counts from here */
};

/* With a brake each chunk has to be held back until its time: none may be asked for before. */
static bool may_take_turns(const struct worker *w, const struct backfill_task *task)
{
    const struct config *config = w->backfill.config;
    return w->backfill.far && chunk_order_of(task->table)->in_turn &&
           !backfill_task_is_fenced(task) && !config->backfill_mb_per_second &&
           !config->backfill_max_standby_lag_mb;
}

static void begin(struct pair *p, int i, struct backfill_task *task)
{
    p->tasks[i] = task;
    p->turns[i] = (struct turn){.task = task, .after = key_copy(task->after)};
}

static void end(struct pair *p, int i)
{
    backfill_task_free(&p->tasks[i]);
    key_free(&p->turns[i].after);
}

/* Whether a range can be read in turn with this one. */
static bool fits(const void *item, const void *context)
{
    const struct backfill_task *task = item, *first = context;
    return task->stream == first->stream && task->life == first->life &&
           task->table == first->table && !backfill_task_is_fenced(task);
}

/* Nothing is under way: wait for what must come before the chunk, and ask for it. */
static bool ask_first(struct worker *w, struct pair *p, int i, struct err *err)
{
    const struct backfill_task *fence = NULL;
    struct turn *t = &p->turns[i];
    bool ready = false;
    w->reader.failure = OUTCOME_FAILED;
    w->reader.shares = p->tasks[!i] != NULL;
    while (!ready && range_is_wanted(w, t->task)) {
        if (!worker_get_ready(w, &fence, &ready, err)) {
            return false;
        }
    }
    if (!ready) {
        return false;
    }
    chunk_reader_turn_to(&w->reader, t->task);
    return range_ask(w, t, err);
}

/* Room for a chunk and for the rest of the other's. Neither may have to wait for the pool: the marks
 * that free its batches may be queued behind them. */
static bool has_room_ahead(const struct worker *w, const struct turn *other)
{
    return pool_free_batches(w->reader.pool) >=
           other->ask.batches + chunk_reader_batches(&w->reader) + 2 * CHUNK_EXTRA_BATCHES;
}

/*
 * Ask for a chunk of the other range behind the one that is under way. Not before the first chunk of
 * a session is read: its request prepares the statement of facts; and the other workers have taken
 * their first ranges by then. Nor if the request is long: the server may not read it to its end while
 * it waits for us to read its rows.
 */
static bool ask_ahead(struct worker *w, struct pair *p, int i, struct err *err)
{
    struct chunk_reader *r = &w->reader;
    r->shares = true;
    if (r->table.prepared != r->table.order || p->turns[!i].ask.request_bytes > REQUEST_MOST ||
        !has_room_ahead(w, &p->turns[!i])) {
        return true;
    }
    if (!p->tasks[i]) {
        struct backfill_task *task = queue_take_if(w->backfill.tasks, fits, p->tasks[!i]);
        if (!task) {
            return true;
        }
        begin(p, i, task);
    }
    r->failure = OUTCOME_FAILED;
    return !range_is_wanted(w, p->tasks[i]) || range_ask(w, &p->turns[i], err);
}

static enum outcome read_chunk(struct worker *w, struct pair *p, int i, struct err *err)
{
    struct turn *t = &p->turns[i];
    t->ask.us = p->read_us > t->ask.us ? p->read_us : t->ask.us;
    w->reader.failure = OUTCOME_FAILED;
    w->reader.ahead = p->turns[!i].ask.opened;
    enum outcome outcome = range_read_chunk(w, t, err);
    w->reader.ahead = false;
    p->read_us = clock_monotonic_us();
    return outcome;
}

/* Until no range is left. False: those that are left are to be read one after the other. */
static bool take_turns(struct worker *w, struct pair *p, struct err *err)
{
    for (int i = 0; p->tasks[0] || p->tasks[1]; i = !i) {
        if (!p->tasks[i]) {
            continue;
        }
        if ((!p->turns[i].ask.opened && !ask_first(w, p, i, err)) || !ask_ahead(w, p, !i, err)) {
            return false;
        }
        enum outcome outcome = read_chunk(w, p, i, err);
        if (outcome == OUTCOME_END) {
            end(p, i);
        } else if (outcome != OUTCOME_ROWS) {
            return false;
        }
        worker_succeeded(w);
        if (!pg_alive(w->reader.pg)) { /* the chunk was cut */
            return false;
        }
    }
    return true;
}

static void say_end(const struct worker *w, const struct err *why)
{
    if (!run_stopping(w->backfill.run) && log_shows(w->backfill.log, LOG_DEBUG)) {
        log_line(w->backfill.log, LOG_DEBUG, "ranges are no longer read in turn: %s",
                 why->kind == ERR_NONE ? "a chunk was cut, or is not wanted" : why->message);
    }
}

/* What is under way is given up, and its session closed. An error that may pass is waited out; any
 * other comes again. */
static void give_up(struct worker *w, struct pair *p, struct err *why)
{
    const struct backfill_task *task = p->tasks[0] ? p->tasks[0] : p->tasks[1];
    struct chunk_ask *failed = w->reader.ask;
    bool under_way = false;
    say_end(w, why);
    for (int i = 0; i < TURNS; i++) {
        w->reader.ask = &p->turns[i].ask;
        under_way |= w->reader.ask->opened;
        chunk_reader_abort(&w->reader, p->tasks[i]);
    }
    if (under_way) {
        pg_close(&w->reader.pg);
    }
    w->reader.ask = failed;
    if (why->kind != ERR_NONE) {
        range_may_ask_again(w, task, w->reader.failure, why);
    }
}

/* Marks whose requests were not answered are due again. All but one, which the next query carries,
 * are written here. */
static bool write_marks(struct worker *w, struct pair *p, struct err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < TURNS; i++) {
        if (p->turns[i].mark.due) {
            ok = worker_write_mark(w, err);
            w->mark = p->turns[i].mark;
        }
    }
    return ok;
}

/* From where its turns have ended. */
static bool read_rest(struct worker *w, struct pair *p, int i, struct err *err)
{
    struct backfill_task *task = p->tasks[i];
    if (!task) {
        return true;
    }
    key_free(&task->after);
    task->after = p->turns[i].after;
    p->turns[i].after = NULL;
    return range_read(w, task, err);
}

static bool read_in_turn(struct worker *w, struct pair *p, struct err *err)
{
    struct err why = {0};
    bool ended = take_turns(w, p, &why);
    w->reader.shares = false;
    if (ended) {
        return true;
    }
    give_up(w, p, &why);
    bool ok = write_marks(w, p, err);
    for (int i = 0; ok && i < TURNS; i++) {
        ok = read_rest(w, p, i, err);
    }
    return ok;
}

bool in_turn_read(struct worker *w, struct backfill_task **task, struct err *err)
{
    struct pair p = {0};
    bool ok;
    if (may_take_turns(w, *task)) {
        begin(&p, 0, *task);
        *task = NULL;
        ok = read_in_turn(w, &p, err);
        w->reader.ask = NULL;
        end(&p, 0);
        end(&p, 1);
    } else {
        ok = range_read(w, *task, err);
        backfill_task_free(task);
    }
    return ok;
}
