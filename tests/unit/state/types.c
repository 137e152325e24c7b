/* The user-defined types that a state remembers. */
#include "parse.h"

TestSuite(state_types, .init = start, .fini = stop);

#define WITH(types)                                                                                \
    "{\"cursor\":\"0/1\",\"streams\":{\"t\":{\"mode\":\"Active\",\"types\":" types "}}}"
#define MOOD "{\"oid\":16390,\"kind\":\"e\",\"schema\":\"public\",\"name\":\"mood\"}"
#define MOODS                                                                                      \
    "{\"oid\":16389,\"kind\":\"a\",\"schema\":\"public\",\"name\":\"_mood\",\"of\":16390,"         \
    "\"delimiter\":\";\"}"
#define PRICE "{\"oid\":4294967295,\"kind\":\"d\",\"of\":1700,\"typmod\":655366}"

Test(state_types, go_both_ways)
{
    static const char text[] = WITH("[" MOOD "," MOODS "," PRICE "]");
    parse(text);
    const struct user_types *types = &state.checkpoint->streams[0].types;
    cr_assert_eq(types->count, 3);
    cr_expect_eq(types->items[0].kind, 'e');
    cr_expect_eq(types->items[0].delimiter, ',');
    cr_expect_eq(types->items[0].typmod, -1);
    cr_expect_str_eq(types->items[1].name, "_mood");
    cr_expect_eq(types->items[1].inner, 16390);
    cr_expect_eq(types->items[2].oid, UINT32_MAX);
    cr_expect_eq(types->items[2].typmod, 655366);
    state_write_whole(&out, &state.identity, state.checkpoint);
    cr_assert_str_eq(out_text(&out), text);
}

Test(state_types, none_are_not_written)
{
    parse(WITH("[]"));
    state_write_stream(&out, &state.checkpoint->streams[0]);
    cr_assert_str_eq(out_text(&out), "{\"mode\":\"Active\"}");
}

Test(state_types, are_copied_with_the_state)
{
    struct stream_state copy;
    parse(WITH("[" MOOD "," MOODS "]"));
    stream_state_copy(&copy, &state.checkpoint->streams[0]);
    state_clear(&state);
    cr_expect_eq(copy.types.count, 2);
    cr_expect_str_eq(copy.types.items[0].name, "mood");
    stream_state_clear(&copy);
}

Test(state_types, are_replaced_as_a_whole_by_a_patch)
{
    parse(WITH("[" MOOD "]"));
    struct state_patch patch = {.newer = state.checkpoint};
    state_write_patch(&out, &patch);
    cr_expect_not_null(strstr(out_text(&out), "\"types\":[" MOOD "]"));
    cr_expect_null(strstr(out_text(&out), "\"types\":null"));
}

#define ENUM(members) WITH("[{\"oid\":16390,\"kind\":\"e\"," members "}]")

Test(state_types, wrong_ones_are_refused)
{
    refused(WITH("{}"), "state: streams.t.types must be an array, not an object");
    refused(WITH("[[]]"), "state: streams.t.types[0] must be an object, not an array");
    refused(WITH("[{\"oid\":16383}]"),
            "state: streams.t.types[0].oid must be a whole number from 16384 to 4294967295");
    refused(WITH("[{\"oid\":16390,\"kind\":\"p\"}]"),
            "state: streams.t.types[0].kind is \"p\"; it must be a, b, c, d, e, m or r");
    refused(WITH("[{\"oid\":16390,\"kind\":\"\"}]"),
            "state: streams.t.types[0].kind is \"\"; it must be a, b, c, d, e, m or r");
    refused(ENUM("\"schema\":\"public\""),
            "state: streams.t.types[0].name is missing: it must be a string");
    refused(WITH("[{\"oid\":16390,\"kind\":\"d\"}]"),
            "state: streams.t.types[0].of is missing: it must be a whole number");
    refused(WITH("[" MOODS "," MOOD "]"),
            "state: streams.t.types[0].of must be the oid of a type before it");
    refused(WITH("[" MOOD "," MOOD "]"),
            "state: streams.t.types[1].oid is that of a type before it");
    refused(WITH("[{\"oid\":16390,\"kind\":\"d\",\"of\":1700,\"typmod\":-2}]"),
            "state: streams.t.types[0].typmod must be a whole number from 0 to 2147483647");
    refused(ENUM("\"schema\":\"s\",\"name\":\"n\",\"delimiter\":\", \""),
            "state: streams.t.types[0].delimiter is \", \"; it must be one character");
}
