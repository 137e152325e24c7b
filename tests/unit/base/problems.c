#include "base/problems.h"

#include <criterion/criterion.h>

static struct problems problems;
static struct err err;

static void stop(void)
{
    problems_free(&problems);
}

TestSuite(problems, .fini = stop);

static void add(const char *text, const char *table)
{
    size_t first = problems.count;
    problems_add(&problems, text);
    problems_concern(&problems, first, table ? "s" : "", table ? table : "");
}

Test(problems, none_is_not_an_error)
{
    size_t next = 0;
    cr_assert(problems_none(&problems, &err));
    cr_assert_not(problems_of_stream(&problems, &next, &err));
}

Test(problems, of_one_stream_alone_name_it)
{
    add("a", "t");
    add("b", "t");
    cr_assert_not(problems_none(&problems, &err));
    cr_assert_str_eq(err.message, "a\nb");
    cr_assert_eq(err.kind, ERR_CONFIG);
    cr_assert_str_eq(err.table, "t");
}

Test(problems, are_reported_together_and_by_stream)
{
    struct out text;
    size_t next = 0;
    add("a", NULL);
    add("b", "t");
    add("c", "t");
    add("d", NULL);
    add("e", "u");
    cr_assert_not(problems_none(&problems, &err));
    cr_assert_str_eq(err.message, "a\nb\nc\nd\ne");
    cr_assert_str_empty(err.table);
    cr_assert(problems_of_stream(&problems, &next, &err));
    cr_assert_str_eq(err.message, "b\nc");
    cr_assert_str_eq(err.table, "t");
    cr_assert(problems_of_stream(&problems, &next, &err));
    cr_assert_str_eq(err.message, "e");
    cr_assert_str_eq(err.table, "u");
    cr_assert_not(problems_of_stream(&problems, &next, &err));
    out_init(&text, 16);
    problems_write(&text, &problems);
    cr_assert_str_eq(out_text(&text), "a\nb\nc\nd\ne");
    out_free(&text);
}
