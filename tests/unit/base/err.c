#include "base/err.h"

#include <criterion/criterion.h>
#include <string.h>

Test(err, set_fills_the_message_and_returns_false)
{
    struct err err;
    memset(&err, 'x', sizeof err);
    cr_assert_not(err_set(&err, ERR_TRANSIENT, "lost %d rows", 3));
    cr_assert_eq(err.kind, ERR_TRANSIENT);
    cr_assert_str_eq(err.message, "lost 3 rows");
    cr_assert_str_empty(err.detail);
    cr_assert_str_empty(err.schema);
    cr_assert_str_empty(err.table);
}

Test(err, detail_and_stream_keep_the_message)
{
    struct err err;
    err_set(&err, ERR_CONFIG, "no");
    cr_assert_not(err_detail(&err, "SQLSTATE %s", "42P01"));
    cr_assert_not(err_stream(&err, "public", "t"));
    cr_assert_str_eq(err.message, "no");
    cr_assert_str_eq(err.detail, "SQLSTATE 42P01");
    cr_assert_str_eq(err.schema, "public");
    cr_assert_str_eq(err.table, "t");
}

Test(err, prefix_comes_before_the_message)
{
    struct err err;
    err_set(&err, ERR_SYSTEM, "the disk is full");
    cr_assert_not(err_prefix(&err, "while reading %s: ", "x"));
    cr_assert_str_eq(err.message, "while reading x: the disk is full");
}

Test(err, suffix_comes_after_the_message)
{
    struct err err;
    err_set(&err, ERR_CONFIG, "begin again");
    cr_assert_not(err_remedy(&err, REMEDY_BEGIN_AGAIN));
    cr_assert_not(err_suffix(&err, ": run %s", "x"));
    cr_assert_str_eq(err.message, "begin again: run x");
    cr_assert_eq(err.remedy, REMEDY_BEGIN_AGAIN);
    err_set(&err, ERR_CONFIG, "other");
    cr_assert_eq(err.remedy, REMEDY_NONE);
}

Test(err, long_messages_are_cut_between_characters)
{
    static char text[4000];
    struct err err;
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3) {
            memcpy(text + i, "€", 4);
        }
        err_set(&err, ERR_SYSTEM, "%s", text);
        size_t len = strlen(err.message);
        cr_assert_geq(len, sizeof err.message - 4);
        cr_assert_eq((len - shift) % 3, 0);
        err_prefix(&err, "%s", "bb");
        cr_assert_eq((strlen(err.message) - shift - 2) % 3, 0);
    }
}

Test(err, long_prefixes_leave_no_room)
{
    static char text[4000];
    struct err err;
    memset(text, 'a', sizeof text - 1);
    err_set(&err, ERR_SYSTEM, "tail");
    err_prefix(&err, "%s", text);
    cr_assert_eq(strlen(err.message), sizeof err.message - 1);
}

Test(err, kinds_have_airbytes_names)
{
    cr_assert_str_eq(err_kind_name(ERR_CONFIG), "config_error");
    cr_assert_str_eq(err_kind_name(ERR_TRANSIENT), "transient_error");
    cr_assert_str_eq(err_kind_name(ERR_SYSTEM), "system_error");
    cr_assert_str_eq(err_kind_name(ERR_NONE), "system_error");
    cr_assert_str_eq(err_kind_name(ERR_STOPPED), "system_error");
}

Test(err, several_are_reported_a_line_each)
{
    struct err all = {0}, one;
    err_set(&one, ERR_CONFIG, "first");
    err_stream(&one, "s", "t");
    cr_assert(err_add(&all, &one));
    cr_assert_eq(all.kind, ERR_CONFIG);
    cr_assert_str_eq(all.table, "t");
    err_set(&one, ERR_CONFIG, "second");
    err_stream(&one, "s", "t");
    cr_assert(err_add(&all, &one));
    cr_assert_str_eq(all.schema, "s");
    err_stream(&one, "s", "u");
    err_add(&all, &one);
    cr_assert_str_eq(all.message, "first\nsecond\nsecond");
    cr_assert_str_empty(all.table);
}

Test(err, of_several_the_remedy_is_one_that_all_have)
{
    struct err all = {0}, one;
    err_set(&one, ERR_CONFIG, "begin again");
    err_remedy(&one, REMEDY_BEGIN_AGAIN);
    err_add(&all, &one);
    err_add(&all, &one);
    cr_assert_eq(all.remedy, REMEDY_BEGIN_AGAIN);
    err_set(&one, ERR_CONFIG, "another");
    err_add(&all, &one);
    cr_assert_eq(all.remedy, REMEDY_NONE);
}

Test(err, of_too_many_the_first_are_reported_in_full)
{
    struct err all = {0}, one;
    err_set(&one, ERR_CONFIG, "%0700d", 1);
    while (err_add(&all, &one)) {
        cr_assert_lt(strlen(all.message), sizeof all.message);
    }
    cr_assert_str_eq(strrchr(all.message, '\n'), "\n…");
    cr_assert_eq(strlen(all.message), 4 * 700 + 3 + strlen("\n…"));
}

Test(err, a_query_that_failed_names_its_table_once)
{
    struct err err;
    err_set(&err, ERR_CONFIG, "permission denied");
    cr_assert_not(err_about(&err, "s", "t"));
    cr_assert_str_eq(err.message, "table s.t: permission denied");
    cr_assert_str_eq(err.schema, "s");
    err_about(&err, "s", "other");
    cr_assert_str_eq(err.message, "table s.t: permission denied");
    err_set(&err, ERR_CONFIG, "reading table \"s\".\"t\": permission denied");
    err_about(&err, "s", "t");
    cr_assert_str_eq(err.message, "reading table \"s\".\"t\": permission denied");
    cr_assert_str_eq(err.table, "t");
    err_set(&err, ERR_STOPPED, "stopped");
    err_about(&err, "s", "t");
    cr_assert_str_eq(err.message, "stopped");
}
