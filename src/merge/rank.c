/*
 * Keys that only the server can order: asked for a whole batch of changes at once, a question a
 * table.
 *
 * Borders do not move while a batch of changes is merged (an interval that is released keeps its
 * border), so the answers hold for the batch, and are used up in the order in which they were
 * asked.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

struct question {
    const struct keycode **keys;
    size_t count, cap;
};

static void ask(struct question *q, const struct keycode *key, struct arena *arena)
{
    q->keys = mem_grow_array((void *)q->keys, &q->cap, q->count + 1, sizeof *q->keys);
    q->keys[q->count++] = keycode_copy_to(arena, key);
}

/* Those that merge.c locates, in the same order: old key, then new. */
static bool collect(struct merge *m, const struct batch *batch, int stream, struct question *q,
                    struct arena *arena, struct err *err)
{
    uint64_t final_lsn = m->txn.final_lsn;
    for (size_t i = 0; i < batch->event_count; i++) {
        struct event *e = &batch->events[i];
        struct event_keys keys;
        final_lsn = e->kind == EVENT_BEGIN ? e->txn->final_lsn : final_lsn;
        bool change = e->kind == EVENT_INSERT || e->kind == EVENT_UPDATE || e->kind == EVENT_DELETE;
        if (!change || e->relation->stream != stream ||
            stream_is_ahead(&m->streams[stream], final_lsn)) {
            continue;
        }
        if (!merge_event_keys(m, e, &keys, err)) {
            return false;
        }
        if (keys.old_key) {
            ask(q, keys.old_key, arena);
        }
        if (keys.new_key) {
            ask(q, keys.new_key, arena);
        }
    }
    return true;
}

static bool answer(struct merge *m, int stream, const struct question *q, struct err *err)
{
    struct stream *s = &m->streams[stream];
    const struct merge_hooks *hooks = &m->config.hooks;
    size_t bounds = s->interval_count - 1; /* the last interval has no end */
    const struct keycode **uppers = mem_alloc((bounds + 1) * sizeof *uppers);
    for (size_t i = 0; i < bounds; i++) {
        uppers[i] = s->intervals[i].upper;
    }
    s->ranks = mem_grow_array(s->ranks, &s->rank_cap, q->count, sizeof *s->ranks);
    s->rank_count = q->count;
    s->rank_next = 0;
    bool ok = hooks->rank(hooks->context, stream, q->keys, q->count, uppers, bounds, s->ranks, err);
    free((void *)uppers);
    return ok;
}

/* One interval holds every key: nobody need be asked. */
static void answer_alone(struct stream *s, size_t count)
{
    s->ranks = mem_grow_array(s->ranks, &s->rank_cap, count, sizeof *s->ranks);
    for (size_t i = 0; i < count; i++) {
        s->ranks[i] = 0;
    }
    s->rank_count = count;
    s->rank_next = 0;
}

static bool rank_stream(struct merge *m, const struct batch *batch, int stream, struct err *err)
{
    struct stream *s = &m->streams[stream];
    struct question q = {0};
    struct arena arena;
    arena_init(&arena, 4096);
    bool ok = collect(m, batch, stream, &q, &arena, err);
    if (ok && s->interval_count == 1) {
        answer_alone(s, q.count);
    } else if (ok && q.count) {
        ok = answer(m, stream, &q, err);
    }
    free((void *)q.keys);
    arena_free(&arena);
    return ok;
}

bool merge_rank(struct merge *m, const struct batch *batch, struct err *err)
{
    for (int i = 0; i < m->config.stream_count; i++) {
        const struct stream *s = &m->streams[i];
        if (s->pending && s->config->key.server && !rank_stream(m, batch, i, err)) {
            return false;
        }
    }
    return true;
}
