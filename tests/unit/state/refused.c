#include "parse.h"

TestSuite(refused, .init = start, .fini = stop);

static void disagrees(const char *a, const char *b, const char *member)
{
    char json[1000], message[300];
    snprintf(json, sizeof json,
             "[" LONE_STREAM("a", "\"mode\":\"Active\",%s") "," LONE_STREAM(
                 "b", "\"mode\":\"Active\",%s") "]",
             a, b);
    snprintf(
        message, sizeof message,
        "state: the state of the stream \"public.b\" disagrees with those before it on %s: pass "
        "states of one capture, or start without a state",
        member);
    refused(json, message);
}

Test(refused, stream_states_must_agree)
{
    disagrees("\"cursor\":\"0/1\",\"slot\":\"a\"", "\"slot\":\"b\"", "slot");
    disagrees("\"cursor\":\"0/1\",\"database\":\"a\"", "\"database\":\"b\"", "database");
    disagrees("\"cursor\":\"0/1\",\"timeline\":1", "\"timeline\":2", "timeline");
    disagrees("\"system_identifier\":\"1\"", "\"system_identifier\":\"2\"", "system_identifier");
}

Test(refused, an_empty_file_is_not_a_beginning)
{
    static const char empty[] = "state is empty: restore the last state that the capture wrote, or "
                                "give [] to begin without one";
    refused("", empty);
    refused(" \r\n\t\n", empty);
}

Test(refused, a_carry_is_a_number)
{
    refused("{\"cursor\":\"0/1\",\"carry\":\"-1\"}", "state: carry is \"-1\", which is no number");
    refused("{\"cursor\":\"0/1\",\"carry\":\"18446744073709551616\"}",
            "state: carry is \"18446744073709551616\", which is no number");
}

Test(refused, forms_are_not_mixed)
{
    refused("[" LONE_STREAM(
                "a", "\"mode\":\"Active\",\"cursor\":\"0/1\"") ",{\"data\":{\"cursor\":\"0/1\"}}]",
            "state: it mixes STREAM states with states of the whole capture");
    refused("[{\"data\":{\"cursor\":\"0/1\"}}," LONE_STREAM(
                "a", "\"mode\":\"Active\",\"cursor\":\"0/1\"") "]",
            "state: it mixes STREAM states with states of the whole capture");
}

Test(refused, a_state_of_captured_streams_needs_a_cursor)
{
    static const char *const members[] = {
        "\"mode\":\"Active\"", "\"mode\":\"Ignore\"", "\"mode\":\"Backfill\",\"backfilled\":1",
        "\"mode\":\"Backfill\",\"ranges\":[{},{\"scanned\":[\"1\"]}]"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        char json[200];
        snprintf(json, sizeof json, "{\"streams\":{\"a.b\":{%s}}}", members[i]);
        refused(json,
                "state: the stream \"a.b\" has been captured, but the cursor that it was captured "
                "up to is missing");
    }
}

#define IN_STREAM(members) "{\"cursor\":\"0/1\",\"streams\":{\"t\":{" members "}}}"

Test(refused, wrong_streams)
{
    refused(IN_STREAM(""), "state: streams.t.mode is missing: it must be a string");
    refused(IN_STREAM("\"mode\":1"), "state: streams.t.mode must be a string, not a number");
    refused(IN_STREAM("\"mode\":\"active\""),
            "state: streams.t.mode is \"active\"; it must be Backfill, Active or Ignore");
    refused(IN_STREAM("\"mode\":\"Active\",\"key_columns\":{}"),
            "state: streams.t.key_columns must be an array, not an object");
    refused(IN_STREAM("\"mode\":\"Active\",\"key_columns\":[\"a\",null]"),
            "state: streams.t.key_columns[1] is missing: it must be a string");
    refused(IN_STREAM("\"mode\":\"Active\",\"backfilled\":-1"),
            "state: streams.t.backfilled must be a whole number from 0 to 9007199254740992");
    refused(IN_STREAM("\"mode\":\"Backfill\",\"ranges\":{}"),
            "state: streams.t.ranges must be an array, not an object");
    refused(IN_STREAM("\"mode\":\"Backfill\",\"ranges\":[{},[]]"),
            "state: streams.t.ranges[1] must be an object, not an array");
    refused(IN_STREAM("\"mode\":\"Backfill\",\"ranges\":[{\"until\":7}]"),
            "state: streams.t.ranges[0].until must be an array, not a number");
    refused(IN_STREAM("\"mode\":\"Backfill\",\"ranges\":[{\"until\":[7]}]"),
            "state: streams.t.ranges[0].until[0] must be a string, not a number");
    refused(IN_STREAM("\"mode\":\"Backfill\",\"ranges\":[{\"scanned\":[]}]"),
            "state: streams.t.ranges[0].scanned must hold one string for each key column");
    refused(
        IN_STREAM(
            "\"mode\":\"Backfill\",\"key_columns\":[\"a\"],\"ranges\":[{\"until\":[\"1\",\"2\"]}]"),
        "state: streams.t.ranges[0].until must hold one string for each key column");
    refused(IN_STREAM(
                "\"mode\":\"Backfill\",\"ranges\":[{\"scanned\":[\"1\"],\"until\":[\"1\",\"2\"]}]"),
            "state: streams.t.ranges[0].until must hold one string for each key column");
    refused(IN_STREAM("\"mode\":\"Backfill\",\"snapshot\":\"10:\""),
            "state: streams.t.snapshot is \"10:\"; it must be a snapshot like 10:20:14");
    refused(IN_STREAM("\"mode\":\"Backfill\",\"snapshot\":10"),
            "state: streams.t.snapshot must be a string, not a number");
    refused(IN_STREAM("\"mode\":\"Active\",\"oid\":\"t\""),
            "state: streams.t.oid must be a whole number, not a string");
    refused(IN_STREAM("\"mode\":\"Active\",\"terms\":7"),
            "state: streams.t.terms must be an object, not a number");
    refused(IN_STREAM("\"mode\":\"Active\",\"terms\":{\"key\":7}"),
            "state: streams.t.terms.key must be a string, not a number");
    refused(IN_STREAM("\"mode\":\"Active\",\"terms\":{\"horizon\":\"x\"}"),
            "state: streams.t.terms.horizon is \"x\"; it must be a transaction id");
    refused("{\"cursor\":\"0/1\",\"streams\":[]}",
            "state: streams must be an object, not an array");
    refused("{\"cursor\":\"0/1\",\"streams\":{\"t\":[]}}",
            "state: streams.t must be an object, not an array");
}

