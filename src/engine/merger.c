/* The merger's thread: moves batches between the rings and the merger, passes the merger's
 * questions to the service, and calls the roster. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "merger.h"
#include "state/pace.h"

enum {
    SNAPSHOT_INTERVAL_US = 50 * 1000, /* one that does not help now does not a moment later */
    WATERMARK_INTERVAL_US = 1000 * 1000,
    STATE_LEAST_US = 200 * 1000, /* between two states */
    COMMIT_SHARE = 4, /* the pause is so many times the time that the sink takes for one */
};

static void output(struct merger_thread *t, struct batch **batch)
{
    ring_push(t->pipeline->output, (void **)batch);
}

static void output_done(struct merger_thread *t)
{
    for (struct batch *done = merge_take_done(t->merge), *next; done; done = next) {
        next = done->next;
        output(t, &done);
    }
}

void merger_ask(struct merger_thread *t, struct question **q)
{
    ring_push(t->service->questions, (void **)q);
}

/* Whether the batch can be taken; else the merger's question about it is asked. */
static bool is_ready(struct merger_thread *t, struct batch *batch)
{
    struct merge_question *m = merge_asks(t->merge, batch);
    t->hands.asking = m ? batch : NULL;
    if (!m) {
        return true;
    }
    struct question *q = question_new(ASK_MERGE, m->stream);
    q->merge = m;
    q->count = t->roster.count;
    q->about = m->kind == MERGE_ASKS_BINDING ? NULL : t->roster.members[m->stream].table;
    merger_ask(t, &q);
    return false;
}

static bool take_row_batch(struct merger_thread *t, struct err *err)
{
    struct batch *batch = t->hands.rows;
    if (batch->step == CHUNK_RETURN && !roster_returned(t, batch, err)) {
        return false;
    }
    t->hands.rows = NULL;
    bool ok = merge_rows(t->merge, &batch, err);
    output_done(t);
    if (batch) {
        output(t, &batch);
    }
    return ok;
}

/* Take all batches of the workers, or those before one that a question is asked about. */
static bool take_rows(struct merger_thread *t, bool *some, struct err *err)
{
    for (int i = 0; i < t->pipeline->worker_count; i++) {
        while (t->hands.rows || (t->hands.rows = ring_pop(t->pipeline->rows[i]))) {
            *some = true;
            if (!is_ready(t, t->hands.rows)) {
                return true;
            }
            if (!take_row_batch(t, err)) {
                return false;
            }
        }
    }
    return true;
}

static bool merge_held(struct merger_thread *t, struct err *err)
{
    bool ok = merge_events(t->merge, t->hands.events, clock_monotonic_us(), err);
    output_done(t);
    output(t, &t->hands.events);
    if (!t->settled) {
        progress_store_streams(t);
        roster_release(t);
    }
    return ok;
}

/*
 * A batch of the stream. A chunk is closed before its watermark is written, so the chunk of any
 * watermark in this batch is in the rings by now: take the rows first, then merge the batch.
 */
static bool take_batches(struct merger_thread *t, bool *some, struct err *err)
{
    struct hands *h = &t->hands;
    if (h->asking) {
        return true;
    }
    if (!h->events && !t->roster.parked && !merge_stalled(t->merge)) {
        h->events = ring_pop(t->pipeline->events);
    }
    if (!take_rows(t, some, err)) {
        return false;
    }
    if (h->asking || !h->events || t->roster.parked) {
        return true;
    }
    *some = true;
    return !is_ready(t, h->events) || merge_held(t, err);
}

/* Continue with the batch that a question was asked about: no other may be taken before it. */
static bool go_on(struct merger_thread *t, struct err *err)
{
    struct batch *batch = t->hands.asking;
    if (!is_ready(t, batch)) {
        return true;
    }
    return batch == t->hands.events ? merge_held(t, err) : take_row_batch(t, err);
}

/* A batch for an event that the merger makes itself. NULL: the run stops. */
static struct batch *own_batch(struct merger_thread *t)
{
    struct batch *batch = NULL;
    while (!batch && !run_stopping(t->config->run)) {
        batch = pool_take(t->pipeline->pools[POOL_MERGER], BATCH_EVENTS, t->config->run, INT64_MAX);
    }
    return batch;
}

