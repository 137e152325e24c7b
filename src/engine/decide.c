/* What becomes of a table that was examined: it goes on, begins again, is away, or ends the capture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"
#include "read_order.h"

enum { LOCKED_US = 1000 * 1000, POLL_US = 50 * 1000, PARK_MOST_US = 2 * 1000 * 1000 };
enum { FAILURES_MOST = 12 }; /* some four seconds of them */

enum roster_action roster_action(const struct engine_config *c, int stream,
                                 const struct terms_verdict *verdict)
{
    switch (verdict->change) {
    case TERMS_SAME:
    case TERMS_SHAPE: return ROSTER_GOES_ON;
    case TERMS_OTHER:
    case TERMS_AWAY: return ROSTER_BEGINS_AGAIN;
    case TERMS_EMPTIED:
    case TERMS_UNTRACKED: break;
    }
    if (c->config->on_untracked_change == UNTRACKED_BACKFILL &&
        plan_skips_rows(c->config, &c->catalog->streams[stream])) {
        return ROSTER_GOES_ON; /* nobody wants its rows */
    }
    switch (c->config->on_untracked_change) {
    case UNTRACKED_BACKFILL: return ROSTER_BEGINS_AGAIN;
    case UNTRACKED_WARN: return ROSTER_GOES_ON;
    case UNTRACKED_FAIL: return ROSTER_FAILS;
    }
    return ROSTER_BEGINS_AGAIN;
}

static struct member *member_of(struct engine *e, const struct question *q)
{
    return &e->roster.members[q->stream];
}

static void suspect_later(struct engine *e, int stream, int64_t us)
{
    roster_suspect(&e->roster, stream);
    e->roster.members[stream].retry_us = clock_monotonic_us() + us;
}

void roster_ask(struct engine *e, struct question **q)
{
    e->roster.asked = true;
    ring_push(e->service.questions, (void **)q);
}

/* Of a stream that is lost nothing is read on. */
static enum terms_use use_of(const struct engine *e, int stream)
{
    bool backfilling;
    merge_backfilled(e->merge, stream, &backfilling);
    backfilling = backfilling && e->roster.members[stream].standing == MEMBER_LIVES;
    return backfilling ? read_order_of(e->roster.members[stream].table)->use : TERMS_ACTIVE;
}

static void examine(struct engine *e, int stream)
{
    struct member *m = &e->roster.members[stream];
    struct question *q = question_new(ASK_EXAMINE, stream);
    m->suspect = false;
    q->about = m->table;
    q->use = use_of(e, stream);
    q->truncated = m->truncated;
    q->told_xid = m->told_xid;
    terms_copy(&q->was, &m->state.terms);
    roster_ask(e, &q);
}

/* `again`: for a new life, in which the key is chosen, too. */
static void describe(struct engine *e, int stream, bool again, uint64_t lsn)
{
    struct member *m = &e->roster.members[stream];
    struct question *q = question_new(ASK_DESCRIBE, stream);
    q->lsn = lsn;
    q->key = again || !m->table->key_count ? NULL : m->life.key.columns;
    q->again = again;
    roster_ask(e, &q);
}

/* What the stream told meanwhile is to be judged yet. */
static void adopt(struct engine *e, struct member *m, const struct question *q)
{
    const struct terms *now = q->terms;
    if (!terms_equal(&m->state.terms, &q->was)) {
        roster_suspect(&e->roster, q->stream);
        return;
    }
    m->emptied_lsn = 0;
    roster_set_told(&e->roster, m, 0);
    if (terms_equal(&m->state.terms, now)) {
        m->state.terms.horizon = now->horizon; /* no reason for another state */
        return;
    }
    terms_clear(&m->state.terms);
    terms_copy(&m->state.terms, now);
    m->life.oid = (uint32_t)strtoul(now->text[TERM_TABLE], NULL, 10);
    merge_touch(e->merge, q->stream);
}

/* Ranges that were given back go on; for what is described otherwise by now it is asked first. */
static void go_on(struct engine *e, struct member *m, const struct question *q)
{
    adopt(e, m, q);
    if (!m->returned) {
        return;
    }
    if (terms_equal(&m->table->terms, q->terms)) {
        roster_requeue(e, q->stream);
    } else {
        describe(e, q->stream, false, q->lsn);
    }
}

/* What its terms do not tell once it is back, if they are as before. */
static const char was_away[] = "is back, and changes may not have been sent meanwhile";

