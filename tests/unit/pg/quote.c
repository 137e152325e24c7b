#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "catalogs.h"
#include "pg/pg.h"

Test(quote, identifier_doubles_its_quotes)
{
    struct out out;
    out_init(&out, 1);
    pg_quote_identifier(&out, "Mixed \"Case\"");
    cr_assert_str_eq(out_text(&out), "\"Mixed \"\"Case\"\"\"");
    out_free(&out);
}

Test(quote, literal_doubles_its_quotes_and_keeps_backslashes)
{
    struct out out;
    out_init(&out, 1);
    pg_quote_literal(&out, "it's \\n", 7);
    cr_assert_str_eq(out_text(&out), "'it''s \\n'");
    out_free(&out);
}

Test(quote, table_has_both_parts_quoted)
{
    char *name = sql_table("a.b", "c\"d");
    cr_assert_str_eq(name, "\"a.b\".\"c\"\"d\"");
    free(name);
}

Test(array, elements_are_quoted_and_escaped)
{
    struct out out;
    out_init(&out, 1);
    pg_array_open(&out);
    pg_array_add(&out, "");
    pg_array_add(&out, "{");
    pg_array_add(&out, "a\"b\\c,d");
    pg_array_add(&out, "NULL");
    pg_array_close(&out);
    cr_assert_str_eq(out_text(&out), "{\"\",\"{\",\"a\\\"b\\\\c,d\",\"NULL\"}");
    out_free(&out);
}

Test(array, may_be_empty)
{
    struct out out;
    out_init(&out, 1);
    pg_array_open(&out);
    pg_array_close(&out);
    cr_assert_str_eq(out_text(&out), "{}");
    out_free(&out);
}
