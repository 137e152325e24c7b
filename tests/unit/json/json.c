#include "json/json.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err err;
static cJSON *document;
static struct json_at root;

static void parse(const char *text)
{
    cJSON_Delete(document);
    document = json_parse("doc", text, strlen(text), &err);
    cr_assert_not_null(document, "%s", err.message);
    root = json_root("doc", document);
}

static void stop(void)
{
    cJSON_Delete(document);
    document = NULL;
}

TestSuite(json, .fini = stop);

static void refused(const char *text, const char *message)
{
    cr_expect_null(json_parse("doc", text, strlen(text), &err));
    cr_expect_eq(err.kind, ERR_CONFIG);
    cr_expect_str_eq(err.message, message);
}

Test(json, faults_have_line_and_column)
{
    refused("", "doc is not valid JSON: line 1, column 1: it is empty");
    refused("{\"a\":1,\n \"b\" 2}", "doc is not valid JSON: line 2, column 6: ':' is expected");
    refused("[\"é€\", x]", "doc is not valid JSON: line 1, column 8: a value is expected");
    refused("[1,\n\n", "doc is not valid JSON: line 3, column 1: it ends too early");
    refused("{} {}", "doc is not valid JSON: line 1, column 4: nothing may follow the value");
}

Test(json, a_byte_order_mark_is_stepped_over)
{
    parse("\xEF\xBB\xBF{\"a\":1}");
    cr_assert_not_null(json_member(&root, "a").item);
    refused("\xEF\xBB\xBFx", "doc is not valid JSON: line 1, column 1: a value is expected");
}

Test(json, a_name_may_not_be_there_twice)
{
    refused("{\"a\":1,\"a\":1}", "doc: a is there twice");
    refused("{\"x\":[0,{\"b\":1,\"c\":2,\"b\":3}]}", "doc: x[1].b is there twice");
    refused("{\"a\":1,\"\\u0061\":1}", "doc: a is there twice");
    parse("{\"a\":1,\"A\":1,\"x\":{\"a\":1}}");
}

Test(json, a_null_beside_its_name_is_nothing)
{
    refused("{\"a\":1,\"a\":null,\"a\":2}", "doc: a is there twice");
    parse("{\"a\":null,\"b\":null,\"a\":{},\"b\":null,\"a\":null}");
    cr_assert(cJSON_IsObject(json_member(&root, "a").item));
    cr_assert_null(json_member(&root, "b").item);
}

Test(json, nulls_and_absent_members_are_nothing)
{
    parse("{\"a\":null,\"b\":[null]}");
    struct json_at a = json_member(&root, "a"), b = json_member(&root, "b");
    cr_assert_null(a.item);
    cr_assert_null(json_member(&root, "c").item);
    cr_assert_null(json_member(&a, "c").item);
    cr_assert_null(json_member(&b, "c").item);
    cr_assert_null(json_child(&b, b.item->child).item);
}

Test(json, names_are_case_sensitive)
{
    parse("{\"Abc\":1}");
    cr_assert_null(json_member(&root, "abc").item);
}

static void path_is(const struct json_at *at, const char *path)
{
    char message[600];
    snprintf(message, sizeof message, "%s is wrong", path);
    cr_expect_not(json_error(at, &err, "is %s", "wrong"));
    cr_expect_str_eq(err.message, message);
}

Test(json, errors_say_where)
{
    parse("{\"a\":{\"b c\":[[],[{\"d\":1}]]}}");
    struct json_at a = json_member(&root, "a"), b = json_member(&a, "b c");
    struct json_at second = json_child(&b, b.item->child->next);
    struct json_at element = json_child(&second, second.item->child);
    struct json_at d = json_member(&element, "d"), none = json_member(&element, "none");
    path_is(&root, "doc:");
    path_is(&a, "doc: a");
    path_is(&b, "doc: a[\"b c\"]");
    path_is(&second, "doc: a[\"b c\"][1]");
    path_is(&d, "doc: a[\"b c\"][1][0].d");
    path_is(&none, "doc: a[\"b c\"][1][0].none");
}

Test(json, paths_of_any_length_fit)
{
    struct json_at places[JSON_DEPTH + 1] = {{.name = "doc"}};
    char name[300];
    memset(name, '"', sizeof name);
    name[299] = '\0';
    for (int i = 1; i <= JSON_DEPTH; i++) {
        places[i] = (struct json_at){.up = &places[i - 1], .name = i % 2 ? name : "abcdefgh"};
    }
    cr_assert_not(json_error(&places[JSON_DEPTH], &err, "is wrong"));
    cr_assert_lt(strlen(err.message), 600);
}

