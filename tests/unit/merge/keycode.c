#include "keycode.h"

#include <criterion/criterion.h>

/* Texts in the order of their values: so must their codes be. */
static void in_order(enum key_order order, const char *const *texts)
{
    struct merge_key key = {.count = 1, .orders = &order};
    struct keycode *last = NULL;
    for (; *texts; texts++) {
        struct key *text = key_new(1);
        key_set(text, 0, *texts, strlen(*texts));
        struct keycode *code = keycode_of(&key, text);
        cr_assert(code, "%s", *texts);
        cr_expect(!last || keycode_compare(last, code) < 0, "%s", *texts);
        free(last);
        last = code;
        key_free(&text);
    }
    free(last);
}

#define IN_ORDER(order, ...) in_order(order, (const char *const[]){__VA_ARGS__, NULL})

Test(keycode, sorts_as_the_values_do)
{
    IN_ORDER(KEY_INT, "-9223372036854775808", "-10", "-9", "-1", "0", "1", "9", "10",
             "9223372036854775807");
    IN_ORDER(KEY_OID, "0", "5", "4294967295");
    IN_ORDER(KEY_BOOL, "f", "t");
    IN_ORDER(KEY_UUID, "00000000-0000-0000-0000-000000000000",
             "0fffffff-0000-0000-0000-000000000000", "f0000000-0000-0000-0000-000000000000");
    IN_ORDER(KEY_TEXT, "", "\x01", "B", "Ba", "a", "\xc3\xa9");
    IN_ORDER(KEY_BYTEA, "\\x", "\\x00", "\\x0000", "\\x0001", "\\x01", "\\x01ff", "\\xff");
    IN_ORDER(KEY_TIME, "-infinity", "4713-01-01 BC", "0001-12-31 23:59:59.9+00 BC",
             "0001-01-01 00:00:00+00", "1999-12-31 23:59:59.999999+00", "2000-01-01 00:00:00+00",
             "2000-02-29", "2000-03-01", "10000-01-01", "5874897-12-31", "infinity");
}

Test(keycode, blanks_at_the_end_of_char_do_not_count)
{
    enum key_order order = KEY_BPCHAR;
    struct merge_key key = {.count = 1, .orders = &order};
    struct key *text = key_new(1);
    key_set(text, 0, "x  ", 3);
    struct keycode *padded = keycode_of(&key, text);
    key_set(text, 0, "x", 1);
    struct keycode *bare = keycode_of(&key, text);
    cr_expect_eq(keycode_compare(padded, bare), 0);
    free(padded);
    free(bare);
    key_free(&text);
}

Test(keycode, refuses_what_is_not_of_the_type)
{
    static const struct {
        enum key_order order;
        const char *text;
    } cases[] = {{KEY_INT, ""},
                 {KEY_INT, "x"},
                 {KEY_INT, "12345678901234567890"},
                 {KEY_OID, "-1"},
                 {KEY_UUID, "12"},
                 {KEY_BOOL, ""},
                 {KEY_BYTEA, "00"},
                 {KEY_BYTEA, "\\x0"},
                 {KEY_BYTEA, "\\xzz"},
                 {KEY_TIME, "yesterday"},
                 {KEY_TIME, "2000-01-01 "},
                 {KEY_TIME, "2000-01-01 00:00:00+01"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum key_order order = cases[i].order;
        struct merge_key key = {.count = 1, .orders = &order};
        struct key *text = key_new(1);
        key_set(text, 0, cases[i].text, strlen(cases[i].text));
        cr_expect_null(keycode_of(&key, text), "%s", cases[i].text);
        key_free(&text);
    }
}
