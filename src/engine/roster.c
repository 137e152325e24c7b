/* The members: what the merger and the workers get of a life, and what raises a doubt about it. */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"
#include "read_order.h"

void roster_init(struct roster *r, const struct catalog *catalog)
{
    *r = (struct roster){.count = catalog->count, .next_us = INT64_MAX};
    r->members = mem_zero((size_t)catalog->room * sizeof *r->members);
}

static void free_returned(struct returned **list)
{
    while (*list) {
        struct returned *one = *list;
        *list = one->next;
        key_free(&one->after);
        free(one->why);
        free(one);
    }
}

static void clear_life(struct member *m)
{
    free((void *)m->life.key.columns);
    free(m->life.key.types);
    free(m->life.key.orders);
    m->life = (struct merge_stream){0};
}

void roster_clear(struct roster *r)
{
    for (int i = 0; i < r->count; i++) {
        struct member *m = &r->members[i];
        free_returned(&m->returned);
        clear_life(m);
        stream_state_clear(&m->state);
        base_clear(&m->base);
        pg_close(&m->holder);
    }
    for (size_t i = 0; i < r->table_count; i++) {
        tables_free(&r->tables[i], 1);
    }
    question_free(&r->birth);
    catalog_free(&r->newer);
    free((void *)r->tables);
    free(r->members);
    *r = (struct roster){0};
}

const struct table_description *roster_keep(struct roster *r, struct table_description **table)
{
    r->tables =
        mem_grow_array((void *)r->tables, &r->table_cap, r->table_count + 1, sizeof *r->tables);
    r->tables[r->table_count++] = *table;
    *table = NULL;
    return r->tables[r->table_count - 1];
}

char **key_names(const struct table_description *d)
{
    char **names = mem_zero((size_t)(d->key_count + 1) * sizeof *names);
    for (int k = 0; k < d->key_count; k++) {
        names[k] = (char *)d->relation->columns[d->key[k].column].name;
    }
    return names;
}

char ***roster_keys(const struct roster *r)
{
    char ***keys = mem_zero((size_t)r->count * sizeof *keys);
    for (int i = 0; i < r->count; i++) {
        keys[i] = key_names(r->members[i].table);
    }
    return keys;
}

static enum key_order order_of(const struct type *type, bool bytewise)
{
    if (!bytewise) {
        return KEY_SERVER;
    }
    switch (type->oid) {
    case OID_INT2:
    case OID_INT4:
    case OID_INT8: return KEY_INT;
    case OID_OID: return KEY_OID;
    case OID_BOOL: return KEY_BOOL;
    case OID_UUID: return KEY_UUID;
    case OID_TEXT:
    case OID_VARCHAR:
    case OID_NAME: return KEY_TEXT;
    case OID_BPCHAR: return KEY_BPCHAR;
    case OID_BYTEA: return KEY_BYTEA;
    case OID_DATE:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ: return KEY_TIME;
    default: return KEY_SERVER;
    }
}

const struct read_order *read_order_of(const struct table_description *d)
{
    return d->ctid_order ? &read_by_ctid : &read_by_key;
}

void member_set_life(struct member *m, const struct table_description *d,
                     const struct catalog_stream *stream)
{
    struct merge_key *key = &m->life.key;
    clear_life(m);
    m->table = d;
    m->life.state = &m->state;
    m->life.oid = d->relation->oid;
    m->life.ctid_order = false;
    m->life.airbyte_look = stream->airbyte_look;
    m->life.base = NULL;
    key->count = d->key_count;
    key->unique = d->unique;
    key->columns = key_names(d);
    key->types = mem_zero((size_t)(d->key_count + 1) * sizeof *key->types);
    key->orders = mem_zero((size_t)(d->key_count + 1) * sizeof *key->orders);
    for (int k = 0; k < d->key_count; k++) {
        const struct column *column = &d->relation->columns[d->key[k].column];
        key->types[k] = column->type_oid;
        key->orders[k] = order_of(column->type, d->key[k].bytewise);
        key->server |= key->orders[k] == KEY_SERVER;
    }
    read_order_of(d)->set_life(m);
}

