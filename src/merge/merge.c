/* The stream of changes through the merger: which stream each belongs to, and which are printed at
 * once. */
#include "merge/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "internal.h"
#include "row/cursor.h"

static bool init_streams(struct merge *m, struct err *err)
{
    for (int i = 0; i < m->config.stream_count; i++) {
        struct stream *s = &m->streams[i];
        s->life = 1;
        if (!stream_init(s, m->config.streams[i], err)) {
            return false;
        }
        merge_order_of(s)->begin(m, s);
        m->backfilling += stream_backfills(s);
    }
    m->as_of_pending = true;
    return true;
}

struct merge *merge_new(const struct merge_config *config, struct err *err)
{
    struct merge *m = mem_zero(sizeof *m);
    m->config = *config;
    m->cursor = m->last_commit = m->position = config->cursor;
    m->last_change = config->start ? config->start->carry : 0;
    m->changed = true;
    m->config.room = config->room > config->stream_count ? config->room : config->stream_count;
    m->streams = mem_zero((size_t)m->config.room * sizeof *m->streams);
    arena_init(&m->asking.arena, 4096);
    for (size_t i = 0; config->start && i < config->start->in_doubt_count; i++) {
        m->txn.xid = config->start->in_doubt[i];
        merge_note_in_doubt(m);
    }
    if (!init_streams(m, err)) {
        merge_free(&m);
    }
    return m;
}

static void free_batches(struct batch *batch)
{
    while (batch) {
        struct batch *next = batch->next;
        batch_free(&batch);
        batch = next;
    }
}

void merge_free(struct merge **merge)
{
    struct merge *m = *merge;
    *merge = NULL;
    if (!m) {
        return;
    }
    for (int i = 0; i < m->config.stream_count; i++) {
        stream_clear(&m->streams[i], &m->done);
        free(m->streams[i].ranks);
    }
    free_batches(m->done);
    keybuf_free(&m->old_code);
    keybuf_free(&m->new_code);
    merge_forget_question(m);
    arena_free(&m->asking.arena);
    free(m->streams);
    free((void *)m->waiting);
    free((void *)m->bound);
    free(m->in_doubt);
    free(m);
}

static bool moves(const struct event *e)
{
    return e->kind == EVENT_UPDATE && e->old_tuple &&
           keycode_changed(e->relation, e->old_tuple, e->new_tuple);
}

bool merge_event_keys(struct merge *m, const struct event *e, struct event_keys *keys)
{
    const struct merge_key *key = &m->streams[e->relation->stream].config->key;
    *keys = (struct event_keys){NULL, NULL, false};
    keys->moved = moves(e);
    if (e->kind == EVENT_DELETE || keys->moved) {
        if (!keycode_wal(&m->old_code, key, e->relation, e->old_tuple, NULL)) {
            return false;
        }
        keys->old_key = m->old_code.code;
    }
    if (e->kind != EVENT_DELETE) {
        if (!keycode_wal(&m->new_code, key, e->relation, e->new_tuple, e->old_tuple)) {
            return false;
        }
        keys->new_key = m->new_code.code;
    }
    return true;
}

struct change merge_new_change(const struct merge *m, const struct event *e, enum change_kind kind,
                               const struct keycode *key)
{
    return (struct change){
        .kind = kind,
        .relation = e->relation,
        .key = key,
        .txn = m->txn,
        .lsn = e->lsn,
        .previous_commit = m->last_commit,
    };
}

void merge_pass(struct event *e)
{
    if (moves(e)) {
        e->kind = EVENT_MOVE;
    }
}

void merge_absorb(const struct stream *s, struct event *e)
{
    bool deletes = e->kind == EVENT_DELETE || moves(e);
    bool printed = deletes && s->config->airbyte_look && e->relation->key_count > 0;
    e->kind = printed ? EVENT_DELETE : EVENT_SKIP;
}

void merge_give_up(struct merge *m, struct event *e)
{
    struct relation *relation = e->relation;
    e->kind = EVENT_SKIP;
    merge_lose(m, relation->stream);
    m->config.hooks.lost(m->config.hooks.context, relation->stream, relation);
}

static bool is_of_another(const struct stream *s, const struct relation *relation)
{
    return !relation->partition && relation->oid != s->config->oid;
}

/* A change that is for this life of the stream. */
static bool merge_captured(struct merge *m, struct stream *s, struct batch *batch, struct event *e,
                           struct err *err)
{
    const struct merge_hooks *hooks = &m->config.hooks;
    int stream = e->relation->stream;
    stream_bind(s, e->relation);
    if (e->leaf) {
        hooks->stored(hooks->context, stream, e->leaf, m->txn.xid);
    }
    if (e->kind == EVENT_TRUNCATE) {
        bool whole = !e->relation->partition && s->pending;
        hooks->truncated(hooks->context, stream, e->relation, m->txn.xid);
        return !whole || merge_order_of(s)->truncate(m, s, e, err);
    }
    if (!merge_event_fits(e) ||
        (is_of_another(s, e->relation) && !hooks->other(hooks->context, stream, e->relation))) {
        merge_give_up(m, e);
        return true;
    }
    if (s->pending) {
        return merge_order_of(s)->change(m, s, batch, e, err);
    }
    merge_pass(e);
    return true;
}

