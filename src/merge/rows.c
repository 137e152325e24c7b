/* Chunks through the merger: opened, filled, closed, and let go by their watermarks. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "row/cursor.h"
#include "row/tuple.h"

/* The transactions in progress at this snapshot may still be unseen by it; all later ones see what
 * it sees. */
static void raise_floor(struct merge *m, struct range *range, const struct snapshot *snapshot)
{
    snapshot_free(&range->floor);
    snapshot_copy(&range->floor, snapshot);
    range->has_floor = true;
    ahead_forget_seen(&range->ahead, snapshot);
    merge_forget_seen(m, snapshot);
}

static void take_snapshot(struct merge *m, struct stream *s, struct batch *batch)
{
    struct range *range = &s->ranges[batch->range];
    struct chunk *chunk = range->open = batch->chunk;
    batch->chunk = NULL;
    range->tail = &chunk->batches;
    if (chunk->relation->stream == STREAM_NONE) { /* once: the emitter reads it from here on */
        chunk->relation->stream = batch->stream;
    }
    stream_bind(s, chunk->relation);
    raise_floor(m, range, &chunk->snapshot);
}

static void keep_rows(struct range *range, struct batch **batch)
{
    *range->tail = *batch;
    range->tail = &(*batch)->next;
    *batch = NULL;
}

static bool close_chunk(struct merge *m, struct batch **batch, struct err *err)
{
    int stream = (*batch)->stream, range = (*batch)->range;
    struct stream *s = &m->streams[stream];
    struct chunk_close close = (*batch)->close;
    (*batch)->close.end = NULL;
    if ((*batch)->row_count) {
        keep_rows(&s->ranges[range], batch);
    } else {
        merge_let_go(m, batch);
    }
    struct waiting *waiting = stream_close_chunk(s, stream, range, &close, err);
    if (!waiting) {
        return false;
    }
    m->waiting = mem_grow_array((void *)m->waiting, &m->waiting_cap, m->waiting_count + 1,
                                sizeof *m->waiting);
    m->waiting[m->waiting_count++] = waiting;
    return order_of(s)->chunk(m, stream, &s->ranges[range], waiting, err);
}

static void abort_chunk(struct merge *m, struct range *range, struct batch **batch)
{
    struct batch *rows = range->open ? range->open->batches : NULL;
    while (rows) {
        struct batch *next = rows->next;
        merge_let_go(m, &rows);
        rows = next;
    }
    chunk_free(&range->open);
    range->reading = false;
    merge_let_go(m, batch);
}

static bool take_step(struct merge *m, struct batch **batch, struct err *err)
{
    struct stream *s = &m->streams[(*batch)->stream];
    struct range *range = &s->ranges[(*batch)->range];
    switch ((*batch)->step) {
    case CHUNK_OPEN:
        range->reading = true;
        merge_let_go(m, batch);
        return true;
    case CHUNK_SNAPSHOT:
        take_snapshot(m, s, *batch);
        merge_let_go(m, batch);
        return true;
    case CHUNK_ROWS: keep_rows(range, batch); return true;
    case CHUNK_CLOSE: return close_chunk(m, batch, err);
    case CHUNK_ABORT: abort_chunk(m, range, batch); return true;
    case CHUNK_RETURN: merge_let_go(m, batch); return true;
    }
    return true;
}

/* Read for an earlier life of the stream. */
static void let_go_late(struct merge *m, struct batch **batch)
{
    chunk_free(&(*batch)->chunk);
    key_free(&(*batch)->close.end);
    merge_let_go(m, batch);
}

bool merge_rows(struct merge *m, struct batch **batch, struct err *err)
{
    const struct stream *s = &m->streams[(*batch)->stream];
    m->asking.batch = NULL;
    if (s->standing != STANDING_LIVES || s->life != (*batch)->life) {
        let_go_late(m, batch);
        return true;
    }
    return take_step(m, batch, err);
}

/* The value of a text column, as a string. */
static bool value_is(const struct event *e, const char *column, const char *text)
{
    int index = relation_column(e->relation, column);
    const uint8_t *p = tuple_first(e->new_tuple);
    struct value value = {VALUE_NULL, 0, NULL};
    for (int i = 0; i <= index; i++) {
        p = tuple_wal_next(p, &value);
    }
    return value.kind == VALUE_TEXT && value.len == strlen(text) &&
           !memcmp(value.data, text, value.len);
}

void merge_watermark_row(struct merge *m, const struct event *e)
{
    if ((e->kind != EVENT_INSERT && e->kind != EVENT_UPDATE) ||
        !value_is(e, "slot", m->config.slot)) {
        return;
    }
    for (size_t i = 0; i < m->waiting_count; i++) {
        struct waiting *waiting = m->waiting[i];
        waiting->come_by |= value_is(e, "watermark", waiting->watermark) ||
                            (waiting->again[0] && value_is(e, "watermark", waiting->again));
    }
    m->finish_came_by |= m->finish_at[0] && value_is(e, "watermark", m->finish_at);
}

void merge_look(struct merge *m)
{
    for (size_t i = 0; i < m->waiting_count; i++) {
        m->waiting[i]->looks++;
    }
}

size_t merge_wait_again(struct merge *m, const char *watermark, int *stream)
{
    size_t count = 0;
    for (size_t i = 0; i < m->waiting_count; i++) {
        struct waiting *waiting = m->waiting[i];
        if (waiting->looks > 1 && !waiting->come_by) {
            waiting->looks = 0;
            memcpy(waiting->again, watermark, sizeof waiting->again);
            *stream = waiting->stream;
            count++;
        }
    }
    return count;
}

/* Rows in ctid order leave in that order: a state tells how far they are out, and of no gap. `kept`
 * chunks closed before this one go on waiting. */
static bool may_leave(const struct merge *m, size_t kept, const struct waiting *waiting)
{
    bool may = waiting->come_by;
    for (size_t i = 0; may && m->streams[waiting->stream].config->ctid_order && i < kept; i++) {
        may = m->waiting[i]->stream != waiting->stream;
    }
    return may;
}

void merge_release(struct merge *m, struct event *commit)
{
    struct chunk **tail = &commit->chunk;
    size_t kept = 0;
    for (size_t i = 0; i < m->waiting_count; i++) {
        struct waiting *waiting = m->waiting[i];
        if (!may_leave(m, kept, waiting)) {
            m->waiting[kept++] = waiting;
            continue;
        }
        struct stream *s = &m->streams[waiting->stream];
        *tail = stream_release(s, &waiting);
        tail = &(*tail)->next;
        m->backfilling -= !stream_backfills(s);
    }
    m->waiting_count = kept;
    if (commit->chunk) {
        cursor_release(&m->last_change, commit->lsn);
    }
}
