/* Arrays, ranges and hstore: what has values inside. */
#include "printed.h"

Test(array, is_nested_as_the_value_is)
{
    expect_texts(ARRAY_OF(TYPE_OF(OID_INT4)), {"{}", "[]"}, {"{1}", "[1]"},
                 {"{1,NULL,-3}", "[1,null,-3]"}, {"{{1,2},{3,4}}", "[[1,2],[3,4]]"},
                 {"{{{1}},{{2}}}", "[[[1]],[[2]]]"});
}

Test(array, bounds_are_left_out)
{
    expect_texts(ARRAY_OF(TYPE_OF(OID_INT4)), {"[2:3]={1,2}", "[1,2]"},
                 {"[-1:0][+5:5]={{1},{2}}", "[[1],[2]]"});
}

Test(array, strings_lose_one_layer_of_quoting)
{
    expect_texts(ARRAY_OF(TYPE_OF(OID_TEXT)),
                 {"{a,\"b c\",\"NULL\",NULL,null}", "[\"a\",\"b c\",\"NULL\",null,\"null\"]"},
                 {"{\"\",\"a\\\"b\",\"c\\\\d\",\"{}\",\"e,f\"}",
                  "[\"\",\"a\\\"b\",\"c\\\\d\",\"{}\",\"e,f\"]"},
                 {"{\"\n\"}", "[\"\\n\"]"});
}

Test(array, elements_have_their_own_look)
{
    expect_texts(ARRAY_OF(TYPE_OF(OID_BOOL)), {"{t,f,NULL}", "[true,false,null]"});
    expect_texts(ARRAY_OF(TYPE_OF(OID_FLOAT8)), {"{NaN,1.5}", "[\"NaN\",1.5]"});
    expect_texts(ARRAY_OF(TYPE_OF(OID_NUMERIC)), {"{1.50}", "[\"1.50\"]"});
    expect_texts(ARRAY_OF(TYPE_OF(OID_BYTEA)), {"{\"\\\\xdead\",\"\\\\x\"}", "[\"3q0=\",\"\"]"});
    expect_texts(ARRAY_OF(TYPE_OF(OID_TIMESTAMP)),
                 {"{\"2024-01-15 14:30:00\",infinity}", "[\"2024-01-15T14:30:00Z\","
                                                        "\"9999-12-31T23:59:59Z\"]"});
    expect_texts(ARRAY_OF(TYPE_OF(OID_JSONB)),
                 {"{\"{\\\"a\\\": \\\"\\\\\\\"\\\"}\",1}", "[{\"a\": \"\\\"\"},1]"});
    expect_texts(ARRAY_OF(NAMED("hstore")), {"{\"\\\"a\\\"=>NULL\",\"\"}", "[{\"a\":null},{}]"});
    expect_texts(ARRAY_OF(CLASS_OF(TYPE_COMPOSITE, NULL)),
                 {"{\"(1,\\\"a b\\\")\"}", "[\"(1,\\\"a b\\\")\"]"});
}

Test(array, of_a_domain_over_an_array)
{
    expect_texts(ARRAY_OF(ARRAY_OF(TYPE_OF(OID_INT4))), {"{\"{1,2}\",\"{}\"}", "[[1,2],[]]"});
}

Test(array, delimiter_is_the_types)
{
    struct type boxes = *ARRAY_OF(TYPE_OF(603));
    boxes.delimiter = ';';
    expect_texts(&boxes, {"{(1,1),(0,0);(2,2),(1,1)}", "[\"(1,1),(0,0)\",\"(2,2),(1,1)\"]"});
}

Test(array, long_elements_with_backslashes_come_whole)
{
    char form[5000] = "{\"", json[5000] = "[\"";
    for (int i = 0; i < 1000; i++) {
        strcat(form, "\\\"x");
        strcat(json, "\\\"x");
    }
    strcat(form, "\"}");
    strcat(json, "\"]");
    expect_texts(ARRAY_OF(TYPE_OF(OID_TEXT)), {form, json});
    expect_texts(ARRAY_OF(TYPE_OF(OID_CHAR)), {form, json});
}

Test(array, what_is_none_is_a_string)
{
    expect_texts(ARRAY_OF(TYPE_OF(OID_INT4)), {"", "\"\""}, {"1 2", "\"1 2\""}, {"{", "\"{\""},
                 {"{1", "\"{1\""}, {"{1,", "\"{1,\""}, {"{1,}", "\"{1,}\""}, {"{,1}", "\"{,1}\""},
                 {"{1}}", "\"{1}}\""}, {"{1}x", "\"{1}x\""}, {"{{1}", "\"{{1}\""},
                 {"{1{2}}", "\"{1{2}}\""}, {"{\"", "\"{\\\"\""}, {"{\"\\", "\"{\\\"\\\\\""},
                 {"{\"\\\"}", "\"{\\\"\\\\\\\"}\""}, {"{\"1\"2}", "\"{\\\"1\\\"2}\""},
                 {"[1:2]", "\"[1:2]\""}, {"[1:2]=", "\"[1:2]=\""}, {"[x]={1}", "\"[x]={1}\""});
}

