/*
 * The merger's thread: moves batches between the rings and the merger, hands on what it asks, and
 * lets the roster decide about tables.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"
#include "state/pace.h"

enum {
    SNAPSHOT_INTERVAL_US = 50 * 1000, /* one that does not help now will not a moment later */
    WATERMARK_INTERVAL_US = 1000 * 1000,
    STATE_LEAST_US = 200 * 1000, /* between two states */
};

static void output(struct engine *e, struct batch **batch)
{
    ring_push(e->output, (void **)batch);
}

static void send_home(struct engine *e)
{
    for (struct batch *done = merge_take_done(e->merge), *next; done; done = next) {
        next = done->next;
        output(e, &done);
    }
}

void merger_ask(struct engine *e, struct question **q)
{
    ring_push(e->service.questions, (void **)q);
}

/* Whether the batch can be taken; else what it needs to be known is asked for. */
static bool is_ready(struct engine *e, struct batch *batch)
{
    struct merge_question *m = merge_asks(e->merge, batch);
    e->hands.asking = m ? batch : NULL;
    if (!m) {
        return true;
    }
    struct question *q = question_new(ASK_MERGE, m->stream);
    q->merge = m;
    q->count = e->roster.count;
    q->about = m->kind == MERGE_ASKS_BINDING ? NULL : e->roster.members[m->stream].table;
    merger_ask(e, &q);
    return false;
}

static bool take_row_batch(struct engine *e, struct err *err)
{
    struct batch *batch = e->hands.rows;
    if (batch->step == CHUNK_RETURN && !roster_returned(e, batch, err)) {
        return false;
    }
    e->hands.rows = NULL;
    bool ok = merge_rows(e->merge, &batch, err);
    send_home(e);
    if (batch) {
        output(e, &batch);
    }
    return ok;
}

/* Everything that workers have read so far; or up to what has to be asked for. */
static bool take_rows(struct engine *e, bool *some, struct err *err)
{
    for (int i = 0; i < e->worker_count; i++) {
        while (e->hands.rows || (e->hands.rows = ring_pop(e->rows[i]))) {
            *some = true;
            if (!is_ready(e, e->hands.rows)) {
                return true;
            }
            if (!take_row_batch(e, err)) {
                return false;
            }
        }
    }
    return true;
}

static bool merge_held(struct engine *e, struct err *err)
{
    bool ok = merge_events(e->merge, e->hands.events, clock_monotonic_us(), err);
    send_home(e);
    output(e, &e->hands.events);
    if (!e->streams_shown) {
        engine_show_streams(e);
        roster_release(e);
    }
    return ok;
}

/*
 * A batch of the stream. A chunk is closed before its watermark is written, so whatever watermark is
 * in this batch, its chunk is in the rings by now: rows are taken in between.
 */
static bool take_batches(struct engine *e, bool *some, struct err *err)
{
    struct hands *h = &e->hands;
    if (h->asking) {
        return true;
    }
    if (!h->events && !e->roster.parked && !merge_stalled(e->merge)) {
        h->events = ring_pop(e->events);
    }
    if (!take_rows(e, some, err)) {
        return false;
    }
    if (h->asking || !h->events || e->roster.parked) {
        return true;
    }
    *some = true;
    return !is_ready(e, h->events) || merge_held(e, err);
}

/* Go on with the batch that was asked for: nothing may come in between. */
static bool go_on(struct engine *e, struct err *err)
{
    struct batch *batch = e->hands.asking;
    if (!is_ready(e, batch)) {
        return true;
    }
    return batch == e->hands.events ? merge_held(e, err) : take_row_batch(e, err);
}

/* Something to print that no batch of the stream brought. */
static bool output_event(struct engine *e, enum event_kind kind, struct checkpoint *checkpoint)
{
    struct batch *batch = NULL;
    while (!batch && !run_stopping(e->config.run)) {
        batch = pool_take(e->pools[POOL_MERGER], BATCH_EVENTS, e->config.run, INT64_MAX);
    }
    if (!batch) {
        checkpoint_free(&checkpoint);
        return false;
    }
    struct event *event = batch_event(batch);
    event->kind = kind;
    event->checkpoint = checkpoint;
    output(e, &batch);
    return true;
}

