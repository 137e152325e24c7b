/* Making and freeing chunks. */
#include "row/chunk.h"

#include <stdlib.h>

#include "base/mem.h"

enum { ARENA_BLOCK = 16 * 1024 };

struct chunk *chunk_new(int stream, int range, struct relation *relation)
{
    struct chunk *chunk = mem_zero(sizeof *chunk);
    chunk->stream = stream;
    chunk->range = range;
    chunk->relation = relation;
    arena_init(&chunk->arena, ARENA_BLOCK);
    return chunk;
}

void chunk_free(struct chunk **chunk)
{
    if (*chunk) {
        snapshot_free(&(*chunk)->snapshot);
        arena_free(&(*chunk)->arena);
        free(*chunk);
        *chunk = NULL;
    }
}