Test(range, is_postgresqls_text)
{
    expect_texts(CLASS_OF(TYPE_RANGE, TYPE_OF(OID_INT4)), {"[1,10)", "\"[1,10)\""},
                 {"empty", "\"empty\""}, {"(,)", "\"(,)\""});
    expect_texts(CLASS_OF(TYPE_RANGE, TYPE_OF(OID_TEXT)), {"[\"a b\",c)", "\"[\\\"a b\\\",c)\""});
    expect_texts(CLASS_OF(TYPE_RANGE, TYPE_OF(OID_DATE)),
                 {"[2024-01-01,2024-02-01)", "\"[2024-01-01,2024-02-01)\""});
    expect_texts(CLASS_OF(TYPE_MULTIRANGE, TYPE_OF(OID_INT4)),
                 {"{[1,10),[20,30)}", "\"{[1,10),[20,30)}\""});
}

Test(range, timestamps_inside_have_their_look)
{
    expect_texts(CLASS_OF(TYPE_RANGE, TYPE_OF(OID_TIMESTAMP)),
                 {"[\"2024-01-01 00:00:00\",\"2024-02-01 00:00:00.5\")",
                  "\"[2024-01-01T00:00:00Z,2024-02-01T00:00:00.5Z)\""},
                 {"[\"0044-03-15 00:00:00 BC\",infinity]",
                  "\"[0000-01-01T00:00:00Z,9999-12-31T23:59:59Z]\""},
                 {"(,)", "\"(,)\""}, {"empty", "\"empty\""});
    expect_texts(CLASS_OF(TYPE_MULTIRANGE, TYPE_OF(OID_TIMESTAMPTZ)),
                 {"{[\"2024-01-01 00:00:00+00\",\"2024-02-01 00:00:00+00\"),(,infinity)}",
                  "\"{[2024-01-01T00:00:00Z,2024-02-01T00:00:00Z),(,9999-12-31T23:59:59Z)}\""},
                 {"{}", "\"{}\""});
    expect_texts(ARRAY_OF(CLASS_OF(TYPE_RANGE, TYPE_OF(OID_TIMESTAMP))),
                 {"{\"[\\\"2024-01-01 00:00:00\\\",)\"}", "[\"[2024-01-01T00:00:00Z,)\"]"});
}

Test(range, what_is_no_timestamp_stays)
{
    expect_texts(CLASS_OF(TYPE_RANGE, TYPE_OF(OID_TIMESTAMP)), {"", "\"\""}, {"[\"", "\"[\\\"\""},
                 {"[\"x\",y", "\"[\\\"x\\\",y\""}, {"\n[\\", "\"\\n[\\\\\""});
}

Test(hstore, is_an_object)
{
    expect_texts(
        NAMED("hstore"), {"", "{}"}, {"\"a\"=>\"1\"", "{\"a\":\"1\"}"},
        {"\"a\"=>\"NULL\", \"b\"=>NULL, \"\"=>\"\"", "{\"a\":\"NULL\",\"b\":null,\"\":\"\"}"},
        {"\"a\\\"b\"=>\"c\\\\d\n\"", "{\"a\\\"b\":\"c\\\\d\\n\"}"});
}

Test(hstore, what_is_none_is_a_string)
{
    expect_texts(
        NAMED("hstore"), {"a", "\"a\""}, {"\"a\"", "\"\\\"a\\\"\""}, {"\"a\"=>", "\"\\\"a\\\"=>\""},
        {"\"a\"=>1", "\"\\\"a\\\"=>1\""}, {"\"a\"=>NULL,", "\"\\\"a\\\"=>NULL,\""},
        {"\"a\"=>NULL, ", "\"\\\"a\\\"=>NULL, \""}, {"\"a\"=>\"\\", "\"\\\"a\\\"=>\\\"\\\\\""},
        {"\"a\"=>\"\\\"", "\"\\\"a\\\"=>\\\"\\\\\\\"\""});
}

Test(composite, is_its_text)
{
    const struct type *pair = CLASS_OF(TYPE_COMPOSITE, NULL);
    expect_texts(pair, {"(1,\"a \"\"b\"\" \\\\\")", "\"(1,\\\"a \\\"\\\"b\\\"\\\" \\\\\\\\\\\")\""},
                 {"(,)", "\"(,)\""}, {"(\u00e9,\U0001f418,\x7f)", "\"(\u00e9,\U0001f418,\x7f)\""});
}

Test(composite, shows_bytes_that_are_no_utf8_as_octal)
{
    const struct type *pair = CLASS_OF(TYPE_COMPOSITE, NULL);
    expect_texts(pair, {"(\xc3,\xff)", "\"(\\\\303,\\\\377)\""},
                 {"\xe0\x80\x80", "\"\\\\340\\\\200\\\\200\""},
                 {"\xed\xa0\x80", "\"\\\\355\\\\240\\\\200\""}, {"\xf0\x9f", "\"\\\\360\\\\237\""});
    expect_texts(ARRAY_OF(pair), {"{\"(\xc3,\\\"\\\")\"}", "[\"(\\\\303,\\\"\\\")\"]"});
}
