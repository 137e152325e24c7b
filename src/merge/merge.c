/* The stream of changes through the merger: what goes straight out, what is patched in, what is
 * kept. */
#include "merge/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/lsn.h"
#include "base/mem.h"
#include "complete.h"
#include "internal.h"

static bool init_streams(struct merge *m, struct err *err)
{
    for (int i = 0; i < m->config.stream_count; i++) {
        if (!stream_init(&m->streams[i], &m->config.streams[i], err)) {
            return false;
        }
        m->backfilling += m->streams[i].pending > 0;
    }
    return true;
}

struct merge *merge_new(const struct merge_config *config, struct err *err)
{
    struct merge *m = mem_zero(sizeof *m);
    m->config = *config;
    m->cursor = m->last_commit = config->cursor;
    m->changed = true;
    m->streams = mem_zero((size_t)config->stream_count * sizeof *m->streams);
    for (size_t i = 0; config->start && i < config->start->unseen_count; i++) {
        m->txn.xid = config->start->unseen[i];
        merge_note_unseen(m);
    }
    if (!init_streams(m, err)) {
        merge_free(&m);
    }
    return m;
}

void merge_free(struct merge **merge)
{
    struct merge *m = *merge;
    *merge = NULL;
    if (!m) {
        return;
    }
    for (int i = 0; i < m->config.stream_count; i++) {
        stream_free(&m->streams[i]);
    }
    keybuf_free(&m->old_code);
    keybuf_free(&m->new_code);
    free(m->streams);
    free((void *)m->waiting);
    free(m->unseen);
    free(m);
}

static bool fail_unknown(const struct event *e, struct err *err)
{
    err_set(err, ERR_SYSTEM,
            "a change of %s.%s has no key that can be read: if its replica identity was changed, "
            "make it cover the key again, or run ALTER TABLE ... REPLICA IDENTITY FULL, and "
            "begin the table anew",
            e->relation->schema, e->relation->name);
    err_remedy(err, REMEDY_TABLE_ANEW);
    return err_detail(err, "at %s", lsn_format(e->lsn).s);
}

static bool encode(struct keybuf *buf, const struct stream *s, const struct event *e,
                   const uint8_t *tuple, const uint8_t *old, struct err *err)
{
    return keycode_wal(buf, &s->config->key, e->relation, tuple, old) || fail_unknown(e, err);
}

bool merge_event_keys(struct merge *m, const struct event *e, struct event_keys *keys,
                      struct err *err)
{
    struct stream *s = &m->streams[e->relation->stream];
    *keys = (struct event_keys){NULL, NULL, false};
    keys->moved = e->kind == EVENT_UPDATE && e->old_tuple &&
                  keycode_changed(e->relation, e->old_tuple, e->new_tuple);
    if (e->kind == EVENT_DELETE || keys->moved) {
        if (!encode(&m->old_code, s, e, e->old_tuple, NULL, err)) {
            return false;
        }
        keys->old_key = m->old_code.code;
    }
    if (e->kind != EVENT_DELETE) {
        if (!encode(&m->new_code, s, e, e->new_tuple, e->old_tuple, err)) {
            return false;
        }
        keys->new_key = m->new_code.code;
    }
    return true;
}

static bool seen(const struct snapshot *snapshot, const struct merge *m)
{
    return snapshot_sees(snapshot, m->txn.xid);
}

