/*
 * A bump allocator: many small objects that are freed together.
 *
 * One owner at a time, no locks. A reset keeps the blocks it may need again, so that a recycled
 * arena allocates nothing; oversized objects get blocks of their own, which a reset frees.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first; the newest is the one that is filled */
    struct arena_block *spare;  /* kept from before the last reset */
    char *next, *end;           /* free space in the newest block */
    size_t block_size;
    size_t bytes; /* handed out since the last reset */
};

void arena_init(struct arena *, size_t block_size);
void arena_free(struct arena *);

/* Forget all objects; every pointer into the arena is void. */
void arena_reset(struct arena *);

/* The slow path of arena_alloc; not for callers. */
void *arena_alloc_block(struct arena *, size_t size);

/* `size` bytes, not cleared, aligned to 8. Never NULL. */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
    size = (size + 7 + !size) & ~(size_t)7;
    if (size > (size_t)(arena->end - arena->next)) {
        return arena_alloc_block(arena, size);
    }
    void *p = arena->next;
    arena->next += size;
    arena->bytes += size;
    return p;
}

void *arena_copy(struct arena *, const void *data, size_t size);
char *arena_string(struct arena *, const char *s, size_t len); /* adds the NUL */

#endif
