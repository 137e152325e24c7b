/*
 * Keys that only the server can order: asked for a whole batch of changes at once, one question per
 * table. The answers are used up in the order in which they were asked.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

static void add_key(struct merge_question *q, size_t *cap, const struct keycode *key,
                    struct arena *arena)
{
    if (q->count == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        const struct keycode **grown = arena_alloc(arena, *cap * sizeof *grown);
        for (size_t i = 0; i < q->count; i++) {
            grown[i] = q->keys[i];
        }
        q->keys = grown;
    }
    q->keys[q->count++] = keycode_copy_to(arena, key);
}

static bool is_ranked(struct stream *s, const struct event *e, int stream, uint64_t final_lsn)
{
    bool change = e->kind == EVENT_INSERT || e->kind == EVENT_UPDATE || e->kind == EVENT_DELETE;
    if (!change || e->relation->stream != stream || stream_skips(s, final_lsn)) {
        return false;
    }
    stream_bind(s, e->relation);
    return merge_event_fits(e);
}

/* The keys that by_key.c locates, in the same order: old key, then new. */
static void collect(struct merge *m, const struct batch *batch, struct merge_question *q)
{
    uint64_t final_lsn = m->txn.final_lsn;
    size_t cap = 0;
    for (size_t i = 0; i < batch->event_count; i++) {
        struct event *e = &batch->events[i];
        struct event_keys keys;
        final_lsn = e->kind == EVENT_BEGIN ? e->txn->final_lsn : final_lsn;
        if (!is_ranked(&m->streams[q->stream], e, q->stream, final_lsn) ||
            !merge_event_keys(m, e, &keys)) {
            continue;
        }
        if (keys.old_key) {
            add_key(q, &cap, keys.old_key, &m->asking.arena);
        }
        if (keys.new_key) {
            add_key(q, &cap, keys.new_key, &m->asking.arena);
        }
    }
}

static void make_room(struct stream *s, struct merge_question *q)
{
    s->ranks = mem_grow_array(s->ranks, &s->rank_cap, q->count, sizeof *s->ranks);
    s->rank_next = 0;
    s->rank_count = q->count;
    s->ranked = true;
    q->ranks = s->ranks;
}

/* False if one interval holds every key: then there is nothing to ask. */
static bool set_bounds(const struct stream *s, struct merge_question *q, struct arena *arena)
{
    q->bound_count = s->interval_count - 1; /* the last interval has no end */
    q->bounds = arena_alloc(arena, (q->bound_count + 1) * sizeof *q->bounds);
    for (size_t i = 0; i < q->bound_count; i++) {
        q->bounds[i] = s->intervals[i].upper;
    }
    for (size_t i = 0; i < q->count && !q->bound_count; i++) {
        q->ranks[i] = 0;
    }
    return q->bound_count > 0;
}

bool merge_ask_ranks(struct merge *m, const struct batch *batch)
{
    struct merge_question *q = &m->asking.question;
    for (int i = 0; m->backfilling && i < m->config.stream_count; i++) {
        struct stream *s = &m->streams[i];
        if (s->status != STATUS_LIVES || !s->pending || !s->config->key.server || s->ranked) {
            continue;
        }
        *q = (struct merge_question){.kind = MERGE_ASKS_RANKS, .stream = i};
        collect(m, batch, q);
        make_room(s, q);
        if (q->count && set_bounds(s, q, &m->asking.arena)) {
            return true;
        }
    }
    return false;
}

bool merge_ask_end(struct merge *m, const struct batch *batch)
{
    struct merge_question *q = &m->asking.question;
    struct stream *s = &m->streams[batch->stream];
    if (batch->step != CHUNK_CLOSE || !batch->close.end || batch->life != s->life ||
        s->status != STATUS_LIVES || !s->config->key.server || s->ranked) {
        return false;
    }
    const struct buffered *buffered = &s->ranges[batch->range].buffered;
    size_t cap = 0;
    *q = (struct merge_question){.kind = MERGE_ASKS_RANKS, .stream = batch->stream};
    for (size_t i = 0; i < buffered->count; i++) {
        if (buffered->changes[i].key) {
            add_key(q, &cap, buffered->changes[i].key, &m->asking.arena);
        }
    }
    make_room(s, q);
    q->bounds = arena_alloc(&m->asking.arena, sizeof *q->bounds);
    struct keycode *end = keycode_of(&s->config->key, batch->close.end);
    q->bounds[0] = end ? keycode_copy_to(&m->asking.arena, end) : NULL;
    q->bound_count = 1;
    free(end);
    return q->count && q->bounds[0];
}