static void output_idle(struct merger_thread *t, int64_t now_us)
{
    struct batch *batch = own_batch(t);
    if (batch) {
        merge_idle(t->merge, batch, now_us);
        output(t, &batch);
    }
}

static void output_end(struct merger_thread *t)
{
    struct batch *batch = own_batch(t);
    if (batch) {
        batch_event(batch)->kind = EVENT_END;
        output(t, &batch);
    }
}

static void want_snapshot(struct merger_thread *t, int64_t now_us)
{
    if (merge_wants_snapshot(t->merge) && !t->snapshot_asked &&
        now_us - t->snapshot_us >= SNAPSHOT_INTERVAL_US) {
        t->snapshot_us = now_us;
        looks_ask(t, ASK_SNAPSHOT, &t->snapshot_asked);
    }
}

/* The merger must have all batches that were read before the snapshot was taken. */
static bool take_snapshot(struct merger_thread *t, struct question *q, struct err *err)
{
    bool some = false;
    t->snapshot_asked = false;
    if (t->hands.asking) {
        return true; /* another will be asked for */
    }
    if (!take_rows(t, &some, err)) {
        return false;
    }
    if (!t->hands.asking) {
        merge_snapshot(t->merge, &q->snapshot);
    }
    return true;
}

/* Another server may have taken over since the answer: then its positions do not compare. */
static bool is_of_this_server(const struct merger_thread *t, const struct question *q)
{
    return q->timeline == shared_load(&t->pipeline->timeline);
}

/* A look is taken in once the stream has passed its position: a change that it saw may be in the
 * stream. */
static void take_look(struct merger_thread *t)
{
    struct question *look = t->looks.look;
    if (look && !is_of_this_server(t, look)) {
        question_free(&t->looks.look);
    } else if (look && merge_position(t->merge) >= look->lsn) {
        roster_look(t, look);
        watermarks_write_missed(t);
        merge_forget_gone(t->merge, look->oids, look->oid_count, look->terms[0].horizon);
        question_free(&t->looks.look);
    }
}

static bool take_merge_answer(struct merger_thread *t, struct question *q, struct err *err)
{
    if (q->merge->kind == MERGE_ASKS_BINDING) {
        roster_bound(t, q->merge->relation);
    } else if (q->merge->kind == MERGE_ASKS_ROW) {
        roster_completed(t, q->stream);
    }
    return go_on(t, err);
}

/* The server cannot answer about this table any more, because it has changed since. */
static bool take_stale_answer(struct merger_thread *t, const struct question *q, struct err *err)
{
    roster_lose_because(t, q->stream,
                        q->merge->kind == MERGE_ASKS_ROW
                            ? "has other columns than when a row, whose key changed and whose "
                              "large values were not sent, was to be looked up"
                            : "has a key whose values mean nothing to the server any more (a type "
                              "of it, or its labels, changed)");
    return go_on(t, err);
}

/* A question that was not answered is asked again: now, or when it is due. */
static bool ask_again(struct merger_thread *t, struct question **q)
{
    if ((*q)->kind == ASK_MERGE) {
        (*q)->busy = false;
        merger_ask(t, q);
    } else if ((*q)->kind == ASK_WATERMARK) {
        t->final.write_us = clock_monotonic_us() + WATERMARK_INTERVAL_US;
    } else if ((*q)->kind == ASK_LOOK) {
        t->looks.look_asked = false;
    } else if ((*q)->kind == ASK_SNAPSHOT) {
        t->snapshot_asked = false;
    }
    return true;
}

/*
 * Whether the answer came from a server that another has replaced. A question about a batch
 * concerns the stream, on which both servers agree up to there; and no base is asked for while
 * another server may take over.
 */
static bool is_void(const struct merger_thread *t, const struct question *q)
{
    switch (q->kind) {
    case ASK_SNAPSHOT:
    case ASK_LOOK:
    case ASK_EXAMINE:
    case ASK_DESCRIBE:
    case ASK_JOIN:
    case ASK_WATERMARK: return !is_of_this_server(t, q);
    default: return false;
    }
}

/* Questions of the first switch look at `busy`, `stale` and `ok` themselves, or need not; for the
 * others that is done here. */
