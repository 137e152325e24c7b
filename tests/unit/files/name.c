#include "name.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void is_named(const char *schema, const char *table, const char *expected)
{
    char *name = directory_name(schema, table);
    cr_expect_str_eq(name, expected);
    cr_expect(directory_name_is_sound(name), "%s", name);
    free(name);
}

Test(name, of_a_plain_table_is_its_own)
{
    is_named("public", "orders", "public.orders");
    is_named("my-schema", "a_1-b", "my-schema.a_1-b");
}

Test(name, keeps_apart_what_differs_by_case_alone)
{
    is_named("public", "T", "public.%54");
    is_named("public", "t", "public.t");
}

Test(name, escapes_what_means_something_to_a_file_system_or_a_shell)
{
    is_named("public", "a/b", "public.a%2fb");
    is_named("..", ".", "%2e%2e.%2e");
    is_named("a.b", "c", "a%2eb.c");
    is_named("a", "b.c", "a.b%2ec");
    is_named("-rf", "-", "%2drf.%2d");
    is_named("p", "ö %", "p.%c3%b6%20%25");
    is_named("p", "\x01~", "p.%01%7e");
}

Test(name, is_never_that_of_the_state)
{
    is_named("state", "json", "%73tate.json");
    cr_expect_not(directory_name_is_sound("state.json"));
}

Test(name, that_is_too_long_ends_in_a_hash)
{
    char schema[64], table[64];
    memset(schema, '/', 63);
    memset(table, '/', 63);
    schema[63] = table[63] = '\0';
    char *one = directory_name(schema, table);
    table[62] = 'x';
    char *other = directory_name(schema, table);
    schema[62] = 'y';
    char *third = directory_name(schema, table);
    cr_expect_leq(strlen(one), 240);
    cr_expect(directory_name_is_sound(one) && directory_name_is_sound(third));
    cr_expect_str_neq(one, other);
    cr_expect_str_neq(other, third);
    cr_expect_not_null(strstr(one, "%~"));
    free(one);
    free(other);
    free(third);
}

/* A cut within %2f would make it another name. */
Test(name, is_cut_between_characters)
{
    char schema[64] = "", table[64];
    memset(table, '/', 63);
    table[63] = '\0';
    for (int plain = 1; plain < 4; plain++) {
        memset(schema, '/', 63);
        memset(schema, 'a', (size_t)plain);
        schema[63] = '\0';
        char *name = directory_name(schema, table);
        const char *end = strstr(name, "%~");
        cr_assert_not_null(end);
        for (const char *p = name; p < end;) {
            cr_expect(*p != '%' || (p[1] == '2' && p[2] == 'f'), "%s", name);
            p += *p == '%' ? 3 : 1;
            cr_expect_leq(p, end, "%s", name);
        }
        free(name);
    }
}

Test(name, of_another_kind_is_not_sound)
{
    static const char *const wrong[] = {"", "..", ".a.b", "a", "a/b.c", "../a.b", "A.b", "a.b\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(directory_name_is_sound(wrong[i]), "%s", wrong[i]);
    }
}

Test(name, of_a_file_has_its_number_its_form_and_whether_it_is_finished)
{
    cr_expect_str_eq(file_name(1, false, false).s, "00000001.jsonl");
    cr_expect_str_eq(file_name(123456789, true, true).s, "123456789.jsonl.zst.open");
    for (int form = 0; form < 4; form++) {
        uint64_t number;
        bool zstd, open;
        cr_assert(file_name_parse(file_name(42, form & 1, form & 2).s, &number, &zstd, &open));
        cr_expect_eq(number, 42);
        cr_expect_eq(zstd, form & 1);
        cr_expect_eq(open, (form & 2) != 0);
    }
}

Test(name, of_a_file_is_not_anything)
{
    static const char *const wrong[] = {"",
                                        "00000000.jsonl",
                                        "1.jsonl",
                                        "00000001.json",
                                        "notes",
                                        "00000001.jsonl.zst2",
                                        "00000001.jsonl.open.open",
                                        "99999999999999999999.jsonl",
                                        "0000000000000000000000001.jsonl"};
    uint64_t number;
    bool zstd, open;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(file_name_parse(wrong[i], &number, &zstd, &open), "%s", wrong[i]);
    }
}
