/* Chunks through the merger: opened, filled, closed, and released once all that they saw has
 * arrived. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "internal.h"
#include "row/cursor.h"
#include "row/request.h"
#include "row/tuple.h"

/* All later snapshots see what this one sees. */
static void raise_floor(struct merge *m, struct range *range, const struct snapshot *snapshot)
{
    snapshot_free(&range->floor);
    snapshot_copy(&range->floor, snapshot);
    range->has_floor = true;
    buffered_forget_seen(&range->buffered, snapshot);
    merge_forget_seen(m, snapshot);
}

static void take_snapshot(struct merge *m, struct stream *s, struct batch *batch)
{
    struct range *range = &s->ranges[batch->range];
    CHECK(!range->open && batch->chunk);
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
    CHECK(range->open);
    *range->tail = *batch;
    range->tail = &(*batch)->next;
    *batch = NULL;
}

static bool has_passed(const struct merge *m, const struct waiting *waiting)
{
    return waiting->seen_lsn && waiting->seen_lsn <= m->position;
}

void merge_note_passed(struct merge *m)
{
    for (size_t i = 0; i < m->waiting_count; i++) {
        m->some_passed |= has_passed(m, m->waiting[i]);
    }
}

static bool close_chunk(struct merge *m, struct batch **batch, struct err *err)
{
    int stream = (*batch)->stream, range = (*batch)->range;
    struct stream *s = &m->streams[stream];
    struct chunk_close close = (*batch)->close;
    CHECK(s->ranges[range].open && close.last == !close.end);
    (*batch)->close.end = NULL;
    if ((*batch)->row_count) {
        keep_rows(&s->ranges[range], batch);
    } else {
        merge_let_go(&m->done, batch);
    }
    struct waiting *waiting = stream_close_chunk(s, stream, range, &close, err);
    if (!waiting) {
        return false;
    }
    m->waiting = mem_grow_array((void *)m->waiting, &m->waiting_cap, m->waiting_count + 1,
                                sizeof *m->waiting);
    m->waiting[m->waiting_count++] = waiting;
    m->some_passed |= has_passed(m, waiting);
    return merge_order_of(s)->chunk(m, stream, &s->ranges[range], waiting, err);
}

static void abort_chunk(struct merge *m, struct range *range, struct batch **batch)
{
    if (range->open) {
        merge_let_go_all(&m->done, range->open->batches);
    }
    chunk_free(&range->open);
    range->reading = false;
    merge_let_go(&m->done, batch);
}

static bool take_step(struct merge *m, struct batch **batch, struct err *err)
{
    struct stream *s = &m->streams[(*batch)->stream];
    CHECK((*batch)->range < s->range_count);
    struct range *range = &s->ranges[(*batch)->range];
    switch ((*batch)->step) {
    case CHUNK_OPEN:
        CHECK(!range->reading);
        range->reading = true;
        merge_let_go(&m->done, batch);
        return true;
    case CHUNK_SNAPSHOT:
        take_snapshot(m, s, *batch);
        merge_let_go(&m->done, batch);
        return true;
    case CHUNK_ROWS: keep_rows(range, batch); return true;
    case CHUNK_CLOSE: return close_chunk(m, batch, err);
    case CHUNK_WHOLE: take_snapshot(m, s, *batch); return close_chunk(m, batch, err);
    case CHUNK_ABORT: abort_chunk(m, range, batch); return true;
    case CHUNK_RETURN:
    case CHUNK_RIDERS: merge_let_go(&m->done, batch); return true;
    }
    return true;
}

/* Release a batch that was read for an earlier life of the stream. */
static void let_go_late(struct merge *m, struct batch **batch)
{
    chunk_free(&(*batch)->chunk);
    key_free(&(*batch)->close.end);
    merge_let_go(&m->done, batch);
}

static bool take_batch(struct merge *m, struct batch **batch, struct err *err)
{
    const struct stream *s = &m->streams[(*batch)->stream];
    if (s->status != STATUS_LIVES || s->life != (*batch)->life) {
        let_go_late(m, batch);
        return true;
    }
    return take_step(m, batch, err);
}

bool merge_rows(struct merge *m, struct batch **batch, struct err *err)
{
    bool ok = true;
    CHECK((*batch)->kind == BATCH_ROWS && !m->asking.asked);
    m->asking.batch = NULL;
    for (struct batch *rider = batch_take_rider(*batch); rider; rider = batch_take_rider(*batch)) {
        ok = take_batch(m, &rider, err) && ok;
    }
    return take_batch(m, batch, err) && ok;
}

static struct value value_of(const struct event *e, const char *column)
{
    int index = relation_column(e->relation, column);
    const uint8_t *p = tuple_first(e->new_tuple);
    struct value value = {VALUE_NULL, 0, NULL};
    for (int i = 0; i <= index; i++) {
        p = tuple_wal_next(p, &value);
    }
    return value;
}

static bool is_text(const struct value *value, const char *text)
{
    return value->kind == VALUE_TEXT && value->len == strlen(text) &&
           !memcmp(value->data, text, value->len);
}

static void take_request(struct merge *m, const struct value *table)
{
    const struct merge_hooks *hooks = &m->config.hooks;
    if (table->kind == VALUE_TEXT) {
        hooks->requested(hooks->context, (const char *)table->data, table->len);
    }
}

void merge_watermark_row(struct merge *m, const struct event *e)
{
    if (e->kind != EVENT_INSERT && e->kind != EVENT_UPDATE) {
        return;
    }
    struct value slot = value_of(e, "slot"), watermark = value_of(e, "watermark");
    if (slot.kind == VALUE_TEXT &&
        is_request_name((const char *)slot.data, slot.len, m->config.slot)) {
        take_request(m, &watermark);
    }
    if (!is_text(&slot, m->config.slot)) {
        return;
    }
    for (size_t i = 0; i < m->waiting_count; i++) {
        struct waiting *waiting = m->waiting[i];
        waiting->arrived |= is_text(&watermark, waiting->watermark) ||
                            (waiting->again[0] && is_text(&watermark, waiting->again));
    }
    m->finish_arrived |= m->finish_at[0] && is_text(&watermark, m->finish_at);
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
        if (waiting->looks > 1 && !waiting->arrived && !waiting->seen_lsn) {
            waiting->looks = 0;
            memcpy(waiting->again, watermark, sizeof waiting->again);
            *stream = waiting->stream;
            count++;
        }
    }
    return count;
}

/* The first `kept` chunks were closed before this one, and still wait. */
static bool may_leave(const struct merge *m, size_t kept, const struct waiting *waiting)
{
    bool may = waiting->arrived || has_passed(m, waiting);
    bool in_sequence = merge_order_of(&m->streams[waiting->stream])->in_sequence;
    for (size_t i = 0; may && in_sequence && i < kept; i++) {
        may = m->waiting[i]->stream != waiting->stream;
    }
    return may;
}

void merge_release(struct merge *m, struct event *e)
{
    struct chunk **tail = &e->chunk;
    size_t kept = 0;
    m->some_passed = false;
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
    CHECK(m->backfilling >= 0);
    m->waiting_count = kept;
    if (e->chunk) {
        m->changed = true;
        cursor_release(&m->last_change, e->lsn);
    }
}
