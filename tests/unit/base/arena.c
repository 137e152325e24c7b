#include "base/arena.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static void start(void)
{
    arena_init(&arena, 256);
}

static void stop(void)
{
    arena_free(&arena);
}

TestSuite(arena, .init = start, .fini = stop);

Test(arena, objects_are_aligned_and_apart)
{
    unsigned char *objects[200];
    for (int i = 0; i < 200; i++) {
        objects[i] = arena_alloc(&arena, (size_t)i % 23);
        cr_assert_eq((uintptr_t)objects[i] % 8, 0);
        memset(objects[i], i, (size_t)i % 23);
    }
    for (int i = 0; i < 200; i++) {
        for (int j = 0; j < i % 23; j++) {
            cr_assert_eq(objects[i][j], i);
        }
    }
}

Test(arena, nothing_is_still_an_object)
{
    cr_assert_not_null(arena_alloc(&arena, 0));
    cr_assert_not_null(arena_copy(&arena, NULL, 0));
    cr_assert_neq(arena_alloc(&arena, 0), arena_alloc(&arena, 0));
}

Test(arena, oversized_objects_leave_the_filled_block_alone)
{
    char *first = arena_alloc(&arena, 8);
    memset(arena_alloc(&arena, 10000), 1, 10000);
    char *second = arena_alloc(&arena, 8);
    cr_assert_eq(second, first + 8);
}

Test(arena, an_oversized_first_object_works)
{
    memset(arena_alloc(&arena, 257), 1, 257);
    memset(arena_alloc(&arena, 256), 1, 256);
    memset(arena_alloc(&arena, 8), 1, 8);
}

Test(arena, reset_hands_out_the_same_memory_again)
{
    char *first = arena_alloc(&arena, 16);
    arena_alloc(&arena, 5000);
    arena_reset(&arena);
    cr_assert_eq(arena.bytes, 0);
    cr_assert_eq(arena_alloc(&arena, 16), first);
}

Test(arena, bytes_counts_what_was_handed_out)
{
    arena_alloc(&arena, 3);
    arena_alloc(&arena, 300);
    arena_alloc(&arena, 100);
    cr_assert_eq(arena.bytes, 8 + 304 + 104);
}

Test(arena, strings_end_in_nul)
{
    cr_assert_str_eq(arena_string(&arena, "abcdef", 3), "abc");
    cr_assert_str_empty(arena_string(&arena, NULL, 0));
    cr_assert_eq(memcmp(arena_copy(&arena, "a\0b", 3), "a\0b", 3), 0);
}
