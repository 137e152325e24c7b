/*
 * A merger fed by hand: one stream public.t (id int4 key, v text), whose chunks and changes the
 * tests make. What the merger releases is applied to `out_v`, the consumer's copy of the table;
 * every violation is counted.
 */
#ifndef TEST_MERGE_HARNESS_H
#define TEST_MERGE_HARNESS_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bytes_out.h"
#include "hooks.h"
#include "row/tuple.h"

enum { KEYS = 64, ABSENT = -1 };

struct harness {
    struct merge *merge;
    struct relation *relation; /* of changes and of rows */
    struct stream_state state;
    struct merge_stream stream;
    struct batch *batch;           /* of changes, being filled */
    struct chunk *chunk;           /* being read */
    int out_v[KEYS];               /* the consumer's copy: value by key, or ABSENT */
    int broken;                    /* created twice, or changed before it was created */
    struct checkpoint *checkpoint; /* the last one */
    uint64_t lsn;
};

static char key_name[] = "id";
static char *key_column_names[] = {key_name, NULL};
static enum key_order key_orders[] = {KEY_INT};
static uint32_t key_types[] = {OID_INT4};

/* Only shapes are asked for: keys are ordered here, and a row that moved is gone. */
static void answer_all(struct merge *merge, struct batch *batch)
{
    struct merge_question *q;
    while ((q = merge_asks(merge, batch))) {
        cr_assert_neq(q->kind, MERGE_ASKS_RANKS);
        if (q->kind == MERGE_ASKS_BINDING) {
            q->relation->stream = !strcmp(q->relation->name, "t") ? 0 : STREAM_WATERMARKS;
        }
    }
}

static struct relation *two_columns(const char *name, const char *first, uint32_t first_oid,
                                    const char *second)
{
    struct relation *r = relation_new(2);
    r->schema = mem_string("public");
    r->name = mem_string(name);
    r->columns[0] =
        (struct column){.name = mem_string(first), .type_oid = first_oid, .identity = true};
    r->columns[1] = (struct column){.name = mem_string(second), .type_oid = OID_TEXT, .text = true};
    return r;
}

static void check(bool ok, const struct err *err)
{
    cr_assert(ok, "%s", err->message);
}

static void add_relation(struct harness *h, struct relation *relation)
{
    batch_event(h->batch)->kind = EVENT_RELATION;
    h->batch->events[h->batch->event_count - 1].relation = relation;
}

static struct relation *watermarks;

static void harness_start(struct harness *h, const struct checkpoint *start)
{
    struct err err = {0};
    *h = (struct harness){.lsn = 0x1000};
    for (int i = 0; i < KEYS; i++) {
        h->out_v[i] = ABSENT;
    }
    h->relation = two_columns("t", "id", OID_INT4, "v");
    watermarks = two_columns("flow_watermarks", "slot", OID_TEXT, "watermark");
    if (start) {
        stream_state_copy(&h->state, &start->streams[0]);
    } else {
        h->state = (struct stream_state){.id = mem_string("public.t"), .mode = STREAM_BACKFILL};
        h->state.ranges = mem_zero(sizeof *h->state.ranges);
        h->state.range_count = 1;
    }
    h->stream = (struct merge_stream){
        .state = &h->state,
        .key = {.count = 1, .columns = key_column_names, .types = key_types, .orders = key_orders}};
    struct merge_config config = {
        .streams = (const struct merge_stream *[]){&h->stream},
        .stream_count = 1,
        .slot = "s",
        .cursor = h->lsn,
        .start = start,
        .buffered_bytes = 1 << 20,
        .hooks = {NULL, ignore_truncate, ignore_leaf, go_on, ignore_relation, ignore_request},
    };
    h->merge = merge_new(&config, &err);
    cr_assert(h->merge, "%s", err.message);
    h->batch = batch_new(0);
    batch_reset(h->batch, BATCH_EVENTS);
    add_relation(h, h->relation);
    add_relation(h, watermarks);
}

static void harness_stop(struct harness *h)
{
    merge_free(&h->merge);
    batch_free(&h->batch);
    relation_free(&h->relation);
    relation_free(&watermarks);
    stream_state_clear(&h->state);
    checkpoint_free(&h->checkpoint);
}

