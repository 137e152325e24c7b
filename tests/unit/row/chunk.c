#include "row/chunk.h"

#include <criterion/criterion.h>

Test(chunk, frees_its_snapshot_and_its_arena)
{
    struct relation *relation = relation_new(0);
    struct chunk *chunk = chunk_new(4, 2, relation);
    cr_assert(chunk->stream == 4 && chunk->range == 2 && chunk->relation == relation);
    cr_assert(snapshot_parse(&chunk->snapshot, "10:20:11,12"));
    arena_alloc(&chunk->arena, 100);
    chunk_free(&chunk);
    cr_assert_null(chunk);
    chunk_free(&chunk);
    relation_free(&relation);
}
