/* What whoever shows the capture can see of its streams. */
#include "engine/progress.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"

const char *const slot_status_names[] = {
    [SLOT_STATUS_UNKNOWN] = "",          [SLOT_STATUS_RESERVED] = "reserved",
    [SLOT_STATUS_EXTENDED] = "extended", [SLOT_STATUS_UNRESERVED] = "unreserved",
    [SLOT_STATUS_LOST] = "lost",
};

void engine_show_table(struct engine *e, int stream)
{
    struct progress *p = e->config.progress;
    const struct member *m = &e->roster.members[stream];
    const struct catalog_stream *named = &e->config.catalog->streams[stream];
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

/* Once more after the last row: then they stand still. */
void engine_show_streams(struct engine *e)
{
    struct progress *p = e->config.progress;
    e->streams_shown = !merge_backfilling(e->merge);
    for (int i = 0; i < e->roster.count; i++) {
        bool backfilling;
        uint64_t rows = merge_backfilled(e->merge, i, &backfilling);
        shared_store(&p->streams[i].rows, rows);
        shared_store(&p->streams[i].backfilling, backfilling);
    }
}

void engine_show_rings(struct engine *e)
{
    struct progress *p = e->config.progress;
    size_t rows = 0;
    for (int i = 0; i < e->worker_count; i++) {
        rows += ring_count(e->rows[i]);
    }
    shared_store(&p->events_depth, ring_count(e->events));
    shared_store(&p->rows_depth, rows);
}

void engine_show_tables(struct engine *e)
{
    struct progress *p = e->config.progress;
    size_t room = (size_t)e->config.catalog->room;
    p->streams = mem_zero(room * sizeof *p->streams);
    p->outputs = mem_zero(room * sizeof *p->outputs);
    for (int i = 0; i < e->roster.count; i++) {
        engine_show_table(e, i);
    }
    p->cursor = p->position = p->received = p->server_end = e->start_lsn;
    shared_store(&p->heard_us, (uint64_t)clock_monotonic_us());
    shared_store(&p->ready, 1);
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
