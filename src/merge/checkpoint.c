/* Copying and freeing checkpoints. */
#include "merge/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct checkpoint *checkpoint_new(int stream_count)
{
    struct checkpoint *checkpoint = mem_zero(sizeof *checkpoint);
    checkpoint->streams = mem_zero((size_t)stream_count * sizeof *checkpoint->streams);
    checkpoint->stream_count = stream_count;
    return checkpoint;
}

void checkpoint_free(struct checkpoint **checkpoint)
{
    struct checkpoint *c = *checkpoint;
    *checkpoint = NULL;
    if (!c) {
        return;
    }
    for (int i = 0; i < c->stream_count; i++) {
        stream_state_clear(&c->streams[i]);
    }
    free(c->streams);
    free(c->in_doubt);
    free(c);
}

static char **copy_strings(char **strings)
{
    size_t count = 0;
    while (strings && strings[count]) {
        count++;
    }
    if (!strings) {
        return NULL;
    }
    char **copy = mem_zero((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = mem_string(strings[i]);
    }
    return copy;
}

void stream_state_copy(struct stream_state *to, const struct stream_state *from)
{
    *to = *from;
    to->id = mem_string(from->id);
    to->snapshot = mem_string(from->snapshot);
    to->terms = (struct terms){0};
    terms_copy(&to->terms, &from->terms);
    to->types = (struct user_types){0};
    user_types_merge(&to->types, &from->types);
    to->key_columns = copy_strings(from->key_columns);
    to->ranges = mem_zero((size_t)from->range_count * sizeof *to->ranges);
    for (int i = 0; i < from->range_count; i++) {
        to->ranges[i].scanned = key_copy(from->ranges[i].scanned);
        to->ranges[i].until = key_copy(from->ranges[i].until);
    }
}

void stream_state_clear(struct stream_state *state)
{
    for (int i = 0; i < state->range_count; i++) {
        key_free(&state->ranges[i].scanned);
        key_free(&state->ranges[i].until);
    }
    for (char **column = state->key_columns; column && *column; column++) {
        free(*column);
    }
    free(state->key_columns);
    free(state->ranges);
    free(state->id);
    free(state->snapshot);
    terms_clear(&state->terms);
    user_types_clear(&state->types);
    *state = (struct stream_state){0};
}

void capture_identity_clear(struct capture_identity *identity)
{
    free(identity->system_identifier);
    free(identity->slot);
    free(identity->database);
    *identity = (struct capture_identity){0};
}

struct stream_state *checkpoint_stream(const struct checkpoint *checkpoint, const char *id)
{
    for (int i = 0; i < checkpoint->stream_count; i++) {
        if (!strcmp(checkpoint->streams[i].id, id)) {
            return &checkpoint->streams[i];
        }
    }
    return NULL;
}

static struct stream_state *add_stream(struct checkpoint *checkpoint)
{
    size_t count = (size_t)checkpoint->stream_count++;
    checkpoint->streams = mem_grow(checkpoint->streams, (count + 1) * sizeof *checkpoint->streams);
    checkpoint->streams[count] = (struct stream_state){0};
    return &checkpoint->streams[count];
}

static uint64_t cursor_of(const struct checkpoint *c, int stream)
{
    return c->streams[stream].cursor ? c->streams[stream].cursor : c->cursor;
}

bool checkpoint_leave_behind(struct checkpoint *c, uint64_t lsn,
                             void (*visit)(void *context, const char *id), void *context)
{
    uint64_t first = UINT64_MAX;
    int kept = 0;
    for (int i = 0; i < c->stream_count; i++) {
        uint64_t cursor = cursor_of(c, i);
        first = cursor >= lsn && cursor < first ? cursor : first;
    }
    if (first == UINT64_MAX) {
        return false;
    }
    for (int i = 0; i < c->stream_count; i++) {
        uint64_t cursor = cursor_of(c, i);
        if (cursor < lsn) {
            visit(context, c->streams[i].id);
            stream_state_clear(&c->streams[i]);
            continue;
        }
        c->streams[kept] = c->streams[i];
        c->streams[kept++].cursor = cursor > first ? cursor : 0;
    }
    c->stream_count = kept;
    c->cursor = first;
    return true;
}

void checkpoint_apply(struct checkpoint *whole, const struct checkpoint *newer)
{
    whole->cursor = newer->cursor;
    whole->carry = newer->carry;
    free(whole->in_doubt);
    whole->in_doubt = NULL;
    whole->in_doubt_count = newer->in_doubt_count;
    if (newer->in_doubt_count) {
        whole->in_doubt = mem_alloc(newer->in_doubt_count * sizeof *whole->in_doubt);
        memcpy(whole->in_doubt, newer->in_doubt, newer->in_doubt_count * sizeof *whole->in_doubt);
    }
    for (int i = 0; i < newer->stream_count; i++) {
        struct stream_state *state = checkpoint_stream(whole, newer->streams[i].id);
        state = state ? state : add_stream(whole);
        stream_state_clear(state);
        stream_state_copy(state, &newer->streams[i]);
    }
}

bool stream_state_is_unborn(const struct stream_state *state)
{
    return state->mode == STREAM_BACKFILL && !state->terms.text[TERM_TABLE] && !state->backfilled &&
           state->range_count == 1 && !state->ranges[0].scanned && !state->ranges[0].until;
}
