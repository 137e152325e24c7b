/* json and jsonb: the value itself, on one line. */
#include "printed.h"

static void expect_unchanged(const char *json)
{
    cr_expect_str_eq(text_of(TYPE_OF(OID_JSON), json), json);
}

Test(json_value, is_printed_as_it_is)
{
    static const char *const values[] = {
        "1",
        "-0",
        "1e400",
        "-1.5E-7",
        "0.10",
        "true",
        "false",
        "null",
        "\"s\"",
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\": [1, 2, {\"b\": null}], \"c\": \"q\\\"uote\\\\\"}",
        " {\"a\" :1 , \"a\":2} ",
        "\"\\u00e9\\b\\f\\n\\r\\t\\/\"",
        "\"\xe2\x80\xa8\xf0\x9f\x90\x98\"",
        "\"\\u0000\"",
        "[\"\x7f\"]",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        expect_unchanged(values[i]);
    }
}

Test(json_value, line_breaks_and_tabs_between_tokens_are_left_out)
{
    expect_texts(TYPE_OF(OID_JSON), {"{\n  \"a\":\t[1,\r\n2]\n}\n", "{  \"a\":[1,2]}"},
                 {"\n\"a\\nb\"\n", "\"a\\nb\""}, {"\t-1.5e3\t", "-1.5e3"});
}

Test(json_value, pairs_of_surrogates_stay)
{
    expect_unchanged("\"\\ud83d\\ude00\"");
    expect_unchanged("\"\\uD83D\\uDE00\\uDBFF\\uDFFF\"");
    expect_unchanged("\"\\ud7ff\\ue000\"");
}

Test(json_value, lone_surrogates_are_replaced)
{
    expect_texts(TYPE_OF(OID_JSON), {"\"\\ud800\"", "\"\\ufffd\""}, {"\"\\udc00\"", "\"\\ufffd\""},
                 {"\"a\\uD800b\"", "\"a\\ufffdb\""},
                 {"\"\\ud800\\ud83d\\ude00\"", "\"\\ufffd\\ud83d\\ude00\""},
                 {"\"\\ud83d\\ude00\\ude00\"", "\"\\ud83d\\ude00\\ufffd\""},
                 {"\"\\udc00\\ud800\"", "\"\\ufffd\\ufffd\""}, {"\"\\ud800\\n\"", "\"\\ufffd\\n\""},
                 {"\"\\ud800\\u0041\"", "\"\\ufffd\\u0041\""}, {"\"\\\\ud800\"", "\"\\\\ud800\""},
                 {"{\"\\ud800\":\n1}", "{\"\\ufffd\":1}"});
}

Test(json_value, what_is_not_json_is_a_string)
{
    static const struct golden goldens[] = {
        {"", "\"\""},
        {" ", "\" \""},
        {"{", "\"{\""},
        {"[1", "\"[1\""},
        {"[1,]", "\"[1,]\""},
        {"[,1]", "\"[,1]\""},
        {"[1 2]", "\"[1 2]\""},
        {"[1}", "\"[1}\""},
        {"[1]]", "\"[1]]\""},
        {"1 2", "\"1 2\""},
        {"{\"a\"}", "\"{\\\"a\\\"}\""},
        {"{\"a\":}", "\"{\\\"a\\\":}\""},
        {"{\"a\":1,}", "\"{\\\"a\\\":1,}\""},
        {"{a:1}", "\"{a:1}\""},
        {"{\"a\":1 \"b\":2}", "\"{\\\"a\\\":1 \\\"b\\\":2}\""},
        {"\"", "\"\\\"\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"\"\\x\"", "\"\\\"\\\\x\\\"\""},
        {"\"\\u12\"", "\"\\\"\\\\u12\\\"\""},
        {"\"\\u12g4\"", "\"\\\"\\\\u12g4\\\"\""},
        {"\"a\nb\"", "\"\\\"a\\nb\\\"\""},
        {"tru", "\"tru\""},
        {"True", "\"True\""},
        {"nulll", "\"nulll\""},
        {"01", "\"01\""},
        {"-", "\"-\""},
        {"1.", "\"1.\""},
        {"+1", "\"+1\""},
        {"1e", "\"1e\""},
        {"NaN", "\"NaN\""},
        {"'a'", "\"'a'\""},
        {"\x0b"
         "1",
         "\"\\u000b1\""},
    };
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        cr_expect_str_eq(text_of(TYPE_OF(OID_JSON), goldens[i].form), goldens[i].json);
    }
}

Test(json_value, zero_bytes_are_escaped)
{
    cr_expect_str_eq(printed(value_text_writer(TYPE_OF(OID_JSON)), NULL, "1\0", 2), "\"1\\u0000\"");
    cr_expect_str_eq(printed(value_text_writer(TYPE_OF(OID_JSON)), NULL, "\"\\\0\"", 4),
                     "\"\\\"\\\\\\u0000\\\"\"");
}

static char *nested(size_t depth)
{
    char *json = malloc(2 * depth + 1);
    memset(json, '[', depth);
    memset(json + depth, ']', depth);
    json[2 * depth] = '\0';
    return json;
}

Test(json_value, deep_nesting_needs_no_stack)
{
    char *deep = nested(65536), *too_deep = nested(65537);
    expect_unchanged(deep);
    cr_expect_eq(text_of(TYPE_OF(OID_JSON), too_deep)[0], '"');
    free(deep);
    free(too_deep);
}
