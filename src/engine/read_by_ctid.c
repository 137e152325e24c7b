/* Rows in ctid order, in one range: those that one snapshot sees, which is taken before the changes
 * begin. See base.c. */
#include <stdio.h>
#include <stdlib.h>

#include "merger.h"
#include "read_order.h"

static int one_range(const struct config *config, const struct table_description *d, bool far)
{
    (void)config, (void)d, (void)far;
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

/* Whether one range is left, which goes to the end. */
static bool has_one_range(const struct stream_state *state)
{
    return state->range_count == 1 && !state->ranges[0].until;
}

/* Another run has only transaction ids to know the rows by: it continues if they suffice. */
static void judge(uint64_t xmax, const struct stream_state *old, struct terms_verdict *verdict)
{
    struct snapshot base;
    bool sound = has_one_range(old) && old->snapshot && old->terms.known &&
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

/* Keys are not compared for order, so the server is never asked to. */
static void set_life(struct member *m)
{
    m->life.ctid_order = true;
    m->life.base = &m->base.snapshot;
    m->life.key.server = false;
}

const struct read_order read_by_ctid = {
    .use = TERMS_BY_CTID,
    .has_base = true,
    .of_server = true,
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

bool read_by_ctid_without_base(struct merger_thread *t, struct member *m)
{
    const struct relation *relation = m->table->relation;
    bool by_ids = m->base.exported && m->state.snapshot;
    free(m->base.exported);
    m->base.exported = NULL;
    pg_close(&m->holder);
    if (by_ids) {
        log_line(t->config->log, LOG_INFO,
                 "the connection that held the snapshot of table %s was lost: transaction ids "
                 "tell from now on which rows it saw",
                 stream_label(relation->schema, relation->name).s);
    }
    return by_ids;
}

static bool reads_by_ctid(const struct member *m)
{
    return m->state.mode == STREAM_BACKFILL && read_order_of(m->table) == &read_by_ctid;
}

static bool fence_ctid(struct merger_thread *t, const struct member *m, struct err *err)
{
    return !t->start->fence || m->state.backfilled ||
           backfill_fence(t->service->pg, m->table->relation, t->config->run, &t->service->wait,
                          err);
}

static bool take_base(struct merger_thread *t, struct err *err)
{
    bool busy = true, ok = true;
    while (ok && busy && !run_stopping(t->config->run)) {
        ok = base_take(t->config, &t->roster.base, &t->roster.holder, &busy, err);
        if (busy) {
            log_wait(&t->service->wait, LOG_INFO,
                     "waiting for a moment in which the standby has replayed all that it has "
                     "received: tables without a key are read in a snapshot of such a moment, "
                     "which there may never be with recovery_min_apply_delay, or where WAL comes "
                     "from an archive alone");
        }
    }
    log_waited(&t->service->wait);
    return ok && (!busy || err_set(err, ERR_STOPPED, "stopped"));
}

bool read_by_ctid_take_bases(struct merger_thread *t, struct err *err)
{
    bool begins = false;
    for (int i = 0; i < t->roster.count; i++) {
        struct member *m = &t->roster.members[i];
        if (reads_by_ctid(m) && m->state.snapshot) {
            snapshot_parse(&m->base.snapshot, m->state.snapshot); /* it was parsed before, by
                                                                     judge() */
        } else if (reads_by_ctid(m)) {
            begins = true;
            if (!fence_ctid(t, m, err)) {
                return false;
            }
        }
    }
    if (begins && !take_base(t, err)) {
        return false;
    }
    for (int i = 0; begins && i < t->roster.count; i++) {
        struct member *m = &t->roster.members[i];
        if (reads_by_ctid(m) && !m->state.snapshot) {
            base_copy(&m->base, &t->roster.base);
            read_by_ctid_keep_base(m);
        }
    }
    return true;
}