/* A change of a stream's table under another name, which is not captured. */
static void merge_renamed(struct merge *m, const struct relation *relation)
{
    const struct merge_hooks *hooks = &m->config.hooks;
    int stream = relation->renamed_of;
    if (!stream_skips(&m->streams[stream], m->txn.final_lsn) &&
        !hooks->other(hooks->context, stream, relation)) {
        merge_lose(m, stream);
        hooks->lost(hooks->context, stream, relation);
    }
}

/* A change from before the stream's life, or while it has none, is not printed, except a delete
 * under the Airbyte look. Without a life it takes the key of the last one, by which the row was
 * printed: the key of the next is not known yet. */
static void skip(const struct merge *m, const struct stream *s, struct event *e)
{
    struct relation *relation = e->relation;
    if (e->kind == EVENT_TRUNCATE) {
        bool printed = m->config.emits_skipped_truncates && !is_of_another(s, relation);
        e->kind = printed ? EVENT_TRUNCATE : EVENT_SKIP;
        return;
    }
    bool lives = s->status == STATUS_LIVES;
    if (lives) {
        stream_bind(s, relation);
    } else {
        stream_bind_last(s, relation);
    }
    if ((s->pending || !lives) && merge_event_fits(e) && !is_of_another(s, relation)) {
        merge_absorb(s, e);
    } else {
        e->kind = EVENT_SKIP;
    }
}

static bool merge_change(struct merge *m, struct batch *batch, struct event *e, struct err *err)
{
    int stream = e->relation->stream;
    if (stream >= 0 && !stream_skips(&m->streams[stream], m->txn.final_lsn)) {
        return merge_captured(m, &m->streams[stream], batch, e, err);
    }
    if (stream == STREAM_WATERMARKS) {
        merge_watermark_row(m, e);
    } else if (stream >= 0) {
        skip(m, &m->streams[stream], e);
        return true;
    } else if (e->relation->renamed_of >= 0) {
        merge_renamed(m, e->relation);
    }
    e->kind = EVENT_SKIP;
    return true;
}

/* The server sends transactions in the order of their commits, from the cursor on. */
static bool goes_back(const struct txn *txn, struct err *err)
{
    return err_set(
        err, ERR_SYSTEM,
        "the server sent transaction %u, which was committed at %s, although the stream had come "
        "further: start the capture again, which goes on from its state",
        txn->xid, lsn_format(txn->final_lsn).s);
}

static bool merge_commit(struct merge *m, struct event *e, int64_t now_us, struct err *err)
{
    CHECK(m->in_transaction);
    if (e->lsn < m->txn.final_lsn) {
        return goes_back(&m->txn, err);
    }
    m->in_transaction = false;
    m->last_commit = m->cursor = m->position = e->lsn;
    m->changed = true;
    merge_between_transactions(m, e, now_us);
    return true;
}

void merge_pass_as_of(struct merge *m, uint64_t lsn)
{
    bool pending = false;
    for (int i = 0; m->as_of_pending && i < m->config.stream_count; i++) {
        struct stream *s = &m->streams[i];
        if (s->as_of && !s->as_of_passed && s->as_of <= lsn) {
            s->as_of_passed = true;
            s->as_of_carry = cursor_carry(m->last_change, s->as_of);
            s->changed |= s->as_of_carry != 0;
        }
        pending |= s->as_of && !s->as_of_passed;
    }
    m->as_of_pending = pending;
}

static bool merge_begins(struct merge *m, const struct txn *txn, struct err *err)
{
    CHECK(!m->in_transaction);
    if (txn->final_lsn < m->cursor) {
        return goes_back(txn, err);
    }
    m->in_transaction = true;
    m->txn = *txn;
    merge_pass_as_of(m, txn->final_lsn);
    cursor_begin(&m->last_change, txn->final_lsn);
    return true;
}

/* A message outside of any transaction is a position to continue from; one inside is not. */
static void merge_message(struct merge *m, const struct event *e)
{
    CHECK(e->transactional == m->in_transaction);
    if (!e->transactional) {
        m->last_commit = m->cursor = m->position = e->lsn;
        m->changed = true;
        merge_pass_as_of(m, m->cursor);
        merge_note_passed(m);
    }
}

static bool merge_event(struct merge *m, struct batch *batch, struct event *e, int64_t now_us,
                        struct err *err)
{
    switch (e->kind) {
    case EVENT_BEGIN: return merge_begins(m, e->txn, err);
    case EVENT_COMMIT: return merge_commit(m, e, now_us, err);
    case EVENT_POSITION: merge_keepalive(m, e, now_us); return true;
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_DELETE: cursor_change(&m->last_change); return merge_change(m, batch, e, err);
    case EVENT_TRUNCATE: return merge_change(m, batch, e, err);
    case EVENT_MESSAGE: merge_message(m, e); return true;
    case EVENT_RELATION: e->kind = EVENT_SKIP; return true;
    case EVENT_MOVE:
    case EVENT_END:
    case EVENT_SKIP: return true;
    }
    return true;
}

bool merge_events(struct merge *m, struct batch *batch, int64_t now_us, struct err *err)
{
    size_t merged = 0;
    bool ok = true;
    CHECK(batch->kind == BATCH_EVENTS && !m->asking.asked);
    batch->cursor = m->last_change;
    while (ok && !m->finished && merged < batch->event_count) {
        ok = merge_event(m, batch, &batch->events[merged], now_us, err);
        merged += ok;
    }
    for (; merged < batch->event_count; merged++) {
        batch->events[merged].kind = EVENT_SKIP;
    }
    m->asking.batch = NULL;
    merge_leave_shapes(m, batch);
    return ok;
}
