/*
 * Changes to a table whose rows are read in ctid order: one that has no key, or whose key is not
 * used for that.
 *
 * All chunks are read in one snapshot: the rows that it saw are the backfill's; all else is a
 * change, and is printed at once. So the change of a row may be printed before the row. Where the
 * key is unique, the row as the snapshot saw it must then not be printed any more.
 */
#include "complete.h"
#include "internal.h"

/* The change takes the place of the row, if the chunk holds it. */
static bool replace(struct overlay *overlay, const struct change *change, struct err *err)
{
    return overlay_ready(overlay, err) &&
           (!overlay_holds(overlay, change->key) || overlay_apply(overlay, change, err));
}

static bool replace_waiting(struct stream *s, const struct change *change, struct err *err)
{
    for (size_t i = 0; i < s->interval_count; i++) {
        struct waiting *waiting = s->intervals[i].waiting;
        if (waiting && waiting->overlay.chunk->relation->key_count &&
            !replace(&waiting->overlay, change, err)) {
            return false;
        }
    }
    return true;
}

/* The row as the snapshot saw it must not be printed after this change: not by a chunk that waits,
 * and not by one to come. */
static bool outdate(struct merge *m, struct stream *s, const struct event *e, struct err *err)
{
    struct event_keys keys;
    if (!s->config->key.unique || !e->relation->key_count || !merge_event_keys(m, e, &keys)) {
        return true;
    }
    struct change change = merge_new_change(m, e, CHANGE_UPSERT, keys.new_key);
    change.tuple = e->new_tuple;
    if (keys.old_key) {
        change = merge_new_change(m, e, CHANGE_DELETE, keys.old_key);
    }
    latest_put(&s->ranges[0].latest, &change);
    return replace_waiting(s, &change, err);
}

static bool take_change(struct merge *m, struct stream *s, struct batch *batch, struct event *e,
                        struct err *err)
{
    (void)batch;
    if (sees(s->config->base, m)) {
        /* Where the key is not unique, a row of the base may have the deleted key and an older
         * cursor. */
        if (s->config->key.unique) {
            merge_absorb(s, e);
        } else {
            e->kind = EVENT_SKIP;
        }
        return true;
    }
    bool ok = e->kind == EVENT_INSERT || outdate(m, s, e, err);
    merge_pass(e);
    return ok;
}

static bool truncate_waiting(struct merge *m, struct stream *s, struct event *e, struct err *err)
{
    struct change change = merge_new_change(m, e, CHANGE_TRUNCATE, NULL);
    if (sees(s->config->base, m)) {
        return true;
    }
    s->ranges[0].latest.truncated = true;
    for (size_t i = 0; i < s->interval_count; i++) {
        struct waiting *waiting = s->intervals[i].waiting;
        if (waiting && !overlay_apply(&waiting->overlay, &change, err)) {
            return false;
        }
    }
    return true;
}

/* A change of this row came before the chunk. If it had all values, it was printed, and the row is
 * dropped. Else it takes the row's place, completed from it. */
static bool replace_row(struct range *range, struct waiting *waiting, const uint8_t **row,
                        struct err *err)
{
    struct overlay *overlay = &waiting->overlay;
    if (!*row || !keycode_copy(&overlay->code, overlay->key, overlay->chunk->relation, *row)) {
        return true;
    }
    const struct change *latest = latest_find(&range->latest, overlay->code.code);
    if (!latest) {
        return true;
    }
    struct change change = *latest;
    change.kind = latest->tuple ? CHANGE_UPSERT : CHANGE_DELETE;
    return overlay_apply(overlay, &change, err);
}

static bool replace_rows(struct range *range, struct waiting *waiting, struct err *err)
{
    for (struct batch *b = waiting->overlay.chunk->batches; b; b = b->next) {
        for (size_t i = 0; i < b->row_count; i++) {
            if (!replace_row(range, waiting, &b->rows[i], err)) {
                return false;
            }
        }
    }
    return true;
}

static bool chunk(struct merge *m, int stream, struct range *range, struct waiting *waiting,
                  struct err *err)
{
    static const struct change truncate = {.kind = CHANGE_TRUNCATE};
    (void)m, (void)stream;
    if (range->latest.truncated) {
        return overlay_apply(&waiting->overlay, &truncate, err);
    }
    if (!range->latest.count || !waiting->overlay.chunk->relation->key_count) {
        return true;
    }
    return overlay_ready(&waiting->overlay, err) && replace_rows(range, waiting, err);
}

static void begin(const struct merge *m, struct stream *s)
{
    s->as_of = s->as_of ? s->as_of : s->cursor ? s->cursor : m->cursor;
    s->as_of_passed =
        s->as_of < m->cursor || s->as_of < s->cursor; /* its cursor may be past the capture's */
}

/* Ctids are not compared: the interval has no upper end. */
static bool set_no_upper(const struct stream *s, struct interval *interval, const struct key *upper,
                         struct err *err)
{
    (void)s, (void)interval, (void)upper, (void)err;
    return true;
}

const struct merge_order by_ctid = {
    .begin = begin,
    .set_upper = set_no_upper,
    .takes_keyless = true,
    .in_sequence = true,
    .change = take_change,
    .truncate = truncate_waiting,
    .chunk = chunk,
};
