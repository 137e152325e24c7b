/* What the merger has the service look at from time to time, beside what it needs to go on. */
#include "base/clock.h"
#include "internal.h"

enum {
    HELD_FIRST_US = 3 * 1000 * 1000,
    HELD_CHECKS = 5,                     /* so many check intervals lie between two, */
    HELD_MOST_US = 5 * 60 * 1000 * 1000, /* but no more than that */
};

static int64_t soonest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void merger_ask_simply(struct engine *e, enum question_kind kind, bool *asked)
{
    struct question *q = question_new(kind, 0);
    q->count = e->roster.count;
    *asked = true;
    merger_ask(e, &q);
}

/* First when the server has heard how far we are. */
void looks_begin(struct engine *e, int64_t now_us)
{
    struct hands *h = &e->hands;
    if (!h->held_us) {
        h->held_us = now_us + HELD_FIRST_US;
        h->looked_us = now_us + e->config.config->check_interval_ms * 1000;
        return;
    }
    if (now_us >= h->held_us && !h->held_asked) {
        h->held_us = soonest(now_us + HELD_MOST_US,
                             now_us + HELD_CHECKS * e->config.config->check_interval_ms * 1000);
        merger_ask_simply(e, ASK_HELD, &h->held_asked);
    }
    if (now_us >= h->slot_us && !h->slot_asked && e->config.progress->slot_interval_us) {
        h->slot_us = now_us + e->config.progress->slot_interval_us;
        merger_ask_simply(e, ASK_SLOT, &h->slot_asked);
    }
    if (now_us >= h->looked_us && !h->look_asked && !h->look) {
        struct question *q = question_new(ASK_LOOK, 0);
        h->looked_us = now_us + e->config.config->check_interval_ms * 1000;
        h->look_asked = true;
        h->look_final = h->final && h->final_us == INT64_MAX;
        merge_look(e->merge);
        q->keys = roster_keys(&e->roster);
        q->count = e->roster.count;
        q->awaits_watermarks = merge_backfilling(e->merge) || h->final;
        q->oid_count = merge_told(e->merge, &q->oids);
        merger_ask(e, &q);
    }
}

int64_t looks_deadline_us(const struct engine *e)
{
    const struct hands *h = &e->hands;
    int64_t us = soonest(merge_deadline_us(e->merge), soonest(h->held_us, h->looked_us));
    if (e->config.progress->slot_interval_us) {
        us = soonest(us, h->slot_us);
    }
    if (h->final) {
        us = soonest(us, h->final_us);
    }
    return soonest(us, e->roster.next_us);
}