/* The consumer. */

static int text_number(const struct value *value)
{
    char text[16] = "";
    memcpy(text, value->data, value->len < 15 ? value->len : 15);
    return atoi(text);
}

static void read_pair(const uint8_t *tuple, const uint8_t *(*next)(const uint8_t *, struct value *),
                      int *key, int *v)
{
    struct value value;
    const uint8_t *p = next(tuple_first(tuple), &value);
    bool binary = value.kind == VALUE_BINARY && value.len == 4;
    *key = binary ? (int)load32(value.data) : text_number(&value);
    next(p, &value);
    *v = value.kind == VALUE_TEXT || value.kind == VALUE_BINARY ? text_number(&value) : 0;
}

static void consume_create(struct harness *h, int key, int v)
{
    h->broken += h->out_v[key] != ABSENT;
    h->out_v[key] = v;
}

static void consume_delete(struct harness *h, const uint8_t *tuple)
{
    int key, v;
    read_pair(tuple, tuple_wal_next, &key, &v);
    h->broken += h->out_v[key] == ABSENT;
    h->out_v[key] = ABSENT;
}

static void consume_chunk(struct harness *h, struct chunk *chunk)
{
    int key, v;
    for (struct batch *b = chunk->batches; b; b = b->next) {
        for (size_t i = 0; i < b->row_count; i++) {
            if (b->rows[i]) {
                read_pair(b->rows[i], tuple_row_next, &key, &v);
                consume_create(h, key, v);
            }
        }
    }
    for (struct patch *patch = chunk->patches; patch; patch = patch->next) {
        if (!patch->deleted) {
            read_pair(patch->tuple, tuple_wal_next, &key, &v);
            consume_create(h, key, v);
        }
    }
}

static void consume(struct harness *h, struct event *e)
{
    int key, v;
    switch (e->kind) {
    case EVENT_MOVE: consume_delete(h, e->old_tuple); /* fall through */
    case EVENT_INSERT:
        read_pair(e->new_tuple, tuple_wal_next, &key, &v);
        consume_create(h, key, v);
        return;
    case EVENT_UPDATE:
        read_pair(e->new_tuple, tuple_wal_next, &key, &v);
        h->broken += h->out_v[key] == ABSENT;
        h->out_v[key] = v;
        return;
    case EVENT_DELETE: consume_delete(h, e->old_tuple); return;
    case EVENT_COMMIT:
        for (struct chunk *c = e->chunk; c; c = c->next) {
            consume_chunk(h, c);
        }
        merge_discard_chunks(&e->chunk);
        if (e->checkpoint) {
            checkpoint_free(&h->checkpoint);
            h->checkpoint = e->checkpoint;
        }
        return;
    default: return;
    }
}

/* The server. */

static void begin(struct harness *h, uint32_t xid)
{
    struct txn *txn = arena_alloc(&h->batch->arena, sizeof *txn);
    *txn = (struct txn){xid, h->lsn + 1, 0};
    struct event *e = batch_event(h->batch);
    e->kind = EVENT_BEGIN;
    e->txn = txn;
}

/* A tuple of changes in the batch's arena; v -1: unchanged TOAST. */
static const uint8_t *pair(struct harness *h, const char *first, int v)
{
    char text[16];
    struct out out;
    snprintf(text, sizeof text, "%d", v);
    out_init(&out, 64);
    put_tuple(&out, 2, (const char *const[]){first, v < 0 ? "\1" : text});
    const uint8_t *tuple = arena_copy(&h->batch->arena, out.data, out.len);
    out_free(&out);
    return tuple;
}

static const uint8_t *row_of(struct harness *h, int key, int v)
{
    char text[16];
    snprintf(text, sizeof text, "%d", key);
    return pair(h, text, v);
}

static struct event *change(struct harness *h, enum event_kind kind)
{
    struct event *e = batch_event(h->batch);
    e->kind = kind;
    e->relation = h->relation;
    e->lsn = h->lsn += 8;
    return e;
}

static void insert(struct harness *h, int key, int v)
{
    change(h, EVENT_INSERT)->new_tuple = row_of(h, key, v);
}

