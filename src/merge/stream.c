/* Intervals: where they begin, how they are cut, and when they are out. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "row/cursor.h"

/* Check the invariants of the intervals, which hold after each chunk. */
static void check_tiling(const struct stream *s)
{
    size_t pending = 0;
    for (size_t i = 0; i < s->interval_count; i++) {
        const struct interval *interval = &s->intervals[i], *next = interval + 1;
        bool last = i + 1 == s->interval_count;
        pending += interval->state != INTERVAL_OUT;
        CHECK(!interval->waiting == (interval->state != INTERVAL_WAITING));
        CHECK(last == !interval->upper_text && interval->range < s->range_count);
        CHECK(last || interval->state != INTERVAL_UNREAD || next->range != interval->range ||
              next->state == INTERVAL_OUT);
    }
    CHECK(pending == s->pending);
}

static struct interval *insert_interval(struct stream *s, size_t at)
{
    s->intervals =
        mem_grow_array(s->intervals, &s->interval_cap, s->interval_count + 1, sizeof *s->intervals);
    memmove(&s->intervals[at + 1], &s->intervals[at],
            (s->interval_count - at) * sizeof *s->intervals);
    s->interval_count++;
    s->intervals[at] = (struct interval){0};
    return &s->intervals[at];
}

static void remove_interval(struct stream *s, size_t at)
{
    free(s->intervals[at].upper);
    key_free(&s->intervals[at].upper_text);
    s->interval_count--;
    memmove(&s->intervals[at], &s->intervals[at + 1],
            (s->interval_count - at) * sizeof *s->intervals);
}

static bool set_upper(struct stream *s, struct interval *interval, const struct key *upper,
                      struct err *err)
{
    if (!upper) {
        return true;
    }
    interval->upper_text = key_copy(upper);
    return merge_order_of(s)->set_upper(s, interval, upper, err);
}

static bool append(struct stream *s, enum interval_state state, int range, const struct key *upper,
                   struct err *err)
{
    struct interval *interval = insert_interval(s, s->interval_count);
    interval->state = state;
    interval->range = range;
    s->pending += state != INTERVAL_OUT;
    return set_upper(s, interval, upper, err);
}

static bool same_key_text(const struct key *a, const struct key *b)
{
    if (!a || !b || a->count != b->count) {
        return a == b;
    }
    for (int i = 0; i < a->count; i++) {
        if (a->columns[i].len != b->columns[i].len ||
            memcmp(a->columns[i].text, b->columns[i].text, a->columns[i].len) != 0) {
            return false;
        }
    }
    return true;
}

/* Whether an interval begins where the one before it ends, as far as that is known here. */
static bool is_behind(const struct stream *s, size_t at)
{
    const struct interval *before = &s->intervals[at - 1], *interval = &s->intervals[at];
    return before->upper_text && (s->config->key.server || !before->upper || !interval->upper ||
                                  keycode_compare(before->upper, interval->upper) <= 0);
}

static bool refuse_ranges(const struct stream *s, struct err *err)
{
    return err_set(
        err, ERR_CONFIG,
        "the state of stream %s has ranges of keys that do not follow one another: start "
        "the stream without a state",
        s->config->state->id);
}

static bool check_order(const struct stream *s, struct err *err)
{
    for (size_t i = 1; i < s->interval_count; i++) {
        if (!is_behind(s, i)) {
            return refuse_ranges(s, err);
        }
    }
    return true;
}

/* Keys between the ranges of a state were out already. */
static bool tile(struct stream *s, const struct stream_state *state, struct err *err)
{
    const struct key *reached = NULL; /* upper end of the tiling so far */
    for (int r = 0; r < state->range_count; r++) {
        const struct range_state *range = &state->ranges[r];
        if (r && !range->scanned) {
            return refuse_ranges(s, err);
        }
        if (range->scanned && !same_key_text(range->scanned, reached) &&
            !append(s, INTERVAL_OUT, r, range->scanned, err)) {
            return false;
        }
        if (!append(s, INTERVAL_UNREAD, r, range->until, err)) {
            return false;
        }
        reached = range->until;
    }
    return (!reached || append(s, INTERVAL_OUT, state->range_count - 1, NULL, err)) &&
           check_order(s, err);
}