Test(refused, wrong_shared_members)
{
    refused("{\"cursor\":1}", "state: cursor must be a string, not a number");
    refused("{\"cursor\":\"0-1\"}", "state: cursor is \"0-1\"; it must be an LSN like 0/16B3748");
    refused("{\"cursor\":\"0/1\",\"system_identifier\":7300000000000000000}",
            "state: system_identifier must be a string, not a number");
    refused("{\"cursor\":\"0/1\",\"system_identifier\":\"0x1\"}",
            "state: system_identifier is \"0x1\"; it must be a decimal number");
    refused("{\"cursor\":\"0/1\",\"timeline\":4294967296}",
            "state: timeline must be a whole number from 1 to 4294967295");
    refused("{\"cursor\":\"0/1\",\"unseen\":[1,-1]}",
            "state: unseen[1] must be a whole number from 0 to 4294967295");
    refused("{\"cursor\":\"0/1\",\"unseen\":1}", "state: unseen must be an array, not a number");
    refused("{\"cursor\":\"0/1\",\"slot\":{}}", "state: slot must be a string, not an object");
}

Test(refused, wrong_messages)
{
    refused("1", "state: must be an object, not a number");
    refused("[[]]", "state: [0] must be an object, not an array");
    refused("{\"foo\":1}",
            "state: is not a state of this connector: it has neither cursor nor streams");
    refused("{\"data\":{\"foo\":1}}",
            "state: data is not a state of this connector: it has neither cursor nor streams");
    refused("{\"type\":\"RECORD\",\"record\":{}}",
            "state: type is \"RECORD\"; a state is GLOBAL, STREAM or LEGACY");
    refused("{\"type\":\"STATE\"}", "state: state is missing: it must be an object");
    refused("{\"type\":\"STATE\",\"state\":[]}", "state: state must be an object, not an array");
    refused("{\"type\":7}", "state: type must be a string, not a number");
    refused("{\"data\":[]}", "state: data must be an object, not an array");
    refused("{\"global\":[]}", "state: global must be an object, not an array");
    refused("{\"global\":{\"shared_state\":[]}}",
            "state: global.shared_state must be an object, not an array");
    refused("{\"global\":{\"stream_states\":{}}}",
            "state: global.stream_states must be an array, not an object");
    refused("{\"global\":{\"stream_states\":[{}]}}",
            "state: global.stream_states[0].stream_descriptor is missing: it must be an object");
    refused("{\"stream\":{\"stream_descriptor\":{}}}",
            "state: stream.stream_descriptor.name is missing: it must be a string");
    refused("{\"stream\":{\"stream_descriptor\":{\"name\":\"t\",\"namespace\":1}}}",
            "state: stream.stream_descriptor.namespace must be a string, not a number");
    refused("{\"stream\":{\"stream_descriptor\":{\"name\":\"t\"},\"stream_state\":[]}}",
            "state: stream.stream_state must be an object, not an array");
    refused("{\"type\":\"STREAM\",\"stream\":null,\"data\":null}",
            "state: stream is missing: it must be an object");
}

Test(refused, a_global_state_has_a_stream_once)
{
    refused("{\"global\":{\"shared_state\":{\"cursor\":\"0/1\"},\"stream_states\":["
            "{\"stream_descriptor\":{\"name\":\"t\"},\"stream_state\":{\"mode\":\"Active\"}},"
            "{\"stream_descriptor\":{\"name\":\"t\",\"namespace\":\"public\"},"
            "\"stream_state\":{\"mode\":\"Ignore\"}}]}}",
            "state: the stream \"public.t\" is there twice");
}
