#include "base/name.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void check(const char *schema, const char *table, const char *expected)
{
    char *name = stream_name(schema, table), *back_schema, *back_table;
    cr_assert_str_eq(name, expected);
    cr_assert(stream_name_parse(name, &back_schema, &back_table));
    cr_assert_str_eq(back_schema, schema);
    cr_assert_str_eq(back_table, table);
    free(name);
    free(back_schema);
    free(back_table);
}

Test(name, plain_parts_stand_for_themselves)
{
    check("public", "t", "public.t");
    check("My Schema", "Été/x", "My Schema.Été/x");
}

Test(name, dots_and_quotes_are_quoted)
{
    check("a.b", "c", "\"a.b\".c");
    check("a", "b.c", "a.\"b.c\"");
    check("a\"b", "\"\"", "\"a\"\"b\".\"\"\"\"\"\"");
    check(".", "\"", "\".\".\"\"\"\"");
}

Test(name, a_label_is_the_same_by_value)
{
    char part[400];
    cr_assert_str_eq(stream_label("My Schema", "a.\"b").s, "My Schema.\"a.\"\"b\"");
    memset(part, 'x', sizeof part - 1);
    part[sizeof part - 1] = '\0';
    struct stream_label label = stream_label(part, part);
    cr_assert_eq(strlen(label.s), sizeof label.s - 1);
    cr_assert_str_eq(label.s + strlen(label.s) - 4, "x...");
}

Test(name, quotes_may_be_where_none_are_needed)
{
    char *schema, *table;
    cr_assert(stream_name_parse("\"public\".\"t\"", &schema, &table));
    cr_assert_str_eq(schema, "public");
    cr_assert_str_eq(table, "t");
    free(schema);
    free(table);
}

Test(name, anything_else_is_refused)
{
    static const char *const wrong[] = {
        "",       ".",     "a",      "a.",     ".b",    "a.b.c",    "\"a.b", "\"a\"b.c", "a.\"b\"c",
        "a\"b.c", "a.b\"", "\"\".b", "a.\"\"", "\"a\"", "a.\"b\".", "a..b",  "\"",       "\"\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *schema = (char *)"", *table = (char *)"";
        cr_expect_not(stream_name_parse(wrong[i], &schema, &table), "%s", wrong[i]);
        cr_expect(!schema && !table, "%s", wrong[i]);
    }
}