bool stream_init(struct stream *s, const struct merge_stream *config, struct err *err)
{
    const struct stream_state *state = config->state;
    s->config = config;
    s->status = STATUS_LIVES;
    s->backfilled = state->backfilled;
    s->cursor = state->cursor;
    s->as_of = state->as_of;
    s->as_of_carry = state->as_of_carry;
    s->changed = true;
    s->pending = 0;
    if (state->mode != STREAM_BACKFILL) {
        return true;
    }
    s->range_count = state->range_count;
    s->ranges = mem_zero((size_t)s->range_count * sizeof *s->ranges);
    for (int r = 0; r < s->range_count; r++) {
        buffered_init(&s->ranges[r].buffered);
    }
    return tile(s, state, err);
}

static void free_waiting(struct waiting **waiting)
{
    if (*waiting) {
        overlay_clear(&(*waiting)->overlay);
    }
    free(*waiting);
    *waiting = NULL;
}

void merge_discard_chunks(struct chunk **chunks)
{
    while (*chunks) {
        struct chunk *chunk = *chunks;
        *chunks = chunk->next;
        for (struct batch *batch = chunk->batches, *next; batch; batch = next) {
            next = batch->next;
            batch_free(&batch);
        }
        chunk_free(&chunk);
    }
}

void merge_let_go_all(struct batch **done, struct batch *batches)
{
    while (batches) {
        struct batch *next = batches->next;
        merge_let_go(done, &batches);
        batches = next;
    }
}

static void clear_range(struct range *range, struct batch **done)
{
    buffered_free(&range->buffered);
    latest_free(&range->latest);
    snapshot_free(&range->floor);
    if (range->open) {
        merge_let_go_all(done, range->open->batches);
    }
    chunk_free(&range->open);
}

void stream_clear(struct stream *s, struct batch **done)
{
    while (s->interval_count) {
        struct interval *last = &s->intervals[s->interval_count - 1];
        if (last->waiting) {
            merge_let_go_all(done, last->waiting->overlay.chunk->batches);
            chunk_free(&last->waiting->overlay.chunk);
            free_waiting(&last->waiting);
        }
        remove_interval(s, s->interval_count - 1);
    }
    for (int r = 0; r < s->range_count; r++) {
        clear_range(&s->ranges[r], done);
    }
    free(s->intervals);
    free(s->ranges);
    s->intervals = NULL;
    s->ranges = NULL;
    s->range_count = 0;
    s->interval_cap = s->pending = 0;
}

struct interval *stream_locate(struct stream *s, const struct keycode *key)
{
    size_t i = 0;
    if (s->config->key.server) {
        return &s->intervals[s->ranks[s->rank_next++]];
    }
    while (s->intervals[i].upper && keycode_compare(key, s->intervals[i].upper) > 0) {
        i++;
    }
    return &s->intervals[i];
}

/* The interval UNREAD of a range. */
static struct interval *unread_of(struct stream *s, int range)
{
    for (size_t i = 0; i < s->interval_count; i++) {
        if (s->intervals[i].range == range && s->intervals[i].state == INTERVAL_UNREAD) {
            return &s->intervals[i];
        }
    }
    return NULL;
}

const struct keycode *stream_upper_of(const struct stream *s, const struct waiting *waiting)
{
    size_t i = 0;
    while (s->intervals[i].waiting != waiting) {
        i++;
    }
    return s->intervals[i].upper;
}

/* Neighbours that are out need no border between them. */
static void join_out(struct stream *s)
{
    for (size_t i = s->interval_count; i-- > 1;) {
        if (s->intervals[i].state == INTERVAL_OUT && s->intervals[i - 1].state == INTERVAL_OUT) {
            remove_interval(s, i - 1);
        }
    }
}

/* The interval that the chunk fills: all that is UNREAD in the range, or its part up to
 * close->end. */
static struct interval *cut(struct stream *s, int range, struct chunk_close *close, struct err *err)
{
    join_out(s);
    struct interval *unread = unread_of(s, range);
    if (!unread) {
        err_set(err, ERR_SYSTEM, "a chunk came for a range that had been read");
        return NULL;
    }
    if (close->last) {
        return unread;
    }
    size_t at = (size_t)(unread - s->intervals);
    struct interval *cut = insert_interval(s, at);
    cut->range = range;
    s->pending++;
    bool ok = set_upper(s, cut, close->end, err);
    key_free(&close->end);
    if (ok && ((at && !is_behind(s, at)) || !is_behind(s, at + 1))) {
        ok = err_set(
            err, ERR_SYSTEM,
            "a chunk of stream %s ends at a key that is not in the range that it was read of",
            s->config->state->id);
    }
    return ok ? cut : NULL;
}

