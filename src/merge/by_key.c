/* Changes to a table whose rows are read in the order of its key: see merge/merge.h. */
#include <stdlib.h>

#include "base/mem.h"
#include "complete.h"
#include "internal.h"

/* False if the interval is out, so that the change has to be printed. */
static bool absorb(struct merge *m, struct stream *s, struct interval *interval,
                   const struct change *change, bool *absorbed, struct err *err)
{
    struct range *range = &s->ranges[interval->range];
    *absorbed = true;
    switch (interval->state) {
    case INTERVAL_OUT: *absorbed = false; return true;
    case INTERVAL_WAITING:
        if (sees(&interval->waiting->overlay.chunk->snapshot, m)) {
            return true;
        }
        merge_note_in_doubt(m);
        return overlay_apply(&interval->waiting->overlay, change, err);
    case INTERVAL_UNREAD:
        if (!range->has_floor || !sees(&range->floor, m)) {
            merge_note_in_doubt(m);
            buffered_add(&range->buffered, change);
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
        sees(&from->waiting->overlay.chunk->snapshot, m)) {
        return e->new_tuple;
    }
    if (!overlay_ready(&from->waiting->overlay, err)) {
        return NULL;
    }
    return overlay_complete(&from->waiting->overlay, old_key, e->relation, e->new_tuple,
                            &batch->arena);
}

/* The event to print for a row that moved to another key: only the part about a key that is out. */
static enum event_kind moved_kind(bool old_absorbed, bool new_absorbed)
{
    if (old_absorbed) {
        return new_absorbed ? EVENT_SKIP : EVENT_INSERT;
    }
    return new_absorbed ? EVENT_DELETE : EVENT_MOVE;
}

/* A row that moved to another key. Old key, then new key: that is the order in which their ranks were
 * asked for. The new one is absorbed first, as it may need large values of the row that the delete
 * of the old one removes. */
static bool route_move(struct merge *m, struct stream *s, struct batch *batch, struct event *e,
                       const struct event_keys *keys, struct err *err)
{
    bool old_absorbed, new_absorbed;
    struct interval *from = stream_locate(s, keys->old_key);
    struct interval *to = stream_locate(s, keys->new_key);
    struct change insert = merge_new_change(m, e, CHANGE_UPSERT, keys->new_key);
    struct change delete = merge_new_change(m, e, CHANGE_DELETE, keys->old_key);
    e->new_tuple = complete_moved(m, batch, from, e, keys->old_key, err);
    insert.from = keys->old_key;
    insert.tuple = e->new_tuple;
    if (!insert.tuple || !absorb(m, s, to, &insert, &new_absorbed, err) ||
        !absorb(m, s, from, &delete, &old_absorbed, err)) {
        return false;
    }
    e->kind = moved_kind(old_absorbed && !s->config->airbyte_look, new_absorbed);
    return true;
}

static bool route_one(struct merge *m, struct stream *s, struct event *e,
                      const struct event_keys *keys, struct err *err)
{
    bool absorbed;
    const struct keycode *key = keys->new_key ? keys->new_key : keys->old_key;
    struct change change =
        merge_new_change(m, e, keys->new_key ? CHANGE_UPSERT : CHANGE_DELETE, key);
    change.tuple = e->new_tuple;
    if (!absorb(m, s, stream_locate(s, key), &change, &absorbed, err)) {
        return false;
    }
    if (absorbed) {
        merge_absorb(s, e);
    }
    return true;
}

static bool take_change(struct merge *m, struct stream *s, struct batch *batch, struct event *e,
                        struct err *err)
{
    struct event_keys keys;
    if (!merge_event_keys(m, e, &keys)) {
        merge_give_up(m, e);
        return true;
    }
    if (e->kind == EVENT_UPDATE && e->old_tuple && tuple_lacks_values(e->new_tuple)) {
        e->new_tuple = tuple_complete_from_old(&batch->arena, e->relation, e->new_tuple,
                                               e->old_tuple, e->old_kind);
    }
    return keys.moved ? route_move(m, s, batch, e, &keys, err) : route_one(m, s, e, &keys, err);
}

static bool truncate_all(struct merge *m, struct stream *s, struct event *e, struct err *err)
{
    bool absorbed;
    struct change change = merge_new_change(m, e, CHANGE_TRUNCATE, NULL);
    for (size_t i = 0; i < s->interval_count; i++) {
        if (!absorb(m, s, &s->intervals[i], &change, &absorbed, err)) {
            return false;
        }
    }
    return true;
}

/* Which of the buffered changes are past the end of the chunk. Where only the server can compare,
 * it was asked (merge_ask_end). */
static void find_beyond(struct stream *s, const struct buffered *buffered,
                        const struct keycode *end, bool *beyond)
{
    for (size_t i = 0; i < buffered->count; i++) {
        const struct keycode *key = buffered->changes[i].key;
        beyond[i] = key && (s->config->key.server ? s->ranks[s->rank_next++] > 0
                                                  : keycode_compare(key, end) > 0);
    }
}

/* A change that stays buffered, of a row that moved here out of the chunk, takes its TOAST values
 * along. */
static bool complete_kept(struct overlay *overlay, struct buffered *buffered, struct change *change,
                          struct err *err)
{
    if (!change->from) {
        return true;
    }
    if (!overlay_ready(overlay, err)) {
        return false;
    }
    change->tuple =
        overlay_complete(overlay, change->from, change->relation, change->tuple, &buffered->arena);
    return true;
}

/* Buffered changes to keys of this chunk are patched into it, the others stay buffered. A truncate
 * is of both. */
static bool chunk(struct merge *m, int stream, struct range *range, struct waiting *waiting,
                  struct err *err)
{
    struct buffered *buffered = &range->buffered;
    struct overlay *overlay = &waiting->overlay;
    struct stream *s = &m->streams[stream];
    const struct keycode *end = stream_upper_of(s, waiting);
    bool *beyond = mem_zero((buffered->count + 1) * sizeof *beyond), ok = true;
    size_t kept = 0;
    if (end && (!s->config->key.server || s->ranked)) { /* else it is the range's last chunk */
        find_beyond(s, buffered, end, beyond);
    }
    for (size_t i = 0; ok && i < buffered->count; i++) {
        struct change *change = &buffered->changes[i];
        ok = beyond[i] ? complete_kept(overlay, buffered, change, err)
                       : overlay_apply(overlay, change, err);
        beyond[i] |= change->kind == CHANGE_TRUNCATE && end;
        kept += beyond[i];
    }
    if (ok && kept < buffered->count) {
        buffered_keep(buffered, beyond);
    }
    free(beyond);
    return ok;
}

/* Rows of chunks get the position of the event that releases the chunk. */
static void begin(const struct merge *m, struct stream *s)
{
    (void)m;
    s->as_of = 0;
}

static bool set_upper(const struct stream *s, struct interval *interval, const struct key *upper,
                      struct err *err)
{
    interval->upper = keycode_of(&s->config->key, upper);
    return interval->upper ||
           err_set(err, ERR_CONFIG,
                   "the state of stream %s holds a key that is not of the table's key type: start "
                   "the stream without a state",
                   s->config->state->id);
}

const struct merge_order by_key = {
    .begin = begin,
    .set_upper = set_upper,
    .change = take_change,
    .truncate = truncate_all,
    .chunk = chunk,
};
