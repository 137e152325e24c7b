/* How far the capture has come with each stream, for the threads that show it. */
#include "engine/progress.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "merger.h"

const char *const slot_status_names[] = {
    [SLOT_STATUS_UNKNOWN] = "",          [SLOT_STATUS_RESERVED] = "reserved",
    [SLOT_STATUS_EXTENDED] = "extended", [SLOT_STATUS_UNRESERVED] = "unreserved",
    [SLOT_STATUS_LOST] = "lost",
};

void progress_add_stream(struct merger_thread *t, int stream)
{
    struct progress *p = t->config->progress;
    const struct member *m = &t->roster.members[stream];
    const struct catalog_stream *named = &t->config->catalog->streams[stream];
    p->streams[stream] = (struct stream_progress){
        .name = mem_string(m->state.id),
        .schema = mem_string(named->schema),
        .table = mem_string(named->table),
        .row_estimate = m->table->row_estimate,
        .byte_estimate = m->table->all_bytes,
        .rows = m->state.backfilled,
        .backfilling = m->state.mode == STREAM_BACKFILL,
    };
    shared_store(&p->stream_count, (uint64_t)stream + 1);
}

/* Once more after the last row: then they do not change any more. */
void progress_store_streams(struct merger_thread *t)
{
    struct progress *p = t->config->progress;
    t->settled = !merge_backfilling(t->merge);
    for (int i = 0; i < t->roster.count; i++) {
        bool backfilling;
        uint64_t rows = merge_backfilled(t->merge, i, &backfilling);
        shared_store(&p->streams[i].rows, rows);
        shared_store(&p->streams[i].backfilling, backfilling);
    }
}

void progress_store_rings(struct merger_thread *t)
{
    struct progress *p = t->config->progress;
    size_t rows = 0;
    for (int i = 0; i < t->pipeline->worker_count; i++) {
        rows += ring_count(t->pipeline->rows[i]);
    }
    shared_store(&p->events_depth, ring_count(t->pipeline->events));
    shared_store(&p->rows_depth, rows);
}

void progress_begin(struct merger_thread *t)
{
    struct progress *p = t->config->progress;
    size_t room = (size_t)t->config->catalog->room;
    p->streams = mem_zero(room * sizeof *p->streams);
    p->outputs = mem_zero(room * sizeof *p->outputs);
    for (int i = 0; i < t->roster.count; i++) {
        progress_add_stream(t, i);
    }
    p->cursor = p->position = p->received = p->server_end = t->start->lsn;
    shared_store(&p->heard_us, (uint64_t)clock_monotonic_us());
    shared_store(&p->ready, 1);
}

int64_t progress_lag_ms(const struct progress *p, int64_t now_us, int64_t now_ms)
{
    int64_t commit_us = (int64_t)shared_load(&p->commit_us);
    int64_t by_commit = commit_us ? now_ms - commit_us / 1000 : 0;
    int64_t marked_us = (int64_t)shared_load(&p->slot.marked_us);
    bool reached = shared_load(&p->position) >= shared_load(&p->slot.mark_lsn);
    int64_t by_mark = reached ? 0 : (now_us - marked_us) / 1000;
    int64_t lost_us = (int64_t)shared_load(&p->lost_us);
    int64_t by_loss = lost_us ? (now_us - lost_us) / 1000 : 0;
    int64_t writing_us = (int64_t)shared_load(&p->writing_since_us);
    int64_t by_write = writing_us ? (now_us - writing_us) / 1000 : 0;
    int64_t lag = by_commit > by_mark ? by_commit : by_mark;
    lag = by_loss > lag ? by_loss : lag;
    lag = by_write > lag ? by_write : lag;
    return lag > 0 ? lag : 0;
}

int64_t progress_heartbeat_us(const struct progress *p, int64_t now_us)
{
    const struct heartbeat_progress *h = &p->heartbeat;
    uint64_t lsn = shared_load(&h->lsn);
    int64_t lag_us = (int64_t)shared_load(&h->lag_us);
    int64_t under_way_us = now_us - (int64_t)shared_load(&h->sent_us);
    if (!lsn) {
        return -1;
    }
    return shared_load(&h->back_lsn) != lsn && under_way_us > lag_us ? under_way_us : lag_us;
}

void progress_clear(struct progress *p)
{
    for (uint64_t i = 0; i < p->stream_count; i++) {
        free(p->streams[i].name);
        free(p->streams[i].schema);
        free(p->streams[i].table);
    }
    free(p->streams);
    free(p->outputs);
    *p = (struct progress){0};
}