struct waiting *stream_close_chunk(struct stream *s, int stream, int range,
                                   struct chunk_close *close, struct err *err)
{
    struct range *r = &s->ranges[range];
    struct interval *interval = cut(s, range, close, err);
    if (!interval) {
        return NULL;
    }
    struct waiting *waiting = mem_zero(sizeof *waiting);
    overlay_init(&waiting->overlay, r->open, &s->config->key);
    waiting->stream = stream;
    memcpy(waiting->watermark, close->watermark, sizeof waiting->watermark);
    waiting->seen_lsn = close->seen_lsn;
    interval->state = INTERVAL_WAITING;
    interval->waiting = waiting;
    r->open = NULL;
    r->reading = false;
    check_tiling(s);
    return waiting;
}

struct chunk *stream_release(struct stream *s, struct waiting **waiting)
{
    struct chunk *chunk = (*waiting)->overlay.chunk;
    for (size_t i = 0; i < s->interval_count; i++) {
        if (s->intervals[i].waiting == *waiting) {
            s->intervals[i].state = INTERVAL_OUT;
            s->intervals[i].waiting = NULL;
        }
    }
    chunk->first_row = s->backfilled;
    chunk->cursor =
        s->as_of && !s->config->key.unique ? cursor_before(s->as_of_carry, s->as_of) : 0;
    s->backfilled += overlay_rows(&(*waiting)->overlay);
    s->pending--;
    s->changed = true;
    check_tiling(s);
    free_waiting(waiting);
    return chunk;
}

/* Chunks that wait are not out: a range is to be read again from the end of its last interval that
 * is. */
static void range_states(const struct stream *s, struct stream_state *state)
{
    /* A chunk that is out before an earlier one of its range leaves two stretches of it. */
    state->ranges = mem_zero(s->interval_count * sizeof *state->ranges);
    for (size_t i = 0; i < s->interval_count; i++) {
        const struct interval *interval = &s->intervals[i];
        bool begins = i == 0 || s->intervals[i - 1].state == INTERVAL_OUT ||
                      s->intervals[i - 1].range != interval->range;
        if (interval->state == INTERVAL_OUT) {
            continue;
        }
        if (begins) {
            struct range_state *range = &state->ranges[state->range_count++];
            range->scanned = i ? key_copy(s->intervals[i - 1].upper_text) : NULL;
        }
        struct range_state *range = &state->ranges[state->range_count - 1];
        key_free(&range->until);
        range->until = key_copy(interval->upper_text);
    }
}

/* The state of a stream that is lost, or whose life has not begun: nothing was read of it. */
static void state_of_lost(struct stream_state *state)
{
    for (int r = 0; r < state->range_count; r++) {
        key_free(&state->ranges[r].scanned);
        key_free(&state->ranges[r].until);
    }
    free(state->ranges);
    free(state->snapshot);
    state->ranges = mem_zero(sizeof *state->ranges);
    state->range_count = 1;
    state->snapshot = NULL;
    state->mode = STREAM_BACKFILL;
    state->backfilled = state->cursor = state->as_of = state->as_of_carry = 0;
    terms_clear(&state->terms);
    user_types_clear(&state->types);
}

bool stream_is_ahead(const struct stream *s, uint64_t position)
{
    return s->config->airbyte_look && s->pending && s->cursor > position;
}

void stream_state_now(const struct stream *s, uint64_t position, struct stream_state *state)
{
    struct stream_state base = *s->config->state;
    base.ranges = NULL;
    base.range_count = 0;
    base.backfilled = s->backfilled;
    base.cursor = s->cursor;
    base.as_of = s->pending ? s->as_of : 0;
    base.as_of_carry = s->pending ? s->as_of_carry : 0;
    if (base.mode == STREAM_BACKFILL && !s->pending) {
        base.mode = STREAM_ACTIVE;
        base.snapshot = NULL;
    }
    stream_state_copy(state, &base);
    if (s->status != STATUS_LIVES || stream_is_ahead(s, position)) {
        state_of_lost(state);
    } else if (s->pending) {
        free(state->ranges);
        range_states(s, state);
    }
}
