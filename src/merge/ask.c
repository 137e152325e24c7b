/*
 * What has to be known before a batch can be taken: one question after the other, about the shapes
 * that are new in it, about the intervals that its keys belong to, and about rows that moved
 * without their TOAST values.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "complete.h"
#include "internal.h"

static bool is_change(const struct event *e)
{
    return e->kind == EVENT_INSERT || e->kind == EVENT_UPDATE || e->kind == EVENT_DELETE;
}

static bool ask_binding_of(struct merge *m, struct relation *relation)
{
    m->asking.question = (struct merge_question){.kind = MERGE_ASKS_BINDING, .relation = relation};
    return true;
}

/* A stream was added: shapes that belonged to no stream may be its own. */
static bool ask_binding_again(struct merge *m)
{
    while (m->bound_again < m->bound_count) {
        struct relation *relation = m->bound[m->bound_again++];
        if (relation->stream == STREAM_NONE) {
            return ask_binding_of(m, relation);
        }
    }
    return false;
}

static bool ask_binding(struct merge *m, const struct batch *batch)
{
    struct asking *a = &m->asking;
    for (; a->bound < batch->event_count; a->bound++) {
        const struct event *e = &batch->events[a->bound];
        if (e->kind == EVENT_RELATION) {
            merge_take_shape(m, e->relation);
            m->bound_again = m->bound_count;
            a->bound++;
            return ask_binding_of(m, e->relation);
        }
    }
    return false;
}

/* Whether it is an update of the key without all values of the row. */
static bool lacks_values(struct batch *batch, struct event *e)
{
    if (e->kind != EVENT_UPDATE || !e->old_tuple || !tuple_lacks_values(e->new_tuple) ||
        !keycode_changed(e->relation, e->old_tuple, e->new_tuple)) {
        return false;
    }
    e->new_tuple = tuple_complete_from_old(&batch->arena, e->relation, e->new_tuple, e->old_tuple,
                                           e->old_kind);
    return tuple_lacks_values(e->new_tuple);
}

/* The key of a row as text. NULL: the tuple does not have all of it. */
static struct key *key_of(const struct relation *relation, const uint8_t *tuple)
{
    struct key *key = key_new(relation->key_count);
    const uint8_t *next = tuple_first(tuple);
    int found = 0;
    for (int i = 0; i < relation->column_count; i++) {
        struct value value;
        next = tuple_wal_next(next, &value);
        for (int k = 0; k < relation->key_count; k++) {
            if (relation->key[k] == i && value.kind == VALUE_TEXT) {
                key_set(key, k, value.data, value.len);
                found++;
            }
        }
    }
    if (found < relation->key_count) {
        key_free(&key);
    }
    return key;
}

static bool ask_row_of(struct merge *m, struct batch *batch, struct event *e, uint32_t xid)
{
    struct stream *s = &m->streams[e->relation->stream];
    stream_bind(s, e->relation);
    if (!e->relation->key_count || !s->config->key.unique || !merge_event_fits(e) ||
        !lacks_values(batch, e)) {
        return false;
    }
    m->asking.question = (struct merge_question){.kind = MERGE_ASKS_ROW,
                                                 .stream = e->relation->stream,
                                                 .relation = e->relation,
                                                 .xid = xid,
                                                 .lacks = e->new_tuple,
                                                 .key = key_of(e->relation, e->new_tuple)};
    return m->asking.question.key != NULL;
}

static bool ask_row(struct merge *m, struct batch *batch)
{
    struct asking *a = &m->asking;
    const struct txn *txn = &m->txn;
    for (size_t i = 0; i < batch->event_count; i++) {
        struct event *e = &batch->events[i];
        txn = e->kind == EVENT_BEGIN ? e->txn : txn;
        if (i < a->completed || !is_change(e) || e->relation->stream < 0 ||
            stream_skips(&m->streams[e->relation->stream], txn->final_lsn)) {
            continue;
        }
        a->completed = i + 1;
        if (ask_row_of(m, batch, e, txn->xid)) {
            return true;
        }
    }
    return false;
}

/* Take values from the row as it is now: changes that made it newer follow in the stream. */
static void take_row(struct merge *m, struct batch *batch)
{
    struct asking *a = &m->asking;
    struct event *e = &batch->events[a->completed - 1];
    if (a->question.row) {
        e->new_tuple = tuple_complete(&batch->arena, e->relation, e->new_tuple, e->relation,
                                      a->question.row, tuple_wal_next);
    }
    free(a->question.row);
    key_free(&a->question.key);
}

void merge_forget_question(struct merge *m)
{
    struct asking *a = &m->asking;
    if (a->asked && a->question.kind == MERGE_ASKS_ROW) {
        free(a->question.row);
        key_free(&a->question.key);
    }
    a->asked = false;
}

static void begin(struct merge *m, const struct batch *batch)
{
    struct asking *a = &m->asking;
    a->batch = batch;
    a->bound = a->completed = 0;
    for (int i = 0; i < m->config.stream_count; i++) {
        CHECK(m->streams[i].rank_next <= m->streams[i].rank_count);
        m->streams[i].ranked = false;
    }
}

struct merge_question *merge_asks(struct merge *m, struct batch *batch)
{
    struct asking *a = &m->asking;
    bool asks;
    if (a->batch != batch) {
        begin(m, batch);
    } else if (a->question.kind == MERGE_ASKS_ROW && a->asked) {
        take_row(m, batch);
    }
    arena_reset(&a->arena);
    if (batch->kind == BATCH_ROWS) {
        asks = merge_ask_end(m, batch);
    } else {
        asks = ask_binding_again(m) || ask_binding(m, batch) || ask_row(m, batch) ||
               merge_ask_ranks(m, batch);
    }
    a->asked = asks;
    return asks ? &a->question : NULL;
}
