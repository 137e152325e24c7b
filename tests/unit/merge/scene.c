/* Making batches by hand, and reading the merger's output. */
#include "scene.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../state_ranges.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "row/tuple.h"

enum { RANGES_MOST = 8 };

static const struct type int4 = {.oid = OID_INT4, .name = "int4"};
static const struct type text_type = {.oid = OID_TEXT, .name = "text"};

static struct relation *new_relation(const char *name, const char *const *columns, int count)
{
    struct relation *r = relation_new(count);
    r->schema = mem_string("public");
    r->name = mem_string(name);
    r->identity = 'd';
    for (int i = 0; i < count; i++) {
        r->columns[i].name = mem_string(columns[i]);
        r->columns[i].type_oid = i ? OID_TEXT : OID_INT4;
        r->columns[i].type = i ? &text_type : &int4;
        r->columns[i].identity = !i;
    }
    return r;
}

static void bind(struct relation *r)
{
    r->stream = strcmp(r->name, "watermarks") ? 0 : STREAM_WATERMARKS;
}

static int number_of(const struct keycode *code)
{
    size_t len;
    const char *text = keycode_column(code, 0, &len);
    char copy[16] = "";
    memcpy(copy, text, len);
    return atoi(copy);
}

static void rank(struct scene *s, struct merge_question *q)
{
    s->ranked += (int)q->count;
    for (size_t i = 0; i < q->count; i++) {
        q->ranks[i] = 0;
        for (size_t b = 0; b < q->bound_count; b++) {
            q->ranks[i] += number_of(q->keys[i]) > number_of(q->bounds[b]);
        }
    }
}

static uint8_t *tuple_of(const char *values, uint8_t *tuple);

static void look_up(struct scene *s, struct merge_question *q)
{
    char text[64];
    if (s->row && s->row(s->row_context, atoi(q->key->columns[0].text), q->xid, text)) {
        q->row = tuple_of(text, mem_alloc(strlen(text) * 6 + 8));
    }
}

/* Answer all that the merger asks before it takes a batch. */
void scene_answer(struct scene *s, struct batch *batch)
{
    struct merge_question *q;
    while ((q = merge_asks(s->m, batch))) {
        switch (q->kind) {
        case MERGE_ASKS_BINDING: bind(q->relation); break;
        case MERGE_ASKS_RANKS: rank(s, q); break;
        case MERGE_ASKS_ROW: look_up(s, q); break;
        }
    }
}

static void truncated(void *context, int stream, const struct relation *relation, uint32_t xid)
{
    (void)stream, (void)relation, (void)xid;
    ((struct scene *)context)->truncated++;
}

static void stored(void *context, int stream, uint32_t leaf, uint32_t xid)
{
    (void)stream, (void)xid;
    ((struct scene *)context)->stored = leaf;
}

static bool other(void *context, int stream, const struct relation *relation)
{
    (void)stream, (void)relation;
    return ((struct scene *)context)->other_goes_on;
}

static void lost(void *context, int stream, const struct relation *relation)
{
    (void)stream, (void)relation;
    ((struct scene *)context)->lost++;
}

/* Loses the stream, as the roster does. */
static void requested(void *context, const char *table, size_t len)
{
    struct scene *s = context;
    snprintf(s->requested, sizeof s->requested, "%.*s", (int)len, table);
    if (!merge_skips(s->m, 0)) {
        merge_lose(s->m, 0);
    }
}

static void start_merge(struct scene *s)
{
    s->stream.state = &s->state;
    s->config.streams = (const struct merge_stream *[]){&s->stream};
    s->config.hooks.context = s;
    s->m = merge_new(&s->config, &s->err);
    cr_assert(s->m, "%s", s->err.message);
    bind(s->watermarks);
    bind(s->table);
    s->table->life = s->shape->life = 0; /* of the previous merger */
}

static void make_relations(struct scene *s, bool server)
{
    static const char *const columns[] = {"id", "v", "w"};
    static const char *const of_watermarks[] = {"slot", "watermark"};
    s->table = new_relation("t", columns, 3);
    s->shape = new_relation("t", columns, 3);
    s->shape->columns[0].text = server;
    s->watermarks = new_relation("watermarks", of_watermarks, 2);
}

void scene_init(struct scene *s, const char *ranges, const char *snapshot, bool server)
{
    static char id[] = "id", *key_columns[] = {id, NULL};
    static enum key_order by_number[] = {KEY_INT}, by_server[] = {KEY_SERVER};
    static uint32_t types[] = {OID_INT4};
    *s = (struct scene){.server = server, .lsn = 1000};
    make_relations(s, server);
    s->state.id = mem_string("t");
    s->state.mode = !ranges || *ranges ? STREAM_BACKFILL : STREAM_ACTIVE;
    state_ranges_parse(&s->state, ranges ? ranges : "-", RANGES_MOST);
    s->state.snapshot = mem_string(snapshot);
    s->stream.key =
        (struct merge_key){1, key_columns, types, server ? by_server : by_number, server, true};
    s->stream.ctid_order = !ranges;
    if (snapshot) {
        cr_assert(snapshot_parse(&s->base, snapshot));
        s->stream.base = &s->base;
    }
    s->config = (struct merge_config){.stream_count = 1,
                                      .slot = "our",
                                      .cursor = 1000,
                                      .buffered_bytes = SIZE_MAX,
                                      .hooks = {s, truncated, stored, other, lost, requested}};
    s->events = batch_new(0);
    batch_reset(s->events, BATCH_EVENTS);
    out_init(&s->text, 0);
    start_merge(s);
}