static struct change new_change(const struct merge *m, const struct event *e, enum change_kind kind,
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

/* False if the interval is out, so that the change has to be printed. */
static bool absorb(struct merge *m, struct stream *s, struct interval *interval,
                   const struct change *change, bool *absorbed, struct err *err)
{
    struct range *range = &s->ranges[interval->range];
    *absorbed = true;
    switch (interval->state) {
    case INTERVAL_OUT: *absorbed = false; return true;
    case INTERVAL_WAITING:
        if (seen(&interval->waiting->overlay.chunk->snapshot, m)) {
            return true;
        }
        merge_note_unseen(m);
        return overlay_apply(&interval->waiting->overlay, change, err);
    case INTERVAL_AHEAD:
        if (!range->has_floor || !seen(&range->floor, m)) {
            merge_note_unseen(m);
            ahead_add(&range->ahead, change);
        }
        return true;
    }
    return true;
}

/* A moved row that leaves a chunk takes its TOAST values along. */
static const uint8_t *complete_moved(struct merge *m, struct batch *batch, struct interval *from,
                                     const struct event *e, const struct keycode *old_key,
                                     struct err *err)
{
    if (from->state != INTERVAL_WAITING || !tuple_lacks_values(e->new_tuple) ||
        seen(&from->waiting->overlay.chunk->snapshot, m)) {
        return e->new_tuple;
    }
    if (!overlay_ready(&from->waiting->overlay, err)) {
        return NULL;
    }
    return overlay_complete(&from->waiting->overlay, old_key, e->relation, e->new_tuple,
                            &batch->arena);
}

/* What remains to be printed of a row that moved, when its old or its new place is out. */
static enum event_kind moved_kind(bool old_absorbed, bool new_absorbed)
{
    if (old_absorbed) {
        return new_absorbed ? EVENT_SKIP : EVENT_INSERT;
    }
    return new_absorbed ? EVENT_DELETE : EVENT_MOVE;
}

static bool route_move(struct merge *m, struct stream *s, struct batch *batch, struct event *e,
                       const struct event_keys *keys, struct err *err)
{
    bool old_absorbed, new_absorbed;
    struct interval *from = stream_locate(s, keys->old_key);
    struct interval *to = stream_locate(s, keys->new_key);
    struct change insert = new_change(m, e, CHANGE_UPSERT, keys->new_key);
    struct change delete = new_change(m, e, CHANGE_DELETE, keys->old_key);
    e->new_tuple = complete_moved(m, batch, from, e, keys->old_key, err);
    insert.from = keys->old_key;
    insert.tuple = e->new_tuple;
    if (!insert.tuple || !absorb(m, s, to, &insert, &new_absorbed, err) ||
        !absorb(m, s, from, &delete, &old_absorbed, err)) {
        return false;
    }
    e->kind = moved_kind(old_absorbed, new_absorbed);
    return true;
}

static bool route_one(struct merge *m, struct stream *s, struct event *e,
                      const struct event_keys *keys, struct err *err)
{
    bool absorbed;
    const struct keycode *key = keys->new_key ? keys->new_key : keys->old_key;
    struct change change = new_change(m, e, keys->new_key ? CHANGE_UPSERT : CHANGE_DELETE, key);
    change.tuple = e->new_tuple;
    if (!absorb(m, s, stream_locate(s, key), &change, &absorbed, err)) {
        return false;
    }
    e->kind = absorbed ? EVENT_SKIP : e->kind;
    return true;
}

/* Whether what is sent of the old row holds its key: the identity may have changed. */
static bool tells_key(const struct event *e)
{
    const struct relation *relation = e->relation;
    for (int k = 0; e->old_tuple && e->old_kind == OLD_KEY && k < relation->key_count; k++) {
        if (!relation->columns[relation->key[k]].identity) {
            return false;
        }
    }
    return true;
}

/* A change that is printed, whatever became of the row before. */
static bool pass(const struct stream *s, struct event *e, struct err *err)
{
    if (!tells_key(e)) {
        return s->config->key.by_place || fail_unknown(e, err);
    }
    if (e->kind == EVENT_UPDATE && e->old_tuple &&
        keycode_changed(e->relation, e->old_tuple, e->new_tuple)) {
        e->kind = EVENT_MOVE;
    }
    return true;
}

/* In every interval that may hold what it is of. */
static bool absorb_everywhere(struct merge *m, struct stream *s, const struct change *change,
                              struct err *err)
{
    bool absorbed;
    for (size_t i = 0; i < s->interval_count; i++) {
        if (!absorb(m, s, &s->intervals[i], change, &absorbed, err)) {
            return false;
        }
    }
    return true;
}

/* A row that a chunk read before this change must not come behind it as it was. */
static bool renew(struct merge *m, struct stream *s, const struct event *e, struct err *err)
{
    struct event_keys keys;
    if (!s->config->key.unique || !e->relation->key_count || !tells_key(e)) {
        return true;
    }
    if (!merge_event_keys(m, e, &keys, err)) {
        return false;
    }
    struct change change = new_change(m, e, CHANGE_UPSERT, keys.new_key);
    change.tuple = e->new_tuple;
    if (keys.old_key) {
        change = new_change(m, e, CHANGE_DELETE, keys.old_key);
    }
    return absorb_everywhere(m, s, &change, err);
}

/*
 * One snapshot decides: what it saw is the backfill's, all else is a change, and goes out at once.
 * So a row that is changed before it is out comes by its change first.
 */
static bool route_by_place(struct merge *m, struct stream *s, struct event *e, struct err *err)
{
    if (seen(&s->owed, m)) {
        e->kind = EVENT_SKIP;
        return true;
    }
    return (e->kind == EVENT_INSERT || renew(m, s, e, err)) && pass(s, e, err);
}

/* A change to a table in backfill. */
static bool route(struct merge *m, struct stream *s, struct batch *batch, struct event *e,
                  struct err *err)
{
    struct event_keys keys;
    if (s->config->key.by_place) {
        return route_by_place(m, s, e, err);
    }
    if (!merge_event_keys(m, e, &keys, err)) {
        return false;
    }
    if (e->kind == EVENT_UPDATE && e->old_tuple && tuple_lacks_values(e->new_tuple)) {
        e->new_tuple = tuple_complete_from_old(&batch->arena, e->relation, e->new_tuple,
                                               e->old_tuple, e->old_kind);
    }
    return keys.moved ? route_move(m, s, batch, e, &keys, err) : route_one(m, s, e, &keys, err);
}

static bool route_truncate(struct merge *m, struct stream *s, struct event *e, struct err *err)
{
    struct change change = new_change(m, e, CHANGE_TRUNCATE, NULL);
    if (!absorb_everywhere(m, s, &change, err)) {
        return false;
    }
    m->config.hooks.truncated(m->config.hooks.context, e->relation->stream);
    return true;
}

static bool merge_change(struct merge *m, struct batch *batch, struct event *e, struct err *err)
{
    int stream = e->relation->stream;
    if (stream < 0) {
        if (stream == STREAM_WATERMARKS) {
            merge_watermark_row(m, e);
        }
        e->kind = EVENT_SKIP;
        return true;
    }
    struct stream *s = &m->streams[stream];
    if (stream_is_ahead(s, m->txn.final_lsn)) {
        e->kind = EVENT_SKIP;
        return true;
    }
    if (e->kind == EVENT_TRUNCATE) {
        return route_truncate(m, s, e, err);
    }
    return s->pending ? route(m, s, batch, e, err) : pass(s, e, err);
}

static void merge_commit(struct merge *m, struct event *e, int64_t now_us)
{
    m->in_transaction = false;
    m->last_commit = m->cursor = e->lsn;
    m->changed = true;
    merge_release(m, e);
    m->finished = m->finish_came_by;
    if (m->finished || now_us - m->last_checkpoint_us >= m->config.checkpoint_interval_us) {
        e->checkpoint = merge_due_checkpoint(m, now_us);
    }
}

static bool merge_event(struct merge *m, struct batch *batch, struct event *e, int64_t now_us,
                        struct err *err)
{
    switch (e->kind) {
    case EVENT_BEGIN:
        m->in_transaction = true;
        m->txn = *e->txn;
        return true;
    case EVENT_COMMIT: merge_commit(m, e, now_us); return true;
    case EVENT_POSITION: merge_position(m, e, now_us); return true;
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_DELETE:
    case EVENT_TRUNCATE: return merge_change(m, batch, e, err);
    case EVENT_RELATION: e->kind = EVENT_SKIP; return true;
    case EVENT_MOVE:
    case EVENT_END:
    case EVENT_SKIP: return true;
    }
    return true;
}

static bool bind_new(struct merge *m, struct batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->event_count; i++) {
        struct event *e = &batch->events[i];
        if (e->kind == EVENT_RELATION && !merge_bind(m, e->relation, err)) {
            return false;
        }
    }
    return true;
}

bool merge_events(struct merge *m, struct batch *batch, int64_t now_us, struct err *err)
{
    size_t merged = 0;
    bool ok = bind_new(m, batch, err) && (!m->backfilling || merge_rank(m, batch, err));
    while (ok && !m->finished && merged < batch->event_count) {
        ok = merge_event(m, batch, &batch->events[merged], now_us, err);
        merged += ok;
    }
    for (; merged < batch->event_count; merged++) {
        batch->events[merged].kind = EVENT_SKIP;
    }
    return ok;
}
