/* Blocks behind arena_alloc. */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    char data[];
};

void arena_init(struct arena *arena, size_t block_size)
{
    *arena = (struct arena){.block_size = block_size};
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_free(struct arena *arena)
{
    free_blocks(arena->blocks);
    free_blocks(arena->spare);
    arena_init(arena, arena->block_size);
}

void arena_reset(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        if (block->size == arena->block_size) {
            block->next = arena->spare;
            arena->spare = block;
        } else {
            free(block);
        }
    }
    arena->next = arena->end = NULL;
    arena->bytes = 0;
}

static struct arena_block *take_block(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->spare;
    if (size == arena->block_size && block) {
        arena->spare = block->next;
        return block;
    }
    block = mem_alloc(sizeof *block + size);
    block->size = size;
    return block;
}

void *arena_alloc_block(struct arena *arena, size_t size)
{
    arena->bytes += size;
    if (size > arena->block_size / 2 && arena->blocks) {
        /* A block of its own, behind the one being filled. */
        struct arena_block *block = take_block(arena, size == arena->block_size ? size + 8 : size);
        block->next = arena->blocks->next;
        arena->blocks->next = block;
        return block->data;
    }
    struct arena_block *block =
        take_block(arena, size > arena->block_size ? size : arena->block_size);
    block->next = arena->blocks;
    arena->blocks = block;
    arena->next = block->data + size;
    arena->end = block->data + block->size;
    return block->data;
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (size) {
        memcpy(copy, data, size);
    }
    return copy;
}

char *arena_string(struct arena *arena, const char *s, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (len) {
        memcpy(copy, s, len);
    }
    copy[len] = '\0';
    return copy;
}
