/* The members: what the merger and the workers get of a life, and what makes a table suspect. */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "merger.h"
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
    base_clear(&r->base);
    pg_close(&r->holder);
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

static enum key_order key_order_of(const struct type *type, bool bytewise)
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
        key->orders[k] = key_order_of(column->type, d->key[k].bytewise);
        key->server |= key->orders[k] == KEY_SERVER;
    }
    read_order_of(d)->set_life(m);
}

static void queue_range(struct merger_thread *t, int stream, int range, struct key *after,
                        bool fence, uint64_t renew_lsn)
{
    struct member *m = &t->roster.members[stream];
    struct backfill_task *task = backfill_task_new(stream, range, m->table);
    task->life = merge_life(t->merge, stream);
    task->after = after;
    task->until = key_copy(m->state.ranges[range].until);
    if (read_order_of(m->table)->has_base) {
        task->base = mem_zero(sizeof *task->base);
        base_copy(task->base, &m->base);
    }
    task->fence = fence;
    task->renew_lsn = renew_lsn;
    queue_put(t->pipeline->tasks, task, t->config->catalog->streams[stream].priority);
}

void roster_queue(struct merger_thread *t, int stream, bool fence, uint64_t renew_lsn)
{
    const struct stream_state *state = &t->roster.members[stream].state;
    for (int r = 0; state->mode == STREAM_BACKFILL && r < state->range_count; r++) {
        queue_range(t, stream, r, key_copy(state->ranges[r].scanned), fence, renew_lsn);
    }
}

void roster_requeue(struct merger_thread *t, int stream)
{
    struct member *m = &t->roster.members[stream];
    while (m->returned) {
        struct returned *one = m->returned;
        m->returned = one->next;
        queue_range(t, stream, one->range, one->after, false, 0);
        free(one->why);
        free(one);
    }
}

void roster_release(struct merger_thread *t)
{
    bool shared = false;
    for (int i = 0; i < t->roster.count; i++) {
        struct member *m = &t->roster.members[i];
        bool backfilling;
        merge_backfilled(t->merge, i, &backfilling);
        if (!backfilling) {
            pg_close(&m->holder);
        }
        shared |= backfilling && !m->holder && m->base.exported;
    }
    if (!shared) {
        pg_close(&t->roster.holder);
    }
}

void roster_lose(struct merger_thread *t, int stream)
{
    struct member *m = &t->roster.members[stream];
    free_returned(&m->returned);
    if (!merge_is_lost(t->merge, stream)) {
        merge_lose(t->merge, stream);
    }
    shared_store(&t->pipeline->lives[stream], merge_life(t->merge, stream));
    m->status = MEMBER_LOST;
    shared_store(&t->config->progress->streams[stream].backfilling, 1); /* for may_follow() */
    shared_fence(); /* later questions go to the server that the stream continues with */
    t->settled = false;
}

bool roster_returned(struct merger_thread *t, struct batch *batch, struct err *err)
{
    enum { RETURNS_MOST = 20 };
    struct member *m = &t->roster.members[batch->stream];
    if (batch->life != merge_life(t->merge, batch->stream) || m->status != MEMBER_LIVES) {
        free(batch->close.why);
        batch->close.why = NULL; /* else discard() frees it again */
        key_free(&batch->close.end);
        return true;
    }
    struct returned *one = mem_zero(sizeof *one);
    *one = (struct returned){m->returned, batch->range, batch->close.end, batch->close.why};
    batch->close.end = NULL;
    batch->close.why = NULL;
    m->returned = one;
    if (batch->close.base_gone && !read_by_ctid_without_base(t, m)) {
        roster_lose_because(t, batch->stream,
                            "was read in a snapshot that is gone, with the connection that held "
                            "it, or because transaction ids are used a second time");
        return true;
    }
    roster_suspect(&t->roster, batch->stream);
    if (++m->returns > RETURNS_MOST) {
        err_set(err, ERR_TRANSIENT, "%s", one->why);
        return err_stream(err, t->config->catalog->streams[batch->stream].schema,
                          t->config->catalog->streams[batch->stream].table);
    }
    return true;
}

void roster_suspect(struct roster *r, int stream)
{
    r->members[stream].suspect = r->some_suspect = true;
}

static bool differs(const struct member *m, const struct terms *now)
{
    if (m->status == MEMBER_AWAY) {
        const char *persistence = now->text[TERM_PERSISTENCE];
        return now->text[TERM_TABLE] && now->text[TERM_ENTRY] && persistence &&
               *persistence == 'p' && !terms_come_by_leaves(now);
    }
    return m->status == MEMBER_LIVES && !terms_equal(&m->state.terms, now);
}

void roster_look(struct merger_thread *t, const struct question *q)
{
    for (int i = 0; i < q->count; i++) {
        struct member *m = &t->roster.members[i];
        if (differs(m, &q->terms[i])) {
            roster_suspect(&t->roster, i);
        } else if (m->status == MEMBER_LIVES) {
            m->state.terms.horizon =
                q->terms[i].horizon; /* later, so that it holds for more rows */
        }
    }
}

