/* The decision about a table that was examined: its stream continues, begins again, or ends the
 * capture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "merger.h"
#include "plan.h"
#include "read_order.h"

enum { LOCKED_US = 1000 * 1000, POLL_US = 50 * 1000 };
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
        return ROSTER_GOES_ON; /* its rows are not captured */
    }
    switch (c->config->on_untracked_change) {
    case UNTRACKED_BACKFILL: return ROSTER_BEGINS_AGAIN;
    case UNTRACKED_WARN: return ROSTER_GOES_ON;
    case UNTRACKED_FAIL: return ROSTER_FAILS;
    }
    return ROSTER_BEGINS_AGAIN;
}

static struct member *member_of(struct merger_thread *t, const struct question *q)
{
    return &t->roster.members[q->stream];
}

static void suspect_later(struct merger_thread *t, int stream, int64_t us)
{
    roster_suspect(&t->roster, stream);
    t->roster.members[stream].retry_us = clock_monotonic_us() + us;
}

void roster_ask(struct merger_thread *t, struct question **q)
{
    t->roster.asked = true;
    ring_push(t->service->questions, (void **)q);
}

/* A lost stream has no backfill that must be able to continue. */
static enum terms_use use_of(const struct merger_thread *t, int stream)
{
    bool backfilling;
    merge_backfilled(t->merge, stream, &backfilling);
    backfilling = backfilling && t->roster.members[stream].status == MEMBER_LIVES;
    return backfilling ? read_order_of(t->roster.members[stream].table)->use : TERMS_ACTIVE;
}

static void examine(struct merger_thread *t, int stream)
{
    struct member *m = &t->roster.members[stream];
    struct question *q = question_new(ASK_EXAMINE, stream);
    m->suspect = false;
    q->about = m->table;
    q->use = use_of(t, stream);
    q->truncated = m->truncated;
    q->must_see = m->must_see;
    terms_copy(&q->was, &m->state.terms);
    roster_ask(t, &q);
}

/* `again`: for a new life, which may choose another key. */
static void describe(struct merger_thread *t, int stream, bool again)
{
    struct member *m = &t->roster.members[stream];
    struct question *q = question_new(ASK_DESCRIBE, stream);
    q->key = again || !m->table->key_count ? NULL : m->life.key.columns;
    q->again = again;
    roster_ask(t, &q);
}

/* The member's terms are now as examined; unless the stream has changed them meanwhile: then it is
 * examined again. */
static void adopt(struct merger_thread *t, struct member *m, const struct question *q)
{
    const struct terms *now = q->terms;
    if (!terms_equal(&m->state.terms, &q->was)) {
        roster_suspect(&t->roster, q->stream);
        return;
    }
    m->emptied_lsn = 0;
    roster_note(&t->roster, m, 0, false);
    if (terms_equal(&m->state.terms, now)) {
        m->state.terms.horizon = now->horizon; /* no reason for a checkpoint */
        return;
    }
    terms_clear(&m->state.terms);
    terms_copy(&m->state.terms, now);
    m->life.oid = (uint32_t)strtoul(now->text[TERM_TABLE], NULL, 10);
    merge_touch(t->merge, q->stream);
}

/* Queue the ranges that were given back again, with a new description if the terms have changed. */
static void go_on(struct merger_thread *t, struct member *m, const struct question *q)
{
    adopt(t, m, q);
    if (!m->returned) {
        return;
    }
    if (terms_equal(&m->table->terms, q->terms)) {
        roster_requeue(t, q->stream);
    } else {
        describe(t, q->stream, false);
    }
}

/* Why it begins again once it is back, if its terms are as before. */
static const char was_away[] = "is back, and changes may not have been sent meanwhile";

static void leave(struct merger_thread *t, struct member *m, const struct question *q)
{
    const struct catalog_stream *s = &t->config->catalog->streams[q->stream];
    if (m->status != MEMBER_AWAY) {
        log_line(t->config->log, LOG_WARN,
                 "table %s %s: nothing more is captured of it; when it is back, it is "
                 "backfilled again",
                 stream_label(s->schema, s->table).s, q->verdict.why);
        roster_lose(t, q->stream);
        merge_leave(t->merge, q->stream);
        m->status = MEMBER_AWAY;
        m->failures = 0;
        m->told = false;
        m->because = m->because ? m->because : was_away;
    }
}

/*
 * A table that was emptied may have been truncated: then the TRUNCATE arrives in the stream, at the
 * latest when all that the examination saw has. True: wait for that.
 */
static bool may_be_truncated(struct merger_thread *t, struct member *m, const struct question *q)
{
    if (q->verdict.change != TERMS_EMPTIED) {
        return false;
    }
    if (m->truncated != q->truncated) {
        return true; /* it arrived while the table was examined: the next examination judges it */
    }
    m->emptied_lsn = m->emptied_lsn ? m->emptied_lsn : q->lsn;
    return merge_position(t->merge) < m->emptied_lsn;
}

static void begin_again(struct merger_thread *t, const struct question *q)
{
    struct member *m = member_of(t, q);
    bool by_terms = q->verdict.change > TERMS_SHAPE || !m->because;
    if (!m->told) {
        roster_say(t->config, q->stream, by_terms ? q->verdict.why : m->because,
                   ROSTER_BEGINS_AGAIN);
        m->told = true;
    }
    roster_lose(t, q->stream);
    merge_decided(t->merge, q->stream);
    if (t->config->codec.lost_first && !merge_is_lost_in_checkpoint(t->merge, q->stream)) {
        m->awaits_state = true;
        t->roster.some_suspect = true;
        return;
    }
    describe(t, q->stream, true);
}

