#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(mem, nothing_is_still_memory)
{
    void *memory[] = {mem_alloc(0), mem_zero(0), mem_grow(NULL, 0)};
    for (int i = 0; i < 3; i++) {
        cr_assert_not_null(memory[i]);
        free(memory[i]);
    }
}

Test(mem, zero_is_cleared)
{
    unsigned char *p = mem_zero(1000);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(p[i], 0);
    }
    free(p);
}

Test(mem, strings_are_copied)
{
    cr_assert_null(mem_string(NULL));
    char *whole = mem_string("abc"), *part = mem_string_n("abc", 2);
    char *empty = mem_string_n(NULL, 0), *text = mem_format("%d-%s", 7, "x");
    cr_assert_str_eq(whole, "abc");
    cr_assert_str_eq(part, "ab");
    cr_assert_str_empty(empty);
    cr_assert_str_eq(text, "7-x");
    free(whole);
    free(part);
    free(empty);
    free(text);
}

Test(mem, arrays_grow_by_doubling_and_keep_their_items)
{
    size_t cap = 0;
    int *items = NULL;
    for (int i = 0; i < 1000; i++) {
        items = mem_grow_array(items, &cap, (size_t)i + 1, sizeof *items);
        items[i] = i;
    }
    cr_assert_eq(cap, 1024);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(items[i], i);
    }
    cr_assert_eq(mem_grow_array(items, &cap, 10, sizeof *items), items);
    free(items);
}
