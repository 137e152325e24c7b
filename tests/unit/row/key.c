#include "row/key.h"

#include <criterion/criterion.h>
#include <string.h>

Test(key, holds_text_of_each_column)
{
    struct key *key = key_new(2);
    key_set(key, 0, "abcdef", 3);
    key_set(key, 1, "", 0);
    cr_assert_eq(key->count, 2);
    cr_assert_str_eq(key->columns[0].text, "abc");
    cr_assert_eq(key->columns[0].len, 3);
    cr_assert_str_empty(key->columns[1].text);
    key_set(key, 0, "x", 1);
    cr_assert_str_eq(key->columns[0].text, "x");
    key_free(&key);
    cr_assert_null(key);
}

Test(key, copies_are_their_own)
{
    struct key *key = key_new(1);
    key_set(key, 0, "1000", 4);
    struct key *copy = key_copy(key);
    key_free(&key);
    cr_assert_eq(copy->count, 1);
    cr_assert_str_eq(copy->columns[0].text, "1000");
    key_free(&copy);
}

Test(key, nothing_stays_nothing)
{
    struct key *none = NULL;
    cr_assert_null(key_copy(NULL));
    key_free(&none);
    cr_assert_null(none);
}

Test(key, may_be_freed_half_filled)
{
    struct key *key = key_new(3);
    key_set(key, 1, "a", 1);
    key_free(&key);
}
