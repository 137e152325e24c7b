/* Questions that the merger asks the service from time to time, besides those that it needs to
 * continue. */
#include "base/clock.h"
#include "merger.h"

enum {
    BATCH_WAIT_US = 100 * 1000,
    HELD_FIRST_US = 3 * 1000 * 1000,
    HELD_CHECKS = 5,                     /* check intervals between two, */
    HELD_MOST_US = 5 * 60 * 1000 * 1000, /* but no more than that */
};

static int64_t soonest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void looks_ask(struct merger_thread *t, enum question_kind kind, bool *asked)
{
    struct question *q = question_new(kind, 0);
    q->count = t->roster.count;
    *asked = true;
    merger_ask(t, &q);
}

/* The slot is looked at more often if its state is shown. */
static int64_t slot_interval_us(const struct merger_thread *t)
{
    int64_t shown_us = t->config->progress->slot_interval_us;
    return shown_us ? shown_us : t->config->config->check_interval_ms * 1000;
}

/* Send no heartbeat before the previous one is back. */
static void begin_heartbeat(struct merger_thread *t, int64_t now_us)
{
    const struct heartbeat_progress *p = &t->config->progress->heartbeat;
    struct looks *l = &t->looks;
    l->heartbeat_us = now_us + t->config->config->heartbeat_seconds * INT64_C(1000000);
    if (shared_load(&p->lsn) == shared_load(&p->back_lsn)) {
        looks_ask(t, ASK_HEARTBEAT, &l->heartbeat_asked);
    }
}

void looks_heartbeat_sent(struct merger_thread *t, bool ok)
{
    t->looks.heartbeat_asked = false;
    t->looks.heartbeat_us = ok ? t->looks.heartbeat_us : INT64_MAX;
}

/* The first time some seconds later, when the server has our first status. */
void looks_begin(struct merger_thread *t, int64_t now_us)
{
    struct looks *l = &t->looks;
    if (!l->held_us) {
        l->held_us = now_us + HELD_FIRST_US;
        l->look_us = now_us + t->config->config->check_interval_ms * 1000;
        l->heartbeat_us = t->config->config->heartbeat_seconds ? now_us : INT64_MAX;
        return;
    }
    if (now_us >= l->heartbeat_us && !l->heartbeat_asked) {
        begin_heartbeat(t, now_us);
    }
    if (now_us >= l->held_us && !l->held_asked) {
        l->held_us = soonest(now_us + HELD_MOST_US,
                             now_us + HELD_CHECKS * t->config->config->check_interval_ms * 1000);
        looks_ask(t, ASK_HELD, &l->held_asked);
    }
    if (now_us >= l->slot_us && !l->slot_asked) {
        l->slot_us = now_us + slot_interval_us(t);
        looks_ask(t, ASK_SLOT, &l->slot_asked);
    }
    if (now_us >= l->look_us && !l->look_asked && !l->look) {
        struct question *q = question_new(ASK_LOOK, 0);
        l->look_us = now_us + t->config->config->check_interval_ms * 1000;
        l->look_asked = true;
        t->final.before_look = t->final.begun && t->final.write_us == INT64_MAX;
        merge_look(t->merge);
        q->keys = roster_keys(&t->roster);
        q->count = t->roster.count;
        q->awaits_watermarks = !t->config->config->read_only_capture &&
                               (merge_backfilling(t->merge) || t->final.begun);
        q->oid_count = merge_known_tables(t->merge, &q->oids);
        merger_ask(t, &q);
    }
}

/* A checkpoint needs a batch. While the consumer reads nothing there is none: try again later, so
 * that the looks continue. */
static int64_t checkpoint_deadline_us(const struct merger_thread *t)
{
    int64_t us = merge_deadline_us(t->merge);
    bool waits = us != INT64_MAX && !pool_free_batches(t->pipeline->pools[POOL_MERGER]);
    return waits ? clock_monotonic_us() + BATCH_WAIT_US : us;
}

int64_t looks_deadline_us(const struct merger_thread *t)
{
    const struct looks *l = &t->looks;
    int64_t us = soonest(checkpoint_deadline_us(t), l->held_asked ? INT64_MAX : l->held_us);
    us = soonest(us, l->slot_asked ? INT64_MAX : l->slot_us);
    us = soonest(us, l->heartbeat_asked ? INT64_MAX : l->heartbeat_us);
    us = soonest(us, l->look_asked || l->look ? INT64_MAX : l->look_us);
    if (t->final.begun) {
        us = soonest(us, t->final.write_us);
    }
    return soonest(us, t->roster.next_us);
}