void scene_free(struct scene *s)
{
    merge_free(&s->m);
    relation_free(&s->table);
    relation_free(&s->shape);
    relation_free(&s->watermarks);
    batch_free(&s->events);
    checkpoint_free(&s->whole);
    stream_state_clear(&s->state);
    snapshot_free(&s->base);
    out_free(&s->text);
    free(s->records);
}

void scene_resume(struct scene *s)
{
    cr_assert(s->whole);
    merge_free(&s->m);
    stream_state_clear(&s->state);
    stream_state_copy(&s->state, checkpoint_stream(s->whole, "t"));
    s->config.cursor = s->whole->cursor;
    s->config.start = s->whole;
    batch_reset(s->events, BATCH_EVENTS);
    start_merge(s);
}

void scene_rebirth(struct scene *s, uint64_t not_before)
{
    struct stream_state *state = &s->state;
    merge_lose(s->m, 0);
    char *id = mem_string(state->id);
    stream_state_clear(state);
    *state = (struct stream_state){.id = id, .mode = STREAM_BACKFILL};
    state_ranges_parse(state, "-", RANGES_MOST);
    cr_assert(merge_begin(s->m, 0, &s->stream, not_before, &s->err), "%s", s->err.message);
}

static struct event *add_event(struct scene *s, enum event_kind kind)
{
    struct event *e = batch_event(s->events);
    e->kind = kind;
    e->lsn = s->lsn;
    s->lsn += 10;
    return e;
}

static uint8_t *tuple_of(const char *values, uint8_t *tuple)
{
    uint8_t *to = tuple + 2;
    int count = 0;
    for (const char *p = values; *p; p += *p == ',') {
        size_t len = strcspn(p, ",");
        *to++ = *p == '~' ? VALUE_NULL : *p == '^' ? VALUE_UNCHANGED : VALUE_TEXT;
        if (to[-1] == VALUE_TEXT) {
            to = store32(to, (uint32_t)len);
            memcpy(to, p, len);
            to += len;
        }
        count++;
        p += len;
    }
    store16(tuple, (uint16_t)count);
    return tuple;
}

static const uint8_t *wal_tuple(struct scene *s, const char *values)
{
    return tuple_of(values, arena_alloc(&s->events->arena, strlen(values) * 6 + 8));
}

static struct event *add_change(struct scene *s, enum event_kind kind, const char *row)
{
    struct event *e = add_event(s, kind);
    e->relation = s->table;
    e->new_tuple = row ? wal_tuple(s, row) : NULL;
    return e;
}

void wal_begin(struct scene *s, uint32_t xid)
{
    struct txn *txn = arena_alloc(&s->events->arena, sizeof *txn);
    *txn = (struct txn){.xid = xid, .final_lsn = s->lsn + 5, .commit_us = xid};
    add_event(s, EVENT_BEGIN)->txn = txn;
}

void wal_insert(struct scene *s, const char *row)
{
    add_change(s, EVENT_INSERT, row);
}

void wal_update(struct scene *s, const char *row)
{
    add_change(s, EVENT_UPDATE, row);
}

void wal_update_full(struct scene *s, const char *old, const char *row)
{
    struct event *e = add_change(s, EVENT_UPDATE, row);
    e->old_tuple = wal_tuple(s, old);
    e->old_kind = OLD_ROW;
}

void wal_move(struct scene *s, int from, const char *row)
{
    char old[32];
    struct event *e = add_change(s, EVENT_UPDATE, row);
    snprintf(old, sizeof old, "%d,~,~", from);
    e->old_tuple = wal_tuple(s, old);
    e->old_kind = OLD_KEY;
}

void wal_delete(struct scene *s, int id)
{
    char old[32];
    struct event *e = add_change(s, EVENT_DELETE, NULL);
    snprintf(old, sizeof old, "%d,~,~", id);
    e->old_tuple = wal_tuple(s, old);
    e->old_kind = OLD_KEY;
}

void wal_truncate(struct scene *s)
{
    add_change(s, EVENT_TRUNCATE, NULL);
}

void wal_watermark(struct scene *s, const char *slot, const char *watermark)
{
    char row[80];
    snprintf(row, sizeof row, "%s,%s", slot, watermark);
    add_change(s, EVENT_UPDATE, row)->relation = s->watermarks;
}

void wal_message(struct scene *s, bool transactional)
{
    add_event(s, EVENT_MESSAGE)->transactional = transactional;
}

void wal_position(struct scene *s, uint64_t lsn)
{
    add_event(s, EVENT_POSITION)->lsn = lsn;
}

void wal_end(struct scene *s)
{
    struct event *e = add_event(s, EVENT_COMMIT);
    e->lsn = s->lsn;
}