/* A capture that ends once all rows are read fails here: it must not look as if it had read the
 * table. */
static bool fail_away(struct merger_thread *t, const struct question *q, struct err *err)
{
    const struct catalog_stream *s = &t->config->catalog->streams[q->stream];
    err_set(err, ERR_CONFIG, "table %s %s", stream_label(s->schema, s->table).s, q->verdict.why);
    return err_stream(err, s->schema, s->table);
}

/* A table that had another name for a while counts as untracked, though its terms are as before. */
static void judge_renamed(const struct member *m, struct terms_verdict *verdict)
{
    if (m->because == roster_renamed && verdict->change < TERMS_UNTRACKED) {
        verdict->change = TERMS_UNTRACKED;
        snprintf(verdict->why, sizeof verdict->why, "%s", m->because);
    }
}

/* Decide what becomes of a stream whose table was examined. First whether the table is there at all;
 * then what begins again whatever the user wants of changes that replication does not send: a
 * stream that is lost already, or was asked to. */
static bool examined(struct merger_thread *t, struct question *q, struct err *err)
{
    struct member *m = member_of(t, q);
    judge_renamed(m, &q->verdict);
    if (q->verdict.change == TERMS_AWAY) {
        if (!t->config->catalog->tail || t->config->config->on_untracked_change == UNTRACKED_FAIL) {
            return fail_away(t, q, err);
        }
        leave(t, m, q);
        return true;
    }
    enum roster_action action = roster_action(t->config, q->stream, &q->verdict);
    if (m->status != MEMBER_LIVES && (action != ROSTER_FAILS || m->raised)) {
        begin_again(t, q);
        return true;
    }
    if (may_be_truncated(t, m, q)) {
        suspect_later(t, q->stream, POLL_US);
        return true;
    }
    switch (action) {
    case ROSTER_GOES_ON:
        roster_say_going_on(t->config, q->stream, &q->verdict);
        go_on(t, m, q);
        return true;
    case ROSTER_BEGINS_AGAIN: begin_again(t, q); return true;
    case ROSTER_FAILS: break;
    }
    return roster_fail(&t->config->catalog->streams[q->stream], &q->verdict, err);
}

static bool described(struct merger_thread *t, struct question *q, struct err *err)
{
    struct member *m = member_of(t, q);
    if (m->status != MEMBER_LIVES) {
        return roster_begin(t, q, err);
    }
    /* The index of its key was created or dropped. */
    if (read_order_of(q->table) != read_order_of(m->table)) {
        snprintf(q->verdict.why, sizeof q->verdict.why, "is to be read in another order");
        begin_again(t, q);
        return true;
    }
    m->table = roster_keep(&t->roster, &q->table);
    m->failures = m->returns = 0;
    roster_suspect(&t->roster, q->stream); /* it may have changed since it was judged */
    return true;
}

static bool take(struct merger_thread *t, struct question **q, struct err *err)
{
    switch ((*q)->kind) {
    case ASK_EXAMINE: return examined(t, *q, err);
    case ASK_DESCRIBE: return described(t, *q, err);
    case ASK_BASE: return roster_based(t, q, err);
    default: return true;
    }
}

bool roster_answer(struct merger_thread *t, struct question **q, struct err *err)
{
    struct member *m = member_of(t, *q);
    const struct catalog_stream *s = &t->config->catalog->streams[(*q)->stream];
    t->roster.asked = false;
    if ((*q)->busy && (*q)->kind != ASK_BASE) {
        suspect_later(t, (*q)->stream, LOCKED_US);
        return true;
    }
    if ((*q)->ok || (*q)->busy) {
        return take(t, q, err);
    }
    if ((*q)->kind == ASK_DESCRIBE && m->failures++ < FAILURES_MOST) {
        suspect_later(t, (*q)->stream, POLL_US * m->failures); /* it changed since */
        return true;
    }
    *err = (*q)->err;
    return err_about(err, s->schema, s->table);
}

/* Once a checkpoint says that it is lost, its next life may begin. */
static bool describe_lost(struct merger_thread *t, int stream)
{
    struct member *m = &t->roster.members[stream];
    bool lost = m->awaits_state && merge_is_lost_in_checkpoint(t->merge, stream);
    if (lost) {
        m->awaits_state = false;
        describe(t, stream, true);
    }
    return lost;
}

/* Examine the next table that is suspect. */
static bool examine_next(struct merger_thread *t, int64_t now_us)
{
    struct roster *r = &t->roster;
    r->next_us = INT64_MAX;
    for (int i = 0; i < r->count; i++) {
        struct member *m = &r->members[i];
        if (describe_lost(t, i)) {
            return true;
        }
        if (m->awaits_state) {
            r->next_us = r->next_us < now_us + POLL_US ? r->next_us : now_us + POLL_US;
            continue;
        }
        if (m->suspect && now_us >= m->retry_us) {
            examine(t, i);
            return true;
        }
        if (m->suspect && m->retry_us < r->next_us) {
            r->next_us = m->retry_us;
        }
    }
    return r->next_us < INT64_MAX;
}

void roster_step(struct merger_thread *t)
{
    struct roster *r = &t->roster;
    int64_t now_us = clock_monotonic_us();
    if (r->asked) {
        r->next_us = INT64_MAX;
    } else if (r->birth && now_us >= r->next_us) {
        roster_ask(t, &r->birth);
    } else if (!r->birth) {
        r->next_us = INT64_MAX;
        r->some_suspect = r->some_suspect && examine_next(t, now_us);
        roster_join_next(t, now_us, &r->next_us);
    }
}