/* Is this a captured table under another name? */
static void look_for_renamed(struct merger_thread *t, struct relation *relation)
{
    for (int i = 0; i < t->roster.count; i++) {
        if (t->roster.members[i].life.oid == relation->oid) {
            relation->renamed_of = i;
        }
    }
}

void roster_bound(struct merger_thread *t, struct relation *relation)
{
    if (relation->stream == STREAM_NONE) {
        look_for_renamed(t, relation);
    } else if (relation->stream >= 0) {
        relation->partial_old = t->roster.members[relation->stream].table->kind == 'p' &&
                                !relation->partition && relation->identity == 'f';
    }
}

void roster_lose_because(struct merger_thread *t, int stream, const char *because)
{
    roster_lose(t, stream);
    t->roster.members[stream].because = because;
    roster_suspect(&t->roster, stream);
}

/* Its new file is noted at once: one that replaces that later is another change. */
static void truncated(void *context, int stream, const struct relation *relation, uint32_t xid)
{
    struct merger_thread *t = context;
    struct member *m = &t->roster.members[stream];
    const struct catalog_stream *c = &t->config->catalog->streams[stream];
    roster_suspect(&t->roster, stream);
    if (relation->partition) {
        return;
    }
    m->truncated = xid;
    m->emptied_lsn = 0;
    if (!t->config->config->emit_truncates || c->airbyte_look) {
        log_line(t->config->log, LOG_WARN,
                 "table %s was truncated: its rows are gone, but no deletes are written for them",
                 stream_label(c->schema, c->table).s);
    }
}

void roster_note(struct roster *r, struct member *m, uint32_t must_see, bool emptied)
{
    r->unjudged += (must_see || emptied) - (m->must_see || m->emptied);
    m->must_see = must_see;
    m->emptied = emptied;
}

/* A change of a partition that is not known: it was attached since the last look, and may be
 * detached before the next. The terms have it from now on. */
static void stored(void *context, int stream, uint32_t leaf, uint32_t xid)
{
    struct merger_thread *t = context;
    struct member *m = &t->roster.members[stream];
    if (terms_add_leaf(&m->state.terms, leaf)) {
        roster_note(&t->roster, m, xid, m->emptied);
        merge_finish_at(t->merge, "", 0); /* the read does not end before it is examined */
        merge_touch(t->merge, stream);
        roster_suspect(&t->roster, stream);
    }
}

const char roster_renamed[] =
    "had another name for a while, under which its changes are not captured";

static bool goes_on_renamed(struct merger_thread *t, int stream)
{
    struct member *m = &t->roster.members[stream];
    bool goes_on = t->config->config->on_untracked_change == UNTRACKED_WARN;
    if (goes_on && !m->renamed) {
        roster_say(t->config, stream, roster_renamed, ROSTER_GOES_ON);
    }
    m->renamed = true;
    return goes_on;
}

/* It is captured nevertheless only if untracked changes are allowed. */
static bool other(void *context, int stream, const struct relation *relation)
{
    struct merger_thread *t = context;
    bool backfilling;
    roster_suspect(&t->roster, stream);
    if (relation->stream == STREAM_NONE) {
        return goes_on_renamed(t, stream);
    }
    merge_backfilled(t->merge, stream, &backfilling);
    return t->config->config->on_untracked_change == UNTRACKED_WARN && !backfilling;
}

static void lost(void *context, int stream, const struct relation *relation)
{
    static const char *const because[] = {
        [RELATION_FITS] = "is another one than when its capture began, dropped and recreated or "
                          "renamed",
        [RELATION_LACKS_KEY] = "has changes from a time at which its key had other columns",
        [RELATION_OTHER_ORDER] = "has changes from a time at which its key had another type",
        [RELATION_UNSENT_KEY] = "has changes that do not carry its key, because they come from a "
                                "time at which its replica identity was another",
    };
    struct merger_thread *t = context;
    roster_lose_because(
        t, stream, relation->stream == STREAM_NONE ? roster_renamed : because[relation->fault]);
    if (relation->xid) { /* what it did to the table must be seen before that is described */
        struct member *m = &t->roster.members[stream];
        roster_note(&t->roster, m, relation->xid, m->emptied);
    }
}

struct merge_hooks roster_hooks(struct merger_thread *t)
{
    return (struct merge_hooks){t, truncated, stored, other, lost, roster_requested};
}

void roster_completed(struct merger_thread *t, int stream)
{
    struct member *m = &t->roster.members[stream];
    const struct catalog_stream *c = &t->config->catalog->streams[stream];
    if (!m->completed) {
        m->completed = true;
        log_line(t->config->log, LOG_INFO,
                 "table %s has updates of its key that leave out large values: each such row is "
                 "looked up, which ALTER TABLE ... REPLICA IDENTITY FULL would spare",
                 stream_label(c->schema, c->table).s);
    }
}