Test(json, wrong_types_are_named)
{
    static const struct {
        const char *json, *name;
    } values[] = {{"{\"v\":\"s\"}", "a string"},
                  {"{\"v\":1}", "a number"},
                  {"{\"v\":[]}", "an array"},
                  {"{\"v\":{}}", "an object"},
                  {"{\"v\":false}", "true or false"}};
    for (size_t i = 0; i < 5; i++) {
        parse(values[i].json);
        struct json_at v = json_member(&root, "v");
        const char *string;
        int64_t integer;
        bool yes;
        char **strings;
        cr_expect_eq(json_string(&v, &string, &err), i == 0);
        cr_expect_eq(json_integer(&v, 0, 9, &integer, &err), i == 1);
        cr_expect_eq(json_array(&v, &err), i == 2);
        cr_expect_eq(json_object(&v, &err), i == 3);
        cr_expect_eq(json_bool(&v, &yes, &err), i == 4);
        if (i != 2) {
            cr_expect_not(json_strings(&v, &strings, &err));
            cr_expect_not_null(strstr(err.message, values[i].name));
        }
    }
    parse("{}");
    struct json_at v = json_member(&root, "v");
    cr_expect_not(json_object(&v, &err));
    cr_expect_str_eq(err.message, "doc: v is missing: it must be an object");
}

static bool integer(const char *text, int64_t *value)
{
    parse(text);
    return json_integer(&root, -5, (int64_t)1 << 53, value, &err);
}

Test(json, integers_are_whole_and_within_range)
{
    int64_t value = 77;
    cr_assert(integer("-5", &value) && value == -5);
    cr_assert(integer("1e3", &value) && value == 1000);
    cr_assert(integer("7.0", &value) && value == 7);
    cr_assert(integer("9007199254740992", &value) && value == (int64_t)1 << 53);
    value = 77;
    cr_assert_not(integer("-6", &value));
    cr_assert_not(integer("9007199254740994", &value));
    cr_assert_not(integer("1e300", &value));
    cr_assert_not(integer("1e999", &value));
    cr_assert_not(integer("-1e999", &value));
    cr_assert_not(integer("0.5", &value));
    cr_assert_eq(value, 77);
}

Test(json, strings_are_copied_whole_or_not_at_all)
{
    char **strings = NULL;
    parse("[\"a\",\"\",\"b\"]");
    cr_assert(json_strings(&root, &strings, &err));
    cr_assert(!strcmp(strings[0], "a") && !*strings[1] && !strcmp(strings[2], "b") && !strings[3]);
    json_strings_free(&strings);
    cr_assert_null(strings);
    parse("[\"a\",1]");
    cr_assert_not(json_strings(&root, &strings, &err));
    cr_assert_null(strings);
    cr_assert_str_eq(err.message, "doc: [1] must be a string, not a number");
    parse("[]");
    cr_assert(json_strings(&root, &strings, &err));
    cr_assert_null(strings[0]);
    json_strings_free(&strings);
    json_strings_free(&strings);
}

Test(json, foreign_text_is_shown_on_one_line)
{
    char text[400];
    cr_assert_str_eq(json_show("a b").s, "\"a b\"");
    cr_assert_str_eq(json_show("").s, "\"\"");
    cr_assert_str_eq(json_show("a\nb\x7F\xFF").s, "\"a?b??\"");
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', sizeof text);
        for (size_t i = shift; i + 4 < sizeof text; i += 4) {
            memcpy(text + i, "😀", 5);
        }
        struct json_shown shown = json_show(text);
        size_t len = strlen(shown.s);
        cr_assert(len > 100 && len < sizeof shown.s);
        cr_assert_str_eq(shown.s + len - 4, "…\"");
        cr_assert_eq((len - 5 - shift) % 4, 0);
    }
}

static void written(const char *text, size_t len, const char *expected)
{
    struct out out;
    out_init(&out, 1);
    json_write_string(&out, text, len);
    cr_expect_str_eq(out_text(&out), expected);
    out_free(&out);
}

Test(json, strings_are_escaped)
{
    written("", 0, "\"\"");
    written("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
    written("\b\f\n\r\t\x01\x1F\x7F", 8, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\"");
    written("a\0b", 3, "\"a\\u0000b\"");
    written("é€😀", 9, "\"é€😀\"");
}

Test(json, what_is_not_utf8_is_replaced)
{
    written("\xFFz\xE2\x82", 4, "\"\uFFFDz\uFFFD\uFFFD\"");
    written("\xED\xA0\x80", 3, "\"\uFFFD\uFFFD\uFFFD\"");
}

Test(json, what_is_written_can_be_read)
{
    struct out out;
    char text[128];
    for (int i = 0; i < 127; i++) {
        text[i] = (char)(i + 1);
    }
    text[127] = '\0';
    char *strings[] = {text, (char *)"", (char *)"é", NULL}, **back;
    out_init(&out, 1);
    json_write_strings(&out, strings);
    parse(out_text(&out));
    cr_assert(json_strings(&root, &back, &err));
    for (int i = 0; i < 3; i++) {
        cr_assert_str_eq(back[i], strings[i]);
    }
    json_strings_free(&back);
    out_free(&out);
}