static void want_snapshot(struct engine *e, int64_t now_us)
{
    struct hands *h = &e->hands;
    if (merge_wants_snapshot(e->merge) && !h->snapshot_asked &&
        now_us - h->snapshot_us >= SNAPSHOT_INTERVAL_US) {
        h->snapshot_us = now_us;
        merger_ask_simply(e, ASK_SNAPSHOT, &h->snapshot_asked);
    }
}

/* What was read before the snapshot was taken must be in the merger before it. */
static bool take_snapshot(struct engine *e, struct question *q, struct err *err)
{
    bool some = false;
    e->hands.snapshot_asked = false;
    if (e->hands.asking) {
        return true; /* another will be asked for */
    }
    if (!take_rows(e, &some, err)) {
        return false;
    }
    if (!e->hands.asking) {
        merge_snapshot(e->merge, &q->snapshot);
    }
    return true;
}

static void write_watermark(struct engine *e, const char watermark[WATERMARK_TEXT])
{
    struct question *q = question_new(ASK_WATERMARK, 0);
    memcpy(q->watermark, watermark, sizeof q->watermark);
    merger_ask(e, &q);
}

/* What was not sent by now will not come. */
static void write_missed_watermarks(struct engine *e)
{
    struct hands *h = &e->hands;
    char watermark[WATERMARK_TEXT];
    int stream;
    watermark_new(watermark);
    if (merge_wait_again(e->merge, watermark, &stream)) {
        log_line(e->config.log, LOG_WARN,
                 "a watermark of the backfill of table %s.%s has not come by: it is written again",
                 e->config.catalog->streams[stream].schema,
                 e->config.catalog->streams[stream].table);
        write_watermark(e, watermark);
    }
    if (h->look_final && h->final) {
        h->final_us = clock_monotonic_us();
    }
}

/* What the look saw may be what the stream tells of in a moment. */
static void take_look(struct engine *e)
{
    struct hands *h = &e->hands;
    if (h->look && merge_position(e->merge) >= h->look->lsn) {
        roster_look(e, h->look);
        write_missed_watermarks(e);
        merge_forget_gone(e->merge, h->look->oids, h->look->oid_count, h->look->terms[0].horizon);
        question_free(&h->look);
    }
}

/* All rows are out: what was committed before this watermark is what is still to be captured. Unless
 * a stream is lost before it comes by, or is to be examined: then there will be another one. */
static void write_final_watermark(struct engine *e, int64_t now_us)
{
    struct hands *h = &e->hands;
    if (h->final && (merge_backfilling(e->merge) || e->roster.told)) {
        merge_finish_at(e->merge, "");
        h->final = false;
    }
    if (e->config.catalog->tail ||
        (!h->final && (e->roster.newer || e->roster.told || merge_backfilling(e->merge))) ||
        (h->final && now_us < h->final_us)) {
        return;
    }
    if (!h->final) {
        watermark_new(h->watermark);
        merge_finish_at(e->merge, h->watermark);
    }
    h->final = true;
    h->final_us = INT64_MAX;
    write_watermark(e, h->watermark);
}

static bool take_merge_answer(struct engine *e, struct question *q, struct err *err)
{
    if (q->merge->kind == MERGE_ASKS_BINDING) {
        roster_bound(e, q->merge->relation);
    } else if (q->merge->kind == MERGE_ASKS_ROW) {
        roster_completed(e, q->stream);
    }
    return go_on(e, err);
}

/* A table that cannot be asked about a batch any more, because it changed since. */
static bool take_stale_answer(struct engine *e, const struct question *q, struct err *err)
{
    roster_lose_because(e, q->stream,
                        q->merge->kind == MERGE_ASKS_ROW
                            ? "has other columns than when a row, whose key changed and whose "
                              "large values were not sent, was to be looked up"
                            : "has a key whose values mean nothing to the server any more (a type "
                              "of it, or its labels, changed)");
    return go_on(e, err);
}

