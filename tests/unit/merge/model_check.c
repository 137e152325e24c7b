/* The consumer: applies what the merger lets out, and compares. */
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* A value that came from a chunk's binary form has a # before it. */
static int number_of(const char *text)
{
    return model_number(*text == '#' ? text + 1 : text);
}

/* The record of a patch names the change that made its row. */
static bool lsn_is_right(const struct model *m, const struct record *r)
{
    for (size_t i = 0; i < m->server.wal_count; i++) {
        const struct wal_event *e = &m->server.wal[i];
        if (e->row.v == number_of(r->v)) {
            return e->lsn == r->lsn;
        }
    }
    return false;
}

static void take_create(struct model *m, const struct record *r)
{
    struct row row = {number_of(r->v), number_of(r->w)};
    bool moved = *r->w == '^' && r->lsn == m->deleted_lsn; /* `d` and `c` of one change */
    if (m->out[r->id].v && !(m->ctid_order && r->op != 'c')) {
        model_fail(m, "key %d is created twice", r->id);
    }
    if (r->op == 'p' && !lsn_is_right(m, r)) {
        model_fail(m, "the create of key %d has the source of another change", r->id);
    }
    row.w = moved ? m->deleted.w : *r->w == '^' ? 0 : row.w;
    m->out[r->id] = row;
}

static void take_update(struct model *m, const struct record *r)
{
    struct row *row = &m->out[r->id];
    if (!row->v && !m->ctid_order) {
        model_fail(m, "key %d is updated before it is created", r->id);
    }
    row->v = number_of(r->v);
    row->w = *r->w == '^' ? row->w : number_of(r->w);
}

static void take_delete(struct model *m, const struct record *r)
{
    if (!m->out[r->id].v && !m->ctid_order) {
        model_fail(m, "key %d is deleted before it is created", r->id);
    }
    m->deleted = m->out[r->id];
    m->deleted_lsn = r->lsn;
    m->out[r->id] = (struct row){0, 0};
}

static void take_record(struct model *m, const struct record *r)
{
    if (r->op != '@') {
        model_say(m->trace, "      says %c%d %s/%s\n", r->op, r->id, r->v, r->w);
    }
    switch (r->op) {
    case 'r':
    case 'p':
    case 'c': take_create(m, r); break;
    case 'u': take_update(m, r); break;
    case 'd': take_delete(m, r); break;
    case 't': memset(m->out, 0, sizeof m->out); break;
    default: break;
    }
}

void check_records(struct model *m)
{
    struct scene *s = &m->scene;
    for (; s->said < s->record_count && !*m->failure; s->said++) {
        take_record(m, &s->records[s->said]);
    }
    s->record_count = s->said = 0;
}

/* Whether the last checkpoint has the key's row behind it. */
static bool is_saved(const struct model *m, int key)
{
    const struct stream_state *state = checkpoint_stream(m->scene.whole, "t");
    for (int i = 0; i < state->range_count; i++) {
        const struct range_state *range = &state->ranges[i];
        if ((!range->scanned || key > model_number(range->scanned->columns[0].text)) &&
            (!range->until || key <= model_number(range->until->columns[0].text))) {
            return false;
        }
    }
    return true;
}

static void check_key(struct model *m, int key)
{
    const struct row *out = &m->out[key], *at = &m->at[key];
    bool is_out = m->place[key] == PLACE_OUT;
    if (is_saved(m, key) != is_out) {
        model_fail(m, "key %d is %sout, and the checkpoint says otherwise", key,
                   is_out ? "" : "not ");
    } else if (!is_out && out->v) {
        model_fail(m, "key %d is told of before its chunk is out", key);
    } else if (is_out && out->v != at->v) {
        model_fail(m, "key %d is v=%d and should be %d", key, out->v, at->v);
    } else if (is_out && out->w != at->w && !m->may_lack[at->w]) {
        model_fail(m, "key %d is w=%d and should be %d", key, out->w, at->w);
    }
}

/* In ctid order a row may come by its change before the chunk of its page is out. */
static void check_in_ctid_order(struct model *m, int key)
{
    const struct row *out = &m->out[key], *at = &m->at[key];
    bool due = m->place[key] == PLACE_OUT ||
               (m->delivered >= m->base_from && at->v != m->base_rows[key].v);
    if ((out->v && out->v != at->v) || (due && out->v != at->v)) {
        model_fail(m, "row %d is v=%d and should be %d", key, out->v, at->v);
    } else if (m->place[key] == PLACE_OUT && out->w != at->w && !m->may_lack[at->w]) {
        model_fail(m, "row %d is w=%d and should be %d", key, out->w, at->w);
    }
}

void check_out(struct model *m)
{
    for (int key = 1; key <= MODEL_KEYS && !*m->failure; key++) {
        if (m->ctid_order) {
            check_in_ctid_order(m, key);
        } else {
            check_key(m, key);
        }
    }
}