static void leave(struct engine *e, struct member *m, const struct question *q)
{
    const struct catalog_stream *s = &e->config.catalog->streams[q->stream];
    if (m->standing != MEMBER_AWAY) {
        log_line(e->config.log, LOG_WARN,
                 "table %s.%s %s: nothing more is captured of it; when it is back, it is "
                 "backfilled again",
                 s->schema, s->table, q->verdict.why);
        roster_lose(e, q->stream);
        merge_leave(e->merge, q->stream);
        m->standing = MEMBER_AWAY;
        m->because = m->because ? m->because : was_away;
    }
}

/*
 * A table that was emptied may have been truncated, which the stream tells sooner or later: by the
 * time that it has passed what was seen. True: it is still to be waited for.
 */
static bool may_be_told(struct engine *e, struct member *m, const struct question *q)
{
    if (q->verdict.change != TERMS_EMPTIED) {
        return false;
    }
    m->emptied_lsn = m->emptied_lsn ? m->emptied_lsn : q->lsn;
    if (m->truncated != q->truncated) {
        return true; /* it was told while the table was examined */
    }
    return merge_position(e->merge) < m->emptied_lsn;
}

static void begin_again(struct engine *e, const struct question *q)
{
    struct member *m = member_of(e, q);
    bool told = q->verdict.change > TERMS_SHAPE || !m->because;
    if (!m->failures) {
        roster_say(&e->config, q->stream, told ? q->verdict.why : m->because, ROSTER_BEGINS_AGAIN);
    }
    roster_lose(e, q->stream);
    merge_decided(e->merge, q->stream);
    if (e->config.codec.lost_first && !merge_is_told_lost(e->merge, q->stream)) {
        m->awaits_state = true;
        m->awaited_lsn = q->lsn;
        e->roster.some_suspect = true;
        return;
    }
    describe(e, q->stream, true, q->lsn);
}

/* A read that ends must not end as if it had read the table. */
static bool fail_away(struct engine *e, const struct question *q, struct err *err)
{
    const struct catalog_stream *s = &e->config.catalog->streams[q->stream];
    err_set(err, ERR_CONFIG, "table %s.%s %s", s->schema, s->table, q->verdict.why);
    return err_stream(err, s->schema, s->table);
}

/* What its terms do not tell once it has its name again. */
static void judge_renamed(const struct member *m, struct terms_verdict *verdict)
{
    if (m->because == roster_renamed && verdict->change < TERMS_UNTRACKED) {
        verdict->change = TERMS_UNTRACKED;
        snprintf(verdict->why, sizeof verdict->why, "%s", m->because);
    }
}

static bool examined(struct engine *e, struct question *q, struct err *err)
{
    struct member *m = member_of(e, q);
    judge_renamed(m, &q->verdict);
    if (q->verdict.change == TERMS_AWAY) {
        if (!e->config.catalog->tail || e->config.config->on_untracked_change == UNTRACKED_FAIL) {
            return fail_away(e, q, err);
        }
        leave(e, m, q);
        return true;
    }
    enum roster_action action = roster_action(&e->config, q->stream, &q->verdict);
    if (m->standing != MEMBER_LIVES && (action != ROSTER_FAILS || m->raised)) {
        begin_again(e, q);
        return true;
    }
    if (may_be_told(e, m, q)) {
        suspect_later(e, q->stream, POLL_US);
        return true;
    }
    switch (action) {
    case ROSTER_GOES_ON:
        roster_say_going_on(&e->config, q->stream, &q->verdict);
        go_on(e, m, q);
        return true;
    case ROSTER_BEGINS_AGAIN: begin_again(e, q); return true;
    case ROSTER_FAILS: break;
    }
    return roster_fail(&e->config.catalog->streams[q->stream], &q->verdict, err);
}

/* The state that a new life begins with. */
static void begin_state(struct engine *e, int stream, struct question *q)
{
    struct member *m = &e->roster.members[stream];
    char *id = m->state.id;
    m->state.id = NULL;
    stream_state_clear(&m->state);
    member_set_life(m, roster_keep(&e->roster, &q->table), &e->config.catalog->streams[stream]);
    plan_begin_state(&e->config, &m->state, id, stream, m->table, q->bounds, q->bound_count);
    m->emptied_lsn = 0;
    roster_set_told(&e->roster, m, 0);
    m->renamed = false;
    m->returns = 0;
}

