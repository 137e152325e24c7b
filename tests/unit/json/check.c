#include "check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

/* Exactly `len` bytes of memory, so that a sanitizer sees the first byte too many. */
static const char *reason_of(const char *text, size_t len)
{
    char *exact = malloc(len ? len : 1);
    memcpy(exact, text, len);
    struct json_fault fault = json_check(exact, len);
    if (fault.reason) {
        cr_assert(fault.at >= exact && fault.at <= exact + len);
    }
    free(exact);
    return fault.reason;
}

static bool is_json(const char *text)
{
    return !reason_of(text, strlen(text));
}

Test(check, takes_json)
{
    static const char *const right[] = {
        "null",
        " true ",
        "\t[\n]\r",
        "{}",
        "[1,-0,0.5,1e9,1E+9,2.5e-3]",
        "\"\\u00e9\\n\\/\"",
        "{\"a\":{\"b\":[{},[],\"\"]}, \"\" : 1}",
        "\"\\ud83d\\ude00\"",
        "\"é€😀\"",
        "\"\x7f\"",
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        cr_expect(is_json(right[i]), "%s", right[i]);
    }
}

Test(check, refuses_what_is_not_json)
{
    static const char *const wrong[] = {
        "",          " ",           "nul",    "nulls",   "True",     "NaN",        "Infinity",
        "'a'",       "01",          "-",      "+1",      ".5",       "1.",         "1e",
        "1e+",       "0x1",         "--1",    "[1,]",    "[,1]",     "[1 2]",      "[",
        "]",         "{",           "}",      "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
        "{,}",       "{\"a\" 1}",   "{1:2}",  "\"",      "\"a",      "\"\\",       "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\t\"",  "1 2",      "{} {}",      "[]]",
        "// c\n1",   "[1]x",        "\"\\u",  "-a",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(is_json(wrong[i]), "%s", wrong[i]);
    }
}

Test(check, refuses_every_truncation)
{
    static const char text[] = "{\"a\":[true,\"\\ud83d\\ude00é\",-1.5e+3,null,{\"b\":false}]}";
    cr_assert(is_json(text));
    for (size_t len = 0; len + 1 < sizeof text; len++) {
        cr_expect(reason_of(text, len), "%zu bytes", len);
    }
}

Test(check, refuses_nul_in_a_string)
{
    cr_assert_str_eq(reason_of("\"a\\u0000b\"", 10), "a string may not hold a NUL character");
    cr_assert(reason_of("\"a\0b\"", 5));
    cr_assert(reason_of("\"\\\0\"", 4));
    cr_assert(reason_of("\0", 1));
    cr_assert(reason_of("1\0", 2));
}

Test(check, refuses_lone_surrogates)
{
    static const char *const wrong[] = {
        "\"\\ud800\"",        "\"\\ud800x\"",       "\"\\udc00\"",        "\"\\ud800\\n\"",
        "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"", "\"\\ud800\\udfg0\"", "\"\\ud800\\u00\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(is_json(wrong[i]), "%s", wrong[i]);
    }
}

Test(check, refuses_what_is_not_utf8)
{
    static const char *const wrong[] = {"\"\x80\"",
                                        "\"\xC0\x80\"",
                                        "\"\xC1\xBF\"",
                                        "\"\xE0\x9F\xBF\"",
                                        "\"\xED\xA0\x80\"",
                                        "\"\xF0\x8F\xBF\xBF\"",
                                        "\"\xF4\x90\x80\x80\"",
                                        "\"\xF5\x80\x80\x80\"",
                                        "\"\xFF\"",
                                        "\"\xE2\x82\"",
                                        "\"\xE2\"",
                                        "\"\xC3",
                                        "\"\xF0\x9F\x98\"",
                                        "\"\xE2\x82x\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(is_json(wrong[i]), "case %zu", i);
    }
}

static bool nested(size_t depth)
{
    char text[512];
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return !reason_of(text, 2 * depth);
}

Test(check, depth_is_limited)
{
    cr_assert(nested(JSON_DEPTH));
    cr_assert_not(nested(JSON_DEPTH + 1));
}

Test(check, a_million_brackets_do_no_harm)
{
    size_t len = 1000000;
    char *text = malloc(len);
    memset(text, '[', len);
    cr_assert_str_eq(json_check(text, len).reason, "it is nested too deeply");
    free(text);
}

Test(check, numbers_that_cjson_would_cut_are_refused)
{
    char text[80];
    memset(text, '9', sizeof text);
    cr_assert_null(reason_of(text, JSON_NUMBER_TEXT));
    cr_assert_str_eq(reason_of(text, JSON_NUMBER_TEXT + 1), "the number is too long");
}
