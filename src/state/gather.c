/* The rules for combining the parts of a state, whatever form they came in. */
#include "gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct gathered_stream *gathered_add(struct gathered *gathered, char **id)
{
    gathered->streams = mem_grow_array(gathered->streams, &gathered->cap, gathered->count + 1,
                                       sizeof *gathered->streams);
    struct gathered_stream *stream = &gathered->streams[gathered->count];
    *stream = (struct gathered_stream){.state.id = *id, .order = gathered->count++};
    *id = NULL;
    return stream;
}

void gathered_clear(struct gathered *gathered)
{
    for (size_t i = 0; i < gathered->count; i++) {
        stream_state_clear(&gathered->streams[i].state);
        shared_part_clear(&gathered->streams[i].shared);
    }
    free(gathered->streams);
    shared_part_clear(&gathered->shared);
    *gathered = (struct gathered){0};
}

void gathered_restart(struct gathered *gathered)
{
    bool alone = gathered->alone;
    gathered_clear(gathered);
    gathered->alone = alone;
    gathered->whole = true;
}

static int by_id(const void *a, const void *b)
{
    const struct gathered_stream *x = a, *y = b;
    int order = strcmp(x->state.id, y->state.id);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
    const struct gathered_stream *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

/* Of STREAM states of one stream the last counts; within one GLOBAL state there is no last. */
static bool drop_replaced(struct gathered *gathered, struct err *err)
{
    struct gathered_stream *streams = gathered->streams;
    if (gathered->count < 2) {
        return true;
    }
    qsort(streams, gathered->count, sizeof *streams, by_id);
    for (size_t i = 1; i < gathered->count; i++) {
        if (strcmp(streams[i - 1].state.id, streams[i].state.id) != 0) {
            continue;
        }
        if (!gathered->alone) {
            return err_set(err, ERR_CONFIG, "state: the stream %s is there twice",
                           json_show(streams[i].state.id).s);
        }
        streams[i - 1].absent = true;
    }
    qsort(streams, gathered->count, sizeof *streams, by_order);
    return true;
}

static bool disagree(const struct gathered_stream *stream, const char *member, struct err *err)
{
    return err_set(err, ERR_CONFIG,
                   "state: the state of the stream %s disagrees with those before it on %s: pass "
                   "states of one capture, or start without a state",
                   json_show(stream->state.id).s, member);
}

static bool is_in_doubt(const struct shared_part *part, uint32_t xid)
{
    for (size_t i = 0; i < part->in_doubt_count; i++) {
        if (part->in_doubt[i] == xid) {
            return true;
        }
    }
    return false;
}

static void add_in_doubt(struct shared_part *to, const struct shared_part *from)
{
    size_t count = to->in_doubt_count + from->in_doubt_count;
    to->in_doubt = mem_grow(to->in_doubt, count * sizeof *to->in_doubt);
    for (size_t i = 0; i < from->in_doubt_count; i++) {
        if (!is_in_doubt(to, from->in_doubt[i])) {
            to->in_doubt[to->in_doubt_count++] = from->in_doubt[i];
        }
    }
}

/* Copy to `to` the members that it lacks, and the lower cursor. */
static void fill_in(struct shared_part *to, struct shared_part *from)
{
    char **to_text[] = {&to->identity.system_identifier, &to->identity.slot,
                        &to->identity.database};
    char **from_text[] = {&from->identity.system_identifier, &from->identity.slot,
                          &from->identity.database};
    for (int i = 0; i < 3; i++) {
        if (!*to_text[i]) {
            *to_text[i] = *from_text[i];
            *from_text[i] = NULL;
        }
    }
    to->identity.timeline = to->identity.timeline ? to->identity.timeline : from->identity.timeline;
    add_in_doubt(to, from);
    to->carry = from->carry > to->carry ? from->carry : to->carry;
    if (!to->cursor || (from->cursor && from->cursor < to->cursor)) {
        to->cursor = from->cursor;
    }
}

/*
 * STREAM states: they must have one identity. Their cursors may differ, because they are written
 * one after the other: the capture continues from the lowest, and a stream that is further skips
 * what it has.
 */
static bool settle_shared(struct gathered *gathered, struct err *err)
{
    for (size_t i = 0; i < gathered->count; i++) {
        struct gathered_stream *stream = &gathered->streams[i];
        if (stream->absent) {
            continue;
        }
        const char *member = shared_part_differ(&gathered->shared, &stream->shared);
        if (member) {
            return disagree(stream, member, err);
        }
        fill_in(&gathered->shared, &stream->shared);
    }
    for (size_t i = 0; i < gathered->count; i++) {
        struct gathered_stream *stream = &gathered->streams[i];
        if (gathered->alone) {
            bool further = stream->shared.cursor > gathered->shared.cursor;
            stream->state.cursor = further ? stream->shared.cursor : 0;
        }
    }
    return true;
}

/* Whether anything of the stream was captured, by its state. */
static bool is_begun(const struct stream_state *state)
{
    bool begun = state->mode != STREAM_BACKFILL || state->backfilled;
    for (int i = 0; i < state->range_count && !begun; i++) {
        begun = state->ranges[i].scanned != NULL;
    }
    return begun;
}

static bool check_cursor(const struct gathered *gathered, struct err *err)
{
    for (size_t i = 0; i < gathered->count && !gathered->shared.cursor; i++) {
        const struct gathered_stream *stream = &gathered->streams[i];
        if (!stream->absent && is_begun(&stream->state)) {
            return err_set(err, ERR_CONFIG,
                           "state: the stream %s has been captured, but the cursor that it was "
                           "captured up to is missing",
                           json_show(stream->state.id).s);
        }
    }
    return true;
}

static int compare_ids(const void *id, const void *element)
{
    return strcmp(id, *(const char *const *)element);
}

static bool is_of_slot(const struct shared_part *shared, const char *slot)
{
    return slot && shared->identity.slot && !strcmp(shared->identity.slot, slot);
}

/* Drop the states that belong to the slot of another kind of read. */
static void drop_of_slot(struct gathered *gathered, const char *slot)
{
    bool whole = is_of_slot(&gathered->shared, slot);
    for (size_t i = 0; i < gathered->count; i++) {
        struct gathered_stream *stream = &gathered->streams[i];
        stream->absent = stream->absent || whole || is_of_slot(&stream->shared, slot);
    }
    if (whole) {
        shared_part_clear(&gathered->shared);
    }
}

static void drop_uncaptured(struct gathered *gathered, const struct captured_streams *captured)
{
    for (size_t i = 0; captured && gathered->alone && i < gathered->count; i++) {
        struct gathered_stream *stream = &gathered->streams[i];
        stream->absent =
            stream->absent || !bsearch(stream->state.id, captured->ids, captured->count,
                                       sizeof *captured->ids, compare_ids);
    }
}

bool gathered_check(struct gathered *gathered, const struct captured_streams *captured,
                    struct err *err)
{
    if (gathered->whole && gathered->alone) {
        return err_set(err, ERR_CONFIG,
                       "state: it mixes STREAM states with states of the whole capture");
    }
    if (!drop_replaced(gathered, err)) {
        return false;
    }
    drop_uncaptured(gathered, captured);
    drop_of_slot(gathered, captured ? captured->other_slot : NULL);
    return settle_shared(gathered, err) && check_cursor(gathered, err);
}

/* Whether there is something to continue from: streams that are ignored begin again. */
static bool goes_on(const struct gathered *gathered)
{
    bool ignored = gathered->count > 0;
    for (size_t i = 0; i < gathered->count; i++) {
        const struct gathered_stream *stream = &gathered->streams[i];
        ignored = ignored && (stream->absent || stream->state.mode == STREAM_IGNORE);
    }
    return gathered->shared.cursor && !ignored;
}

void gathered_move(struct gathered *gathered, struct state *state)
{
    if (!goes_on(gathered)) {
        return;
    }
    struct checkpoint *checkpoint = checkpoint_new((int)gathered->count);
    checkpoint->stream_count = 0;
    for (size_t i = 0; i < gathered->count; i++) {
        struct gathered_stream *stream = &gathered->streams[i];
        if (!stream->absent) {
            checkpoint->streams[checkpoint->stream_count++] = stream->state;
            stream->state = (struct stream_state){0};
        }
    }
    checkpoint->cursor = gathered->shared.cursor;
    checkpoint->in_doubt = gathered->shared.in_doubt;
    checkpoint->in_doubt_count = gathered->shared.in_doubt_count;
    checkpoint->carry = gathered->shared.carry;
    state->checkpoint = checkpoint;
    state->by_stream = gathered->alone;
    state->identity = gathered->shared.identity;
    gathered->shared = (struct shared_part){0};
}
