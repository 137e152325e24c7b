/*
 * The merger's thread: moves batches between the rings and the merger, and asks the server what the
 * merger cannot know.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "internal.h"

enum {
    SNAPSHOT_INTERVAL_US = 50 * 1000, /* one that does not help now will not a moment later */
    HELD_FIRST_US = 3 * 1000 * 1000,
    HELD_INTERVAL_US = 5 * 60 * 1000 * 1000,
    LOOK_INTERVAL_US = 60 * 1000 * 1000,
};

static void output(struct engine *e, struct batch **batch)
{
    ring_push(e->output, (void **)batch);
}

/* Everything that workers have read so far. */
static bool take_rows(struct engine *e, bool *some, struct err *err)
{
    for (int i = 0; i < e->worker_count; i++) {
        struct batch *batch, *done;
        while ((batch = ring_pop(e->rows[i]))) {
            *some = true;
            bool ok = merge_rows(e->merge, &batch, &done, err);
            while (done) {
                struct batch *next = done->next;
                output(e, &done);
                done = next;
            }
            if (!ok) {
                return false;
            }
        }
    }
    return true;
}

/* Once more after the last row: then they stand still. */
static void show_streams(struct engine *e)
{
    struct progress *p = e->config.progress;
    if (e->streams_shown) {
        return;
    }
    e->streams_shown = !merge_backfilling(e->merge);
    for (int i = 0; i < p->stream_count; i++) {
        bool backfilling;
        uint64_t rows = merge_backfilled(e->merge, i, &backfilling);
        shared_store(&p->streams[i].rows, rows);
        shared_store(&p->streams[i].backfilling, backfilling);
    }
}

/*
 * A batch of the stream. A chunk is closed before its watermark is written, so whatever watermark
 * is in this batch, its chunk is in the rings by now: rows are taken in between.
 */
static bool take_events(struct engine *e, bool *some, struct err *err)
{
    struct batch *batch = merge_stalled(e->merge) ? NULL : ring_pop(e->events);
    if (!batch) {
        return true;
    }
    *some = true;
    if (!take_rows(e, some, err) || !merge_events(e->merge, batch, clock_monotonic_us(), err)) {
        output(e, &batch);
        return false;
    }
    output(e, &batch);
    show_streams(e);
    return true;
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

static bool take_snapshot(struct engine *e, struct err *err)
{
    bool some = false;
    struct snapshot snapshot;
    int64_t now_us = clock_monotonic_us();
    if (!merge_wants_snapshot(e->merge) || now_us - e->snapshot_us < SNAPSHOT_INTERVAL_US) {
        return true;
    }
    e->snapshot_us = now_us;
    if (!service_snapshot(&e->service, &snapshot, err)) {
        return false;
    }
    bool ok = take_rows(e, &some, err);
    if (ok) {
        merge_snapshot(e->merge, &snapshot);
    }
    snapshot_free(&snapshot);
    return ok;
}

/* First when the server has heard how far we are. */
static void look_around(struct engine *e)
{
    int64_t now_us = clock_monotonic_us();
    if (!e->held_us) {
        e->held_us = e->looked_us = now_us + HELD_FIRST_US;
        return;
    }
    if (now_us >= e->held_us) {
        e->held_us = now_us + HELD_INTERVAL_US;
        service_report_held(&e->service);
    }
    if (now_us >= e->looked_us) {
        e->looked_us = now_us + LOOK_INTERVAL_US;
        tables_look(&e->service);
    }
}

static int64_t deadline_us(const struct engine *e)
{
    int64_t merge_us = merge_deadline_us(e->merge);
    int64_t look_us = e->held_us < e->looked_us ? e->held_us : e->looked_us;
    return merge_us < look_us ? merge_us : look_us;
}

/* All rows are out: what was committed before this watermark is what the capture still owes. */
static bool write_final_watermark(struct engine *e, bool *written, struct err *err)
{
    char watermark[WATERMARK_TEXT];
    if (*written || e->config.catalog->tail || merge_backfilling(e->merge)) {
        return true;
    }
    *written = true;
    watermark_new(watermark);
    merge_finish_at(e->merge, watermark);
    return service_watermark(&e->service, watermark, err);
}

static bool merge_step(struct engine *e, bool *final, struct err *err)
{
    bool some = false;
    uint32_t seen = bell_count(&e->merger_bell);
    if (!take_rows(e, &some, err) || !take_events(e, &some, err) || !take_snapshot(e, err) ||
        !write_final_watermark(e, final, err)) {
        return false;
    }
    look_around(e);
    struct checkpoint *checkpoint = some ? NULL : merge_checkpoint(e->merge, clock_monotonic_us());
    if (checkpoint) {
        output_event(e, EVENT_POSITION, checkpoint);
    } else if (!some && !run_stopping(e->config.run)) {
        bell_wait(&e->merger_bell, seen, deadline_us(e));
    }
    return true;
}

void merger_loop(struct engine *e)
{
    struct err err = {0};
    bool final = false, ok = true;
    while (ok && !merge_finished(e->merge) && !run_stopping(e->config.run)) {
        ok = merge_step(e, &final, &err);
    }
    if (!ok) {
        run_fail(e->config.run, &err);
    } else if (merge_finished(e->merge)) {
        output_event(e, EVENT_END, NULL);
    }
}
