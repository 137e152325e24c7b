/* Rows as they are stored, in one range: those that one snapshot sees, which is decided before the
 * changes begin. See base.c. */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "read_order.h"

static int one_range(const struct config *config, const struct table_description *d)
{
    (void)config, (void)d;
    return 1;
}

static char **no_key(const struct table_description *d)
{
    (void)d;
    return NULL;
}

static bool has_no_key(char *const *key_columns, const struct table_description *d)
{
    (void)d;
    return !key_columns;
}

/* Whether it is to be read from one place on to its end. */
static bool has_one_place(const struct stream_state *state)
{
    return state->range_count == 1 && !state->ranges[0].until;
}

/* A run goes on by transaction ids alone, and only where they tell all. */
static void judge(uint64_t xmax, const struct stream_state *old, struct terms_verdict *verdict)
{
    struct snapshot base;
    bool sound = has_one_place(old) && old->snapshot && old->terms.known &&
                 snapshot_parse(&base, old->snapshot);
    if (sound) {
        sound = base.xmax <= UINT32_MAX && xmax <= UINT32_MAX;
        snapshot_free(&base);
    }
    if (!sound) {
        verdict->change = TERMS_OTHER;
        snprintf(verdict->why, sizeof verdict->why,
                 "is read in the order in which its rows are stored, and nothing tells a new run "
                 "which of them the interrupted backfill was to read");
    }
}

/* The server need order no keys. */
static void set_life(struct member *m)
{
    m->life.ctid_order = true;
    m->life.base = &m->base.snapshot;
    m->life.key.server = false;
}

const struct read_order read_by_ctid = {
    .use = TERMS_BY_CTID,
    .has_base = true,
    .ranges = one_range,
    .key = no_key,
    .same_key = has_no_key,
    .judge = judge,
    .set_life = set_life,
};

void read_by_ctid_keep_base(struct member *m)
{
    free(m->state.snapshot);
    m->state.snapshot =
        m->base.resumable && !m->table->unique ? snapshot_text(&m->base.snapshot) : NULL;
}

static bool reads_by_ctid(const struct member *m)
{
    return m->state.mode == STREAM_BACKFILL && read_order_of(m->table) == &read_by_ctid;
}

static bool fence_ctid(struct engine *e, const struct member *m, struct err *err)
{
    return !e->fence || m->state.backfilled ||
           backfill_fence(e->service.pg, m->table->relation, e->config.run, &e->service.wait, err);
}

bool read_by_ctid_take_bases(struct engine *e, struct err *err)
{
    bool begins = false;
    for (int i = 0; i < e->roster.count; i++) {
        struct member *m = &e->roster.members[i];
        if (reads_by_ctid(m) && m->state.snapshot) {
            snapshot_parse(&m->base.snapshot, m->state.snapshot); /* it was judged before */
        } else if (reads_by_ctid(m)) {
            begins = true;
            if (!fence_ctid(e, m, err)) {
                return false;
            }
        }
    }
    if (begins && !base_take(&e->config, &e->base, &e->holder, err)) {
        return false;
    }
    for (int i = 0; begins && i < e->roster.count; i++) {
        struct member *m = &e->roster.members[i];
        if (reads_by_ctid(m) && !m->state.snapshot) {
            base_copy(&m->base, &e->base);
            read_by_ctid_keep_base(m);
        }
    }
    return true;
}