static void update(struct harness *h, int key, int v)
{
    change(h, EVENT_UPDATE)->new_tuple = row_of(h, key, v);
}

static void move(struct harness *h, int from, int to, int v)
{
    struct event *e = change(h, EVENT_UPDATE);
    e->new_tuple = row_of(h, to, v);
    e->old_tuple = row_of(h, from, 0);
    e->old_kind = OLD_KEY;
}

static void delete_row(struct harness *h, int key)
{
    struct event *e = change(h, EVENT_DELETE);
    e->old_tuple = row_of(h, key, 0);
    e->old_kind = OLD_KEY;
}

static void watermark(struct harness *h, const char *uuid)
{
    struct event *e = change(h, EVENT_UPDATE);
    struct out out;
    e->relation = watermarks;
    out_init(&out, 64);
    put_tuple(&out, 2, (const char *const[]){"s", uuid});
    e->new_tuple = arena_copy(&h->batch->arena, out.data, out.len);
    out_free(&out);
}

/* End the transaction, and give it to the merger. */
static void commit(struct harness *h)
{
    struct err err = {0};
    batch_event(h->batch)->kind = EVENT_COMMIT;
    h->batch->events[h->batch->event_count - 1].lsn = h->lsn += 8;
    answer_all(h->merge, h->batch);
    check(merge_events(h->merge, h->batch, 0, &err), &err);
    for (size_t i = 0; i < h->batch->event_count; i++) {
        consume(h, &h->batch->events[i]);
    }
    batch_reset(h->batch, BATCH_EVENTS);
}

static void send(struct harness *h, struct batch *batch)
{
    struct err err = {0};
    answer_all(h->merge, batch);
    check(merge_rows(h->merge, &batch, &err), &err);
    struct batch *done = merge_take_done(h->merge);
    while (done) {
        struct batch *next = done->next;
        batch_free(&done);
        done = next;
    }
}

static struct batch *chunk_batch(enum chunk_step step)
{
    struct batch *batch = batch_new(1);
    batch_reset(batch, BATCH_ROWS);
    batch->step = step;
    batch->life = 1;
    return batch;
}

static void open_chunk(struct harness *h, const char *snapshot)
{
    struct batch *batch;
    send(h, chunk_batch(CHUNK_OPEN));
    batch = chunk_batch(CHUNK_SNAPSHOT);
    batch->chunk = h->chunk = chunk_new(0, 0, h->relation);
    cr_assert(snapshot_parse(&batch->chunk->snapshot, snapshot));
    send(h, batch);
}

static void add_row(struct batch *batch, int key, int v)
{
    struct out out;
    char text[16];
    out_init(&out, 64);
    put_int(&out, 2, 2);
    put_int(&out, 4, 4);
    put_int(&out, (uint64_t)key, 4);
    int len = snprintf(text, sizeof text, "%d", v);
    put_int(&out, (uint64_t)len, 4);
    out_string(&out, text);
    batch_row(batch, arena_copy(&batch->arena, out.data, out.len));
    out_free(&out);
}

/* end -1: the range has been read to its end. */
static void close_chunk(struct harness *h, struct batch *batch, int end, const char *uuid)
{
    char text[16];
    (void)h;
    batch->step = CHUNK_CLOSE;
    batch->close.last = end < 0;
    snprintf(batch->close.watermark, sizeof batch->close.watermark, "%s", uuid);
    if (end >= 0) {
        snprintf(text, sizeof text, "%d", end);
        batch->close.end = key_new(1);
        key_set(batch->close.end, 0, text, strlen(text));
    }
    send(h, batch);
}

/* A chunk of rows key..last, each with v = key * 10. */
static void read_chunk(struct harness *h, const char *snapshot, int first, int last, int end,
                       const char *uuid)
{
    open_chunk(h, snapshot);
    struct batch *batch = chunk_batch(CHUNK_ROWS);
    for (int key = first; key <= last; key++) {
        add_row(batch, key, key * 10);
    }
    close_chunk(h, batch, end, uuid);
}

static void watermark_commit(struct harness *h, const char *uuid)
{
    begin(h, 9000);
    watermark(h, uuid);
    commit(h);
}

#endif
