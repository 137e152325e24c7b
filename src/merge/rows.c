/* Chunks through the merger: opened, filled, closed, and let go by their watermarks. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "row/tuple.h"

static void chain(struct batch **list, struct batch **batch)
{
    (*batch)->next = *list;
    *list = *batch;
    *batch = NULL;
}

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

static bool take_snapshot(struct merge *m, struct stream *s, struct batch *batch, struct err *err)
{
    struct range *range = &s->ranges[batch->range];
    struct chunk *chunk = range->open = batch->chunk;
    batch->chunk = NULL;
    range->tail = &chunk->batches;
    if (!chunk->relation->key && !merge_bind(m, chunk->relation, err)) {
        return false;
    }
    raise_floor(m, range, &chunk->snapshot);
    return true;
}

static void keep_rows(struct range *range, struct batch **batch)
{
    *range->tail = *batch;
    range->tail = &(*batch)->next;
    *batch = NULL;
}

/* Which of the changes kept lie beyond the chunk. All false when nothing does. */
static bool find_beyond(struct merge *m, int stream, const struct ahead *ahead,
                        const struct keycode *end, bool *beyond, struct err *err)
{
    const struct merge_hooks *hooks = &m->config.hooks;
    size_t count = 0;
    if (!m->streams[stream].config->key.server) {
        for (size_t i = 0; i < ahead->count; i++) {
            const struct keycode *key = ahead->changes[i].key;
            beyond[i] = key && keycode_compare(key, end) > 0;
        }
        return true;
    }
    const struct keycode **keys = mem_alloc((ahead->count + 1) * sizeof *keys);
    int *ranks = mem_alloc((ahead->count + 1) * sizeof *ranks);
    for (size_t i = 0; i < ahead->count; i++) {
        if (ahead->changes[i].key) {
            keys[count++] = ahead->changes[i].key;
        }
    }
    bool ok = !count || hooks->rank(hooks->context, stream, keys, count, &end, 1, ranks, err);
    for (size_t i = 0, k = 0; ok && i < ahead->count; i++) {
        beyond[i] = ahead->changes[i].key && ranks[k++] > 0;
    }
    free((void *)keys);
    free(ranks);
    return ok;
}

/* A change that stays ahead, of a row that moved here out of the chunk, takes its TOAST values
 * along. */
static bool complete_kept(struct overlay *overlay, struct ahead *ahead, struct change *change,
                          struct err *err)
{
    if (!change->from) {
        return true;
    }
    if (!overlay_ready(overlay, err)) {
        return false;
    }
    change->tuple =
        overlay_complete(overlay, change->from, change->relation, change->tuple, &ahead->arena);
    return true;
}

/*
 * What was kept for this chunk goes into it; what lies beyond is kept on. A truncate lies beyond
 * too; and where rows are read by place all may, since a row may be in the next chunk.
 */
static bool apply_ahead(struct merge *m, int stream, struct range *range, struct overlay *overlay,
                        const struct keycode *end, struct err *err)
{
    struct ahead *ahead = &range->ahead;
    bool *beyond = mem_zero((ahead->count + 1) * sizeof *beyond);
    bool ok = !end || find_beyond(m, stream, ahead, end, beyond, err);
    size_t kept = 0;
    for (size_t i = 0; ok && i < ahead->count; i++) {
        struct change *change = &ahead->changes[i];
        if (beyond[i]) {
            ok = complete_kept(overlay, ahead, change, err);
        } else {
            ok = overlay_apply(overlay, change, err);
        }
        beyond[i] |= overlay->key->by_place || (change->kind == CHANGE_TRUNCATE && end);
        kept += beyond[i];
    }
    if (ok && kept < ahead->count) {
        ahead_keep(ahead, beyond);
    }
    free(beyond);
    return ok;
}

static bool close_chunk(struct merge *m, struct batch **batch, struct batch **done, struct err *err)
{
    int stream = (*batch)->stream, range = (*batch)->range;
    struct stream *s = &m->streams[stream];
    struct chunk_close close = (*batch)->close;
    (*batch)->close.end = NULL;
    if ((*batch)->row_count) {
        keep_rows(&s->ranges[range], batch);
    } else {
        chain(done, batch);
    }
    struct waiting *waiting = stream_close_chunk(s, stream, range, &close, err);
    if (!waiting) {
        return false;
    }
    m->waiting = mem_grow_array((void *)m->waiting, &m->waiting_cap, m->waiting_count + 1,
                                sizeof *m->waiting);
    m->waiting[m->waiting_count++] = waiting;
    if (!s->ranges[range].ahead.count) {
        return true;
    }
    return apply_ahead(m, stream, &s->ranges[range], &waiting->overlay, stream_upper_of(s, waiting),
                       err);
}

static void abort_chunk(struct range *range, struct batch **batch, struct batch **done)
{
    struct batch *rows = range->open ? range->open->batches : NULL;
    while (rows) {
        struct batch *next = rows->next;
        chain(done, &rows);
        rows = next;
    }
    chunk_free(&range->open);
    range->reading = false;
    chain(done, batch);
}

bool merge_rows(struct merge *m, struct batch **batch, struct batch **done, struct err *err)
{
    struct stream *s = &m->streams[(*batch)->stream];
    struct range *range = &s->ranges[(*batch)->range];
    *done = NULL;
    switch ((*batch)->step) {
    case CHUNK_OPEN:
        range->reading = true;
        chain(done, batch);
        return true;
    case CHUNK_SNAPSHOT: {
        bool ok = take_snapshot(m, s, *batch, err);
        chain(done, batch);
        return ok;
    }
    case CHUNK_ROWS: keep_rows(range, batch); return true;
    case CHUNK_CLOSE: return close_chunk(m, batch, done, err);
    case CHUNK_ABORT: abort_chunk(range, batch, done); return true;
    }
    return true;
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
        m->waiting[i]->come_by |= value_is(e, "watermark", m->waiting[i]->watermark);
    }
    m->finish_came_by |= m->finish_at[0] && value_is(e, "watermark", m->finish_at);
}

void merge_release(struct merge *m, struct event *commit)
{
    struct chunk **tail = &commit->chunk;
    size_t kept = 0;
    for (size_t i = 0; i < m->waiting_count; i++) {
        struct waiting *waiting = m->waiting[i];
        if (!waiting->come_by) {
            m->waiting[kept++] = waiting;
            continue;
        }
        struct stream *s = &m->streams[waiting->stream];
        *tail = stream_release(s, &waiting);
        tail = &(*tail)->next;
        m->backfilling -= s->pending == 0;
    }
    m->waiting_count = kept;
}