static bool begin_life(struct engine *e, int stream, uint64_t not_before, bool fence,
                       struct err *err)
{
    struct member *m = &e->roster.members[stream];
    if (!merge_begin(e->merge, stream, &m->life, not_before, err)) {
        return false;
    }
    m->standing = MEMBER_LIVES;
    m->because = NULL;
    m->raised = false;
    m->failures = 0;
    roster_suspect(&e->roster, stream); /* what changed while it was described shows at once */
    shared_store(&e->lives[stream], merge_life(e->merge, stream));
    roster_queue(e, stream, fence);
    return true;
}

static void ask_base(struct engine *e, int stream)
{
    struct question *q = question_new(ASK_BASE, stream);
    q->about = e->roster.members[stream].table;
    roster_ask(e, &q);
}

bool roster_begin(struct engine *e, struct question *q, struct err *err)
{
    struct member *m = member_of(e, q);
    begin_state(e, q->stream, q);
    if (read_order_of(m->table)->has_base && m->state.mode == STREAM_BACKFILL) {
        ask_base(e, q->stream);
        return true;
    }
    return begin_life(e, q->stream, q->lsn, true, err);
}

static bool described(struct engine *e, struct question *q, struct err *err)
{
    struct member *m = member_of(e, q);
    if (m->standing != MEMBER_LIVES) {
        return roster_begin(e, q, err);
    }
    /* An index of its key came, or went? */
    if (read_order_of(q->table) != read_order_of(m->table)) {
        snprintf(q->verdict.why, sizeof q->verdict.why, "is to be read in another order");
        begin_again(e, q);
        return true;
    }
    m->table = roster_keep(&e->roster, &q->table);
    roster_requeue(e, q->stream);
    return true;
}

/* Its rows are those that one snapshot sees; while it is taken, the stream of changes stands still,
 * but not for long. */
static bool based(struct engine *e, struct question **q, struct err *err)
{
    struct roster *r = &e->roster;
    struct member *m = member_of(e, *q);
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
    return begin_life(e, (*q)->stream, (*q)->lsn, false, err);
}

static bool take(struct engine *e, struct question **q, struct err *err)
{
    switch ((*q)->kind) {
    case ASK_EXAMINE: return examined(e, *q, err);
    case ASK_DESCRIBE: return described(e, *q, err);
    case ASK_BASE: return based(e, q, err);
    default: return true;
    }
}

bool roster_answer(struct engine *e, struct question **q, struct err *err)
{
    struct member *m = member_of(e, *q);
    const struct catalog_stream *s = &e->config.catalog->streams[(*q)->stream];
    e->roster.asked = false;
    if ((*q)->busy && (*q)->kind != ASK_BASE) {
        suspect_later(e, (*q)->stream, LOCKED_US);
        return true;
    }
    if ((*q)->ok || (*q)->busy) {
        return take(e, q, err);
    }
    if ((*q)->kind == ASK_DESCRIBE && m->failures++ < FAILURES_MOST) {
        suspect_later(e, (*q)->stream,
                      POLL_US * m->failures); /* it changed since it was examined? */
        return true;
    }
    *err = (*q)->err;
    return err_about(err, s->schema, s->table);
}

/* A checkpoint has told that it is lost: its next life may begin. */
static bool describe_told(struct engine *e, int stream)
{
    struct member *m = &e->roster.members[stream];
    bool told = m->awaits_state && merge_is_told_lost(e->merge, stream);
    if (told) {
        m->awaits_state = false;
        describe(e, stream, true, m->awaited_lsn);
    }
    return told;
}

/* The next table that is suspect. */
static bool examine_next(struct engine *e, int64_t now_us)
{
    struct roster *r = &e->roster;
    r->next_us = INT64_MAX;
    for (int i = 0; i < r->count; i++) {
        struct member *m = &r->members[i];
        if (describe_told(e, i)) {
            return true;
        }
        if (m->awaits_state) {
            r->next_us = r->next_us < now_us + POLL_US ? r->next_us : now_us + POLL_US;
            continue;
        }
        if (m->suspect && now_us >= m->retry_us) {
            examine(e, i);
            return true;
        }
        if (m->suspect && m->retry_us < r->next_us) {
            r->next_us = m->retry_us;
        }
    }
    return r->next_us < INT64_MAX;
}

void roster_step(struct engine *e)
{
    struct roster *r = &e->roster;
    int64_t now_us = clock_monotonic_us();
    if (r->asked) {
        r->next_us = INT64_MAX;
    } else if (r->birth && now_us >= r->next_us) {
        roster_ask(e, &r->birth);
    } else if (!r->birth) {
        r->next_us = INT64_MAX;
        r->some_suspect = r->some_suspect && examine_next(e, now_us);
        roster_join_next(e, now_us, &r->next_us);
    }
}
