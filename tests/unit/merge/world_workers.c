/*
 * Workers: OPEN is handed over before the query is sent; snapshot and rows are of one moment of the
 * server's, and are handed over some time later; CLOSE comes before the watermark is written, and
 * that before the next chunk's snapshot.
 */
#include "world_workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void world_place_workers(struct world *w)
{
    const struct stream_state *state = &w->scene.state;
    w->worker_count = state->mode == STREAM_BACKFILL ? state->range_count : 0;
    for (int r = 0; r < w->worker_count; r++) {
        const struct range_state *range = &state->ranges[r];
        w->workers[r] = (struct worker_of_range){
            .after = range->scanned ? atoi(range->scanned->columns[0].text) : -1,
            .until = range->until ? atoi(range->until->columns[0].text) : WORLD_KEYS,
        };
    }
}

static void hand_over(struct world *w, struct batch *batch)
{
    w->queue[w->queued++] = batch;
}

void world_take_queue(struct world *w)
{
    for (int i = 0; i < w->queued; i++) {
        if (!rows_in(&w->scene, w->queue[i]) && !w->failure[0]) {
            snprintf(w->failure, sizeof w->failure, "%.199s", w->scene.err.message);
        }
    }
    w->queued = 0;
}

void world_drop_queue(struct world *w)
{
    for (int i = 0; i < w->queued; i++) {
        struct batch *batch = w->queue[i];
        chunk_free(&batch->chunk);
        key_free(&batch->close.end);
        batch_free(&batch);
    }
    w->queued = 0;
}

/* One instant of the server's: what a snapshot sees, and up to `limit` rows of it. */
static void read_rows(struct world *w, int r, int limit)
{
    struct worker_of_range *worker = &w->workers[r];
    char snapshot[500], rows[200] = "", *to = rows;
    int count = 0;
    world_snapshot(w, snapshot, sizeof snapshot);
    for (int k = worker->after + 1; k < WORLD_KEYS && k <= worker->until && count < limit; k++) {
        if (w->rows[k].present) {
            to += snprintf(to, (size_t)(rows + sizeof rows - to), "%s%d,%d,%d", count ? " " : "", k,
                           w->rows[k].v, w->rows[k].w);
            worker->after = k;
            count++;
        }
    }
    worker->last = count < limit;
    out_format(&w->story, "range %d: chunk [%s] in %s%s\n", r, rows, snapshot,
               worker->last ? ", the last" : "");
    hand_over(w, read_snapshot_step(&w->scene, r, snapshot));
    if (count) {
        hand_over(w, read_rows_step(&w->scene, r, rows));
    }
}

static void close_chunk(struct world *w, int r)
{
    struct worker_of_range *worker = &w->workers[r];
    char end[16];
    snprintf(end, sizeof end, "%d", worker->after);
    snprintf(worker->watermark, sizeof worker->watermark, "w%d", w->next_watermark++);
    hand_over(w, read_close_step(&w->scene, r, worker->last ? NULL : end, worker->watermark));
}

static void write_watermark(struct world *w, int r)
{
    struct worker_of_range *worker = &w->workers[r];
    if (w->tx_count < WORLD_TXNS - 1) {
        out_format(&w->story, "range %d: watermark %s\n", r, worker->watermark);
        world_write_watermark(w, worker->watermark);
        worker->state = worker->last ? RANGE_DONE : RANGE_IDLE;
    }
}

void world_work(struct world *w, uint8_t which, uint8_t how)
{
    if (!w->worker_count || w->queued > WORLD_QUEUE) {
        world_take_queue(w);
        return;
    }
    int r = which % w->worker_count;
    struct worker_of_range *worker = &w->workers[r];
    switch (worker->state) {
    case RANGE_IDLE:
        hand_over(w, read_step(&w->scene, r, CHUNK_OPEN));
        worker->state = RANGE_OPEN;
        return;
    case RANGE_OPEN:
        if (how % 16 == 0) {
            hand_over(w, read_step(&w->scene, r, CHUNK_ABORT));
            worker->state = RANGE_IDLE;
            return;
        }
        read_rows(w, r, 1 + how % 3);
        worker->state = RANGE_READ;
        return;
    case RANGE_READ:
        close_chunk(w, r);
        worker->state = RANGE_CLOSED;
        return;
    case RANGE_CLOSED: write_watermark(w, r); return;
    case RANGE_DONE: return;
    }
}