static void queue_range(struct engine *e, int stream, int range, struct key *after, bool fence)
{
    struct member *m = &e->roster.members[stream];
    struct backfill_task *task = backfill_task_new(stream, range, m->table);
    task->life = merge_life(e->merge, stream);
    task->after = after;
    task->until = key_copy(m->state.ranges[range].until);
    task->base = read_order_of(m->table)->has_base ? &m->base : NULL;
    task->fence = fence;
    queue_put(e->tasks, task, e->config.catalog->streams[stream].priority);
}

void roster_queue(struct engine *e, int stream, bool fence)
{
    const struct stream_state *state = &e->roster.members[stream].state;
    for (int r = 0; state->mode == STREAM_BACKFILL && r < state->range_count; r++) {
        queue_range(e, stream, r, key_copy(state->ranges[r].scanned), fence);
    }
}

void roster_requeue(struct engine *e, int stream)
{
    struct member *m = &e->roster.members[stream];
    while (m->returned) {
        struct returned *one = m->returned;
        m->returned = one->next;
        queue_range(e, stream, one->range, one->after, false);
        free(one->why);
        free(one);
    }
}

void roster_release(struct engine *e)
{
    bool shared = false;
    for (int i = 0; i < e->roster.count; i++) {
        struct member *m = &e->roster.members[i];
        bool backfilling;
        merge_backfilled(e->merge, i, &backfilling);
        if (!backfilling) {
            pg_close(&m->holder);
        }
        shared |= backfilling && !m->holder && m->table && read_order_of(m->table)->has_base;
    }
    if (!shared) {
        pg_close(&e->holder);
    }
}

void roster_lose(struct engine *e, int stream)
{
    struct member *m = &e->roster.members[stream];
    free_returned(&m->returned);
    if (!merge_is_lost(e->merge, stream)) {
        merge_lose(e->merge, stream);
    }
    shared_store(&e->lives[stream], merge_life(e->merge, stream));
    m->standing = MEMBER_LOST;
    e->streams_shown = false;
}

bool roster_returned(struct engine *e, struct batch *batch, struct err *err)
{
    enum { RETURNS_MOST = 20 };
    struct member *m = &e->roster.members[batch->stream];
    if (batch->life != merge_life(e->merge, batch->stream) || m->standing != MEMBER_LIVES) {
        free(batch->close.why);
        batch->close.why = NULL; /* the batch may be thrown away before it is used again */
        key_free(&batch->close.end);
        return true;
    }
    struct returned *one = mem_zero(sizeof *one);
    *one = (struct returned){m->returned, batch->range, batch->close.end, batch->close.why};
    batch->close.end = NULL;
    batch->close.why = NULL;
    m->returned = one;
    roster_suspect(&e->roster, batch->stream);
    if (++m->returns > RETURNS_MOST) {
        err_set(err, ERR_TRANSIENT, "%s", one->why);
        return err_stream(err, e->config.catalog->streams[batch->stream].schema,
                          e->config.catalog->streams[batch->stream].table);
    }
    return true;
}

void roster_suspect(struct roster *r, int stream)
{
    r->members[stream].suspect = r->some_suspect = true;
}

static bool differs(const struct member *m, const struct terms *now)
{
    if (m->standing == MEMBER_AWAY) {
        const char *persistence = now->text[TERM_PERSISTENCE];
        return now->text[TERM_TABLE] && now->text[TERM_ENTRY] && persistence &&
               *persistence == 'p' && !terms_come_by_leaves(now);
    }
    return m->standing == MEMBER_LIVES && !terms_equal(&m->state.terms, now);
}

void roster_look(struct engine *e, const struct question *q)
{
    for (int i = 0; i < q->count; i++) {
        struct member *m = &e->roster.members[i];
        if (differs(m, &q->terms[i])) {
            roster_suspect(&e->roster, i);
        } else if (m->standing == MEMBER_LIVES) {
            m->state.terms.horizon = q->terms[i].horizon; /* later: it vouches for more rows */
        }
    }
}

/* Changes of a table that is not captured: is it one that is, under another name for now? */
static void look_for_renamed(struct engine *e, struct relation *relation)
{
    for (int i = 0; i < e->roster.count; i++) {
        if (e->roster.members[i].life.oid == relation->oid) {
            relation->renamed_of = i;
        }
    }
}