/* A busy answer to what the merger needs is asked for again. */
static bool ask_again(struct engine *e, struct question **q)
{
    if ((*q)->kind == ASK_MERGE) {
        (*q)->busy = false;
        merger_ask(e, q);
    } else if ((*q)->kind == ASK_WATERMARK) {
        e->hands.final_us = clock_monotonic_us() + WATERMARK_INTERVAL_US;
    } else if ((*q)->kind == ASK_LOOK) {
        e->hands.look_asked = false;
    }
    return true;
}

static bool take_answer(struct engine *e, struct question **q, struct err *err)
{
    switch ((*q)->kind) {
    case ASK_EXAMINE:
    case ASK_DESCRIBE:
    case ASK_BASE: return roster_answer(e, q, err);
    case ASK_JOIN: return roster_joined(e, *q, err);
    case ASK_HELD: e->hands.held_asked = false; return true;
    case ASK_SLOT: e->hands.slot_asked = false; return true;
    default: break;
    }
    if ((*q)->busy) {
        return ask_again(e, q);
    }
    if ((*q)->stale) {
        return take_stale_answer(e, *q, err);
    }
    if (!(*q)->ok) {
        *err = (*q)->err;
        return false;
    }
    switch ((*q)->kind) {
    case ASK_MERGE: return take_merge_answer(e, *q, err);
    case ASK_SNAPSHOT: return take_snapshot(e, *q, err);
    case ASK_LOOK:
        e->hands.look_asked = false;
        e->hands.look = *q;
        *q = NULL;
        return true;
    default: return true;
    }
}

static bool is_about_table(const struct question *q)
{
    return q->kind == ASK_EXAMINE || q->kind == ASK_DESCRIBE || q->kind == ASK_BASE ||
           q->kind == ASK_JOIN;
}

static bool take_in(struct engine *e, struct question **q, struct err *err)
{
    bool ok = take_answer(e, q, err);
    send_home(e);
    question_free(q);
    return ok;
}

/* Answers about tables change what the merger has: not while a batch is half taken. */
static bool take_answers(struct engine *e, bool *some, struct err *err)
{
    struct question *q;
    while ((q = ring_pop(e->service.answers))) {
        *some = true;
        if (is_about_table(q) && e->hands.asking) {
            e->hands.deferred = q; /* one at most is under way */
            continue;
        }
        if (!take_in(e, &q, err)) {
            return false;
        }
    }
    if (e->hands.deferred && !e->hands.asking) {
        q = e->hands.deferred;
        e->hands.deferred = NULL;
        return take_in(e, &q, err);
    }
    return true;
}

static bool merge_step(struct engine *e, struct err *err)
{
    bool some = false;
    uint32_t seen = bell_count(&e->merger_bell);
    int64_t now_us = clock_monotonic_us();
    merge_pace(e->merge, pace_pause_us(shared_load(&e->state_bytes), shared_load(&e->written_since),
                                       STATE_LEAST_US));
    if (!take_answers(e, &some, err) || !take_batches(e, &some, err)) {
        return false;
    }
    engine_show_rings(e);
    want_snapshot(e, now_us);
    write_final_watermark(e, now_us);
    looks_begin(e, now_us);
    if (!e->hands.asking) {
        take_look(e);
        roster_read_again(e);
        roster_step(e);
    }
    struct checkpoint *checkpoint = some ? NULL : merge_checkpoint(e->merge, now_us);
    if (checkpoint) {
        output_event(e, EVENT_POSITION, checkpoint);
    } else if (!some && !run_stopping(e->config.run)) {
        bell_wait(&e->merger_bell, seen, looks_deadline_us(e));
    }
    return true;
}

void merger_loop(struct engine *e)
{
    struct err err = {0};
    bool ok = true;
    while (ok && !merge_finished(e->merge) && !run_stopping(e->config.run)) {
        ok = merge_step(e, &err);
    }
    if (!ok) {
        run_fail(e->config.run, &err);
    } else if (merge_finished(e->merge)) {
        output_event(e, EVENT_END, NULL);
    }
}
