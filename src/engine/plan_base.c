/* In ctid order: which rows a backfill is to read. That is decided before the changes begin, by the
 * state, or for all tables that begin now by one snapshot. See base.c. */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "plan.h"

void plan_judge_base(uint64_t xmax, const struct stream_state *old, struct terms_verdict *verdict)
{
    struct snapshot base;
    bool sound = old->snapshot && old->terms.known && snapshot_parse(&base, old->snapshot);
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

void plan_keep_base(struct member *m)
{
    free(m->state.snapshot);
    m->state.snapshot =
        m->base.resumable && !m->table->unique ? snapshot_text(&m->base.snapshot) : NULL;
}

static bool reads_by_ctid(const struct member *m)
{
    return m->state.mode == STREAM_BACKFILL && m->table->ctid_order;
}

static bool fence_ctid(struct engine *e, const struct member *m, struct err *err)
{
    return !e->fence || m->state.backfilled ||
           backfill_fence(e->service.pg, m->table->relation, e->config.run, &e->service.wait, err);
}

bool plan_take_bases(struct engine *e, struct err *err)
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
            plan_keep_base(m);
        }
    }
    return true;
}