static bool take_answer(struct merger_thread *t, struct question **q, struct err *err)
{
    (*q)->busy |= is_void(t, *q);
    switch ((*q)->kind) {
    case ASK_EXAMINE:
    case ASK_DESCRIBE:
    case ASK_BASE: return roster_answer(t, q, err);
    case ASK_JOIN: return roster_joined(t, *q, err);
    case ASK_HELD: t->looks.held_asked = false; return true;
    case ASK_HEARTBEAT: looks_heartbeat_sent(t, (*q)->ok); return true;
    default: break;
    }
    t->looks.slot_asked &= (*q)->kind != ASK_SLOT;
    if ((*q)->busy) {
        return ask_again(t, q);
    }
    if ((*q)->stale) {
        return take_stale_answer(t, *q, err);
    }
    if (!(*q)->ok) {
        *err = (*q)->err;
        return false;
    }
    switch ((*q)->kind) {
    case ASK_MERGE: return take_merge_answer(t, *q, err);
    case ASK_SNAPSHOT: return take_snapshot(t, *q, err);
    case ASK_LOOK:
        t->looks.look_asked = false;
        t->looks.look = *q;
        *q = NULL;
        return true;
    case ASK_WATERMARK: watermarks_written(t, *q); return true;
    default: return true;
    }
}

static bool is_about_table(const struct question *q)
{
    return q->kind == ASK_EXAMINE || q->kind == ASK_DESCRIBE || q->kind == ASK_BASE ||
           q->kind == ASK_JOIN;
}

static bool take_in(struct merger_thread *t, struct question **q, struct err *err)
{
    bool ok = take_answer(t, q, err);
    output_done(t);
    question_free(q);
    return ok;
}

/* Answers about tables change the merger's streams: not while a question about a batch is under
 * way. */
static bool take_answers(struct merger_thread *t, bool *some, struct err *err)
{
    struct question *q;
    while ((q = ring_pop(t->service->answers))) {
        *some = true;
        if (is_about_table(q) && t->hands.asking) {
            t->hands.deferred = q; /* at most one is under way */
            continue;
        }
        if (!take_in(t, &q, err)) {
            return false;
        }
    }
    if (t->hands.deferred && !t->hands.asking) {
        q = t->hands.deferred;
        t->hands.deferred = NULL;
        return take_in(t, &q, err);
    }
    return true;
}

/* States are written less often to a sink that takes long to keep one. */
static void pace(struct merger_thread *t)
{
    int64_t commit_us = (int64_t)shared_load(&t->pipeline->commit_us) * COMMIT_SHARE;
    int64_t least_us = commit_us > STATE_LEAST_US ? commit_us : STATE_LEAST_US;
    least_us = least_us < PACE_MOST_US ? least_us : PACE_MOST_US;
    merge_pace(t->merge, pace_pause_us(shared_load(&t->pipeline->state_bytes),
                                       shared_load(&t->pipeline->written_since), least_us));
}

static bool merge_step(struct merger_thread *t, struct err *err)
{
    bool some = false;
    uint32_t seen = bell_count(&t->pipeline->merger_bell);
    int64_t now_us = clock_monotonic_us();
    pace(t);
    if (!take_answers(t, &some, err) || !take_batches(t, &some, err)) {
        return false;
    }
    progress_store_rings(t);
    want_snapshot(t, now_us);
    watermarks_write_final(t, now_us);
    looks_begin(t, now_us);
    if (!t->hands.asking) {
        take_look(t);
        roster_read_again(t);
        roster_step(t);
    }
    if (!some && now_us >= merge_deadline_us(t->merge) &&
        pool_free_batches(t->pipeline->pools[POOL_MERGER])) {
        output_idle(t, now_us);
    } else if (!some && !run_stopping(t->config->run)) {
        bell_wait(&t->pipeline->merger_bell, seen, looks_deadline_us(t));
    }
    return true;
}

void merger_loop(struct merger_thread *t)
{
    struct err err = {0};
    bool ok = true;
    while (ok && !merge_finished(t->merge) && !run_stopping(t->config->run)) {
        ok = merge_step(t, &err);
    }
    if (!ok) {
        run_fail(t->config->run, &err);
    } else if (merge_finished(t->merge)) {
        output_end(t);
    }
}
