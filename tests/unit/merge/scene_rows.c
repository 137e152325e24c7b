/* The other half of the scene: chunks, and said(). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "row/tuple.h"
#include "scene.h"

struct batch *read_step(struct scene *s, int range, enum chunk_step step)
{
    struct batch *batch = batch_new(1);
    batch_reset(batch, BATCH_ROWS);
    batch->life = merge_life(s->m, 0);
    batch->range = range;
    batch->step = step;
    return batch;
}

struct batch *read_snapshot_step(struct scene *s, int range, const char *snapshot)
{
    struct batch *batch = read_step(s, range, CHUNK_SNAPSHOT);
    batch->chunk = chunk_new(0, range, s->shape);
    cr_assert(snapshot_parse(&batch->chunk->snapshot, snapshot));
    return batch;
}

static const uint8_t *copy_tuple(struct scene *s, struct batch *batch, const char *row, size_t size)
{
    uint8_t *tuple = arena_alloc(&batch->arena, size * 6 + 16), *to = store16(tuple, 3);
    const char *p = row;
    for (int i = 0; i < 3; i++) {
        size_t len = strcspn(p, ", ");
        if (i == 0 && !s->server) {
            to = store32(store32(to, 4), (uint32_t)atoi(p));
        } else {
            to = store32(to, (uint32_t)len);
            memcpy(to, p, len);
            to += len;
        }
        p += len + 1;
    }
    return tuple;
}

struct batch *read_rows_step(struct scene *s, int range, const char *rows)
{
    struct batch *batch = read_step(s, range, CHUNK_ROWS);
    for (const char *p = rows; *p; p += *p == ' ') {
        size_t size = strcspn(p, " ");
        batch_row(batch, copy_tuple(s, batch, p, size));
        p += size;
    }
    return batch;
}

struct batch *read_close_step(struct scene *s, int range, const char *end, const char *watermark)
{
    struct batch *batch = read_step(s, range, CHUNK_CLOSE);
    if (end) {
        batch->close.end = key_new(1);
        key_set(batch->close.end, 0, end, strlen(end));
    }
    batch->close.last = !end;
    snprintf(batch->close.watermark, sizeof batch->close.watermark, "%s", watermark);
    return batch;
}

bool rows_in(struct scene *s, struct batch *batch)
{
    scene_answer(s, batch);
    bool ok = merge_rows(s->m, &batch, &s->err);
    struct batch *done = merge_take_done(s->m);
    while (done) {
        struct batch *next = done->next;
        batch_free(&done);
        done = next;
    }
    return ok && !batch;
}

static struct batch *add_whole(struct scene *s, struct batch *carrier, int range,
                               const char *snapshot, const char *watermark)
{
    struct batch *rider = batch_rider(carrier);
    rider->life = merge_life(s->m, 0);
    rider->range = range;
    rider->step = CHUNK_WHOLE;
    rider->chunk = chunk_new(0, range, s->shape);
    cr_assert(snapshot_parse(&rider->chunk->snapshot, snapshot));
    rider->close.last = true;
    snprintf(rider->close.watermark, sizeof rider->close.watermark, "%s", watermark);
    return rider;
}

struct batch *read_together(struct scene *s, const char *snapshot, const char *rows,
                            const char *watermark)
{
    struct batch *carrier = read_rows_step(s, 0, rows);
    for (int range = (int)carrier->row_count; range-- > 0;) {
        batch_rider_rows(add_whole(s, carrier, range, snapshot, watermark), (size_t)range, 1);
    }
    return carrier;
}

void read_chunk(struct scene *s, int range, const char *snapshot, const char *rows, const char *end,
                const char *watermark)
{
    cr_assert(rows_in(s, read_step(s, range, CHUNK_OPEN)));
    cr_assert(rows_in(s, read_snapshot_step(s, range, snapshot)));
    if (*rows) {
        cr_assert(rows_in(s, read_rows_step(s, range, rows)));
    }
    cr_assert(rows_in(s, read_close_step(s, range, end, watermark)));
}

void pass_watermark(struct scene *s, uint32_t xid, const char *watermark)
{
    wal_begin(s, xid);
    wal_watermark(s, "our", watermark);
    wal_commit(s);
}

static void say_record(struct out *out, const struct record *r)
{
    char id[16];
    snprintf(id, sizeof id, "%d", r->id);
    out_string(out, out->len ? " " : "");
    out_char(out, r->op);
    if (r->op == 't' || r->op == 'm') {
        return;
    }
    out_string(out, id);
    if (r->op != 'd') {
        out_char(out, '=');
        out_string(out, r->v);
        out_char(out, '/');
        out_string(out, r->w);
    }
}

const char *said(struct scene *s)
{
    s->text.len = 0;
    for (; s->said < s->record_count; s->said++) {
        if (s->records[s->said].op != '@') {
            say_record(&s->text, &s->records[s->said]);
        }
    }
    return out_text(&s->text);
}

const char *saved(struct scene *s)
{
    const struct stream_state *state = checkpoint_stream(s->whole, "t");
    s->text.len = 0;
    for (int i = 0; i < state->range_count; i++) {
        const struct range_state *range = &state->ranges[i];
        out_string(&s->text, i ? " " : "");
        out_string(&s->text, range->scanned ? range->scanned->columns[0].text : "");
        out_char(&s->text, '-');
        out_string(&s->text, range->until ? range->until->columns[0].text : "");
    }
    return state->mode == STREAM_ACTIVE ? "active" : out_text(&s->text);
}
