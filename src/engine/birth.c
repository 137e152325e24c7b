/* How a life of a stream begins: with its table described and, if rows are read in ctid order, a base
 * snapshot. */
#include <stdlib.h>

#include "base/clock.h"
#include "merger.h"
#include "plan.h"
#include "read_order.h"

enum { POLL_US = 50 * 1000, PARK_MOST_US = 2 * 1000 * 1000 };

/* The state that a new life begins with. */
static void begin_state(struct merger_thread *t, int stream, struct question *q)
{
    struct member *m = &t->roster.members[stream];
    char *id = m->state.id;
    m->state.id = NULL;
    stream_state_clear(&m->state);
    member_set_life(m, roster_keep(&t->roster, &q->table), &t->config->catalog->streams[stream]);
    plan_begin_state(t->config, &m->state, id, stream, m->table, q->bounds, q->bound_count);
    m->emptied_lsn = 0;
    roster_note(&t->roster, m, 0, false);
    m->renamed = false;
    m->returns = 0;
}

static bool begin_life(struct merger_thread *t, int stream, uint64_t not_before, bool fence,
                       struct err *err)
{
    struct member *m = &t->roster.members[stream];
    if (!merge_begin(t->merge, stream, &m->life, not_before, err)) {
        return false;
    }
    m->status = MEMBER_LIVES;
    m->because = NULL;
    m->raised = m->told = false;
    m->failures = 0;
    roster_suspect(&t->roster, stream); /* it may have changed while it was described */
    shared_store(&t->pipeline->lives[stream], merge_life(t->merge, stream));
    roster_queue(t, stream, fence, 0);
    return true;
}

static void ask_base(struct merger_thread *t, int stream)
{
    struct question *q = question_new(ASK_BASE, stream);
    q->about = t->roster.members[stream].table;
    roster_ask(t, &q);
}

bool roster_begin(struct merger_thread *t, struct question *q, struct err *err)
{
    struct member *m = &t->roster.members[q->stream];
    begin_state(t, q->stream, q);
    if (read_order_of(m->table)->has_base && m->state.mode == STREAM_BACKFILL) {
        ask_base(t, q->stream);
        return true;
    }
    return begin_life(t, q->stream, q->lsn, true, err);
}

/* Its base snapshot was taken, or not yet. While it is taken, the stream of changes is held, but
 * not for long. */
bool roster_based(struct merger_thread *t, struct question **q, struct err *err)
{
    struct roster *r = &t->roster;
    struct member *m = &t->roster.members[(*q)->stream];
    int64_t now_us = clock_monotonic_us();
    if ((*q)->busy) {
        bool parked = (*q)->fenced && (!r->parked || now_us - r->park_us < PARK_MOST_US);
        r->park_us = r->parked && parked ? r->park_us : now_us;
        (*q)->fenced = parked;
        r->parked = parked;
        r->birth = *q;
        r->next_us = now_us + POLL_US;
        *q = NULL;
        return true;
    }
    r->parked = false;
    base_clear(&m->base);
    pg_close(&m->holder);
    m->base = *(*q)->base;
    m->holder = (*q)->holder;
    free((*q)->base);
    (*q)->base = NULL;
    (*q)->holder = NULL;
    read_by_ctid_keep_base(m);
    return begin_life(t, (*q)->stream, (*q)->lsn, false, err);
}
