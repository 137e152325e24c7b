#include "row/tuple.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Four columns: null, unchanged, text "ab", binary of no bytes. */
static const uint8_t wal[] = {0, 4, 'n', 'u', 't', 0, 0, 0, 2, 'a', 'b', 'b', 0, 0, 0, 0};

/* Three columns: null, "abc", no bytes. */
static const uint8_t copy[] = {0, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0};

typedef const uint8_t *checker(struct bytes *, int);

/* Exactly `len` bytes of memory, so that a sanitizer sees the first byte too many. */
static bool passes(checker *check, const uint8_t *data, size_t len, int columns)
{
    uint8_t *exact = malloc(len ? len : 1);
    memcpy(exact, data, len);
    struct bytes b = bytes_of(exact, len);
    const uint8_t *tuple = check(&b, columns);
    bool ok = tuple == exact && !b.bad && b.p == b.end;
    cr_assert(ok || (len > sizeof copy ? true : tuple == NULL || b.p != b.end));
    free(exact);
    return ok;
}

Test(tuple, whole_tuples_pass)
{
    cr_assert(passes(tuple_check_wal, wal, sizeof wal, 4));
    cr_assert(passes(tuple_check_row, copy, sizeof copy, 3));
}

Test(tuple, every_truncation_is_found)
{
    for (size_t len = 0; len < sizeof wal; len++) {
        cr_expect_not(passes(tuple_check_wal, wal, len, 4), "wal, %zu bytes", len);
    }
    for (size_t len = 0; len < sizeof copy; len++) {
        cr_expect_not(passes(tuple_check_row, copy, len, 3), "copy, %zu bytes", len);
    }
}

Test(tuple, a_last_value_may_not_be_longer_than_what_is_left)
{
    static const uint8_t row[] = {0, 1, 0, 0, 0, 3, 'a', 'b'};
    cr_expect_not(passes(tuple_check_row, row, sizeof row, 1));
}

Test(tuple, the_count_of_columns_must_be_the_relations)
{
    cr_assert_not(passes(tuple_check_wal, wal, sizeof wal, 3));
    cr_assert_not(passes(tuple_check_wal, wal, sizeof wal, 5));
    cr_assert_not(passes(tuple_check_row, copy, sizeof copy, 2));
    cr_assert_not(passes(tuple_check_row, copy, sizeof copy, 65536 + 3));
}

Test(tuple, unknown_kinds_are_refused)
{
    for (int kind = 0; kind < 256; kind++) {
        const uint8_t data[] = {0, 1, (uint8_t)kind, 0, 0, 0, 0};
        size_t len = kind == 'n' || kind == 'u' ? 3 : sizeof data;
        bool known = kind == 'n' || kind == 'u' || kind == 't' || kind == 'b';
        cr_expect_eq(passes(tuple_check_wal, data, len, 1), known, "kind %d", kind);
    }
}

Test(tuple, enormous_lengths_are_refused)
{
    static const uint8_t high[] = {0x7F, 0x80, 0xFE, 0xFF};
    for (size_t i = 0; i < sizeof high; i++) {
        const uint8_t data[] = {0, 1, 't', high[i], 0xFF, 0xFF, 0xFE, 1};
        cr_expect_not(passes(tuple_check_wal, data, sizeof data, 1));
        const uint8_t row[] = {0, 1, high[i], 0xFF, 0xFF, 0xFE, 1};
        cr_expect_not(passes(tuple_check_row, row, sizeof row, 1));
    }
}

Test(tuple, a_tuple_without_columns_is_two_bytes)
{
    const uint8_t data[] = {0, 0};
    cr_assert(passes(tuple_check_wal, data, sizeof data, 0));
    cr_assert(passes(tuple_check_row, data, sizeof data, 0));
}

Test(tuple, the_next_tuple_begins_where_the_last_ended)
{
    uint8_t two[2 * sizeof wal];
    memcpy(two, wal, sizeof wal);
    memcpy(two + sizeof wal, wal, sizeof wal);
    struct bytes b = bytes_of(two, sizeof two);
    cr_assert_eq(tuple_check_wal(&b, 4), two);
    cr_assert_eq(tuple_check_wal(&b, 4), two + sizeof wal);
    cr_assert_null(tuple_check_wal(&b, 4));
}

Test(tuple, wal_values_are_walked)
{
    struct value value;
    cr_assert_eq(tuple_columns(wal), 4);
    const uint8_t *p = tuple_wal_next(tuple_first(wal), &value);
    cr_assert_eq(value.kind, VALUE_NULL);
    p = tuple_wal_next(p, &value);
    cr_assert_eq(value.kind, VALUE_UNCHANGED);
    p = tuple_wal_next(p, &value);
    cr_assert_eq(value.kind, VALUE_TEXT);
    cr_assert(value.len == 2 && !memcmp(value.data, "ab", 2));
    p = tuple_wal_next(p, &value);
    cr_assert(value.kind == VALUE_BINARY && value.len == 0);
    cr_assert_eq(p, wal + sizeof wal);
}

Test(tuple, copy_values_are_walked)
{
    struct value value;
    const uint8_t *p = tuple_row_next(tuple_first(copy), &value);
    cr_assert(value.kind == VALUE_NULL && !value.data);
    p = tuple_row_next(p, &value);
    cr_assert(value.kind == VALUE_BINARY && value.len == 3 && !memcmp(value.data, "abc", 3));
    p = tuple_row_next(p, &value);
    cr_assert(value.kind == VALUE_BINARY && value.len == 0);
    cr_assert_eq(p, copy + sizeof copy);
}