void roster_bound(struct engine *e, struct relation *relation)
{
    if (relation->stream == STREAM_NONE) {
        look_for_renamed(e, relation);
    } else if (relation->stream >= 0) {
        relation->partial_old = e->roster.members[relation->stream].table->kind == 'p' &&
                                !relation->partition && relation->identity == 'f';
    }
}

void roster_lose_because(struct engine *e, int stream, const char *because)
{
    roster_lose(e, stream);
    e->roster.members[stream].because = because;
    roster_suspect(&e->roster, stream);
}

/* Its file is looked at at once: what replaces that later is something else. */
static void truncated(void *context, int stream, const struct relation *relation, uint32_t xid)
{
    struct engine *e = context;
    struct member *m = &e->roster.members[stream];
    const struct catalog_stream *c = &e->config.catalog->streams[stream];
    roster_suspect(&e->roster, stream);
    if (relation->partition) {
        return;
    }
    m->truncated = xid;
    m->emptied_lsn = 0;
    log_line(e->config.log, LOG_WARN,
             "table %s.%s was truncated: its rows are gone, but no deletes are written for them",
             c->schema, c->table);
}

void roster_set_told(struct roster *r, struct member *m, uint32_t xid)
{
    r->told += (xid != 0) - (m->told_xid != 0);
    m->told_xid = xid;
}

/* Of a partition that is not known: it came since the last look, and may be gone by the next. Its state
 * tells of it from now on. */
static void stored(void *context, int stream, uint32_t leaf, uint32_t xid)
{
    struct engine *e = context;
    struct member *m = &e->roster.members[stream];
    if (terms_add_leaf(&m->state.terms, leaf)) {
        roster_set_told(&e->roster, m, xid);
        merge_finish_at(e->merge, ""); /* the end waits for what becomes of it */
        merge_touch(e->merge, stream);
        roster_suspect(&e->roster, stream);
    }
}

const char roster_renamed[] =
    "had another name for a while, under which its changes are not captured";

static bool goes_on_renamed(struct engine *e, int stream)
{
    struct member *m = &e->roster.members[stream];
    bool goes_on = e->config.config->on_untracked_change == UNTRACKED_WARN;
    if (goes_on && !m->renamed) {
        roster_say(&e->config, stream, roster_renamed, ROSTER_GOES_ON);
    }
    m->renamed = true;
    return goes_on;
}

/* Captured as it comes only where nothing is to be done about what is not sent. */
static bool other(void *context, int stream, const struct relation *relation)
{
    struct engine *e = context;
    bool backfilling;
    roster_suspect(&e->roster, stream);
    if (relation->stream == STREAM_NONE) {
        return goes_on_renamed(e, stream);
    }
    merge_backfilled(e->merge, stream, &backfilling);
    return e->config.config->on_untracked_change == UNTRACKED_WARN && !backfilling;
}

static void lost(void *context, int stream, const struct relation *relation)
{
    static const char *const because[] = {
        [RELATION_FITS] = "is another one than when its capture began, dropped and recreated or "
                          "renamed",
        [RELATION_LACKS_KEY] = "has changes from a time at which its key had other columns",
        [RELATION_OTHER_ORDER] = "has changes from a time at which its key had another type",
        [RELATION_UNTOLD_KEY] = "has changes that do not tell its key, because they come from a "
                                "time at which its replica identity was another",
    };
    roster_lose_because(context, stream,
                        relation->stream == STREAM_NONE ? roster_renamed
                                                        : because[relation->fault]);
}

struct merge_hooks roster_hooks(struct engine *e)
{
    return (struct merge_hooks){e, truncated, stored, other, lost};
}

void roster_completed(struct engine *e, int stream)
{
    struct member *m = &e->roster.members[stream];
    const struct catalog_stream *c = &e->config.catalog->streams[stream];
    if (!m->completed) {
        m->completed = true;
        log_line(e->config.log, LOG_INFO,
                 "table %s.%s has updates of its key that leave out large values: each such row is "
                 "looked up, which ALTER TABLE ... REPLICA IDENTITY FULL would spare",
                 c->schema, c->table);
    }
}
