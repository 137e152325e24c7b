#include "parse.h"

TestSuite(state, .init = start, .fini = stop);

static const char *whole(void)
{
    out.len = 0;
    state_write_whole(&out, &state.identity, state.checkpoint);
    return out_text(&out);
}

#define SHARED                                                                                     \
    "\"cursor\":\"0/16B3748\",\"system_identifier\":\"7300000000000000000\",\"timeline\":1,"       \
    "\"slot\":\"flow_slot\",\"database\":\"postgres\",\"unseen\":[745,4294967295]"
#define STREAM                                                                                     \
    "{\"mode\":\"Backfill\",\"key_columns\":[\"id\",\"b\"],\"backfilled\":1000,\"ranges\":["       \
    "{\"scanned\":[\"1000\",\"é\"],\"until\":[\"5000\",\"\\\"\"]},{\"scanned\":[\"5000\",\"\"]}," \
    "{\"until\":[\"1\",\"2\"]},{}]}"
#define WHOLE                                                                                      \
    "{" SHARED ",\"streams\":{\"public.t\":" STREAM ",\"a.\\\"b.c\\\"\":{\"mode\":\"Active\"}}}"

Test(state, the_whole_form_goes_both_ways)
{
    parse(WHOLE);
    cr_assert_str_eq(whole(), WHOLE);
}

Test(state, a_generation_goes_both_ways)
{
    static const char text[] = "{\"cursor\":\"0/1\",\"streams\":{\"public.t\":{\"mode\":\"Active\","
                               "\"generation\":9007199254740992}}}";
    parse(text);
    cr_assert_eq(checkpoint_stream(state.checkpoint, "public.t")->generation, INT64_C(1) << 53);
    cr_assert_str_eq(whole(), text);
}

Test(state, a_carry_goes_both_ways)
{
    static const char carry[] =
        "{\"cursor\":\"0/1\",\"carry\":\"18446744073709551615\",\"streams\":{"
        "\"public.t\":{\"mode\":\"Active\"}}}";
    parse(carry);
    cr_assert_eq(state.checkpoint->carry, UINT64_MAX);
    cr_assert_str_eq(whole(), carry);
}

Test(state, every_member_is_read)
{
    parse(WHOLE);
    cr_assert_eq(state.checkpoint->cursor, 0x16B3748);
    cr_assert_str_eq(state.identity.system_identifier, "7300000000000000000");
    cr_assert_eq(state.identity.timeline, 1);
    cr_assert_str_eq(state.identity.slot, "flow_slot");
    cr_assert_str_eq(state.identity.database, "postgres");
    cr_assert_eq(state.checkpoint->in_doubt_count, 2);
    cr_assert_eq(state.checkpoint->in_doubt[1], 4294967295);
    cr_assert_eq(state.checkpoint->stream_count, 2);
    const struct stream_state *t = checkpoint_stream(state.checkpoint, "public.t");
    cr_assert_eq(t->mode, STREAM_BACKFILL);
    cr_assert_str_eq(t->key_columns[1], "b");
    cr_assert_null(t->key_columns[2]);
    cr_assert_eq(t->backfilled, 1000);
    cr_assert_eq(t->range_count, 4);
    cr_assert_str_eq(t->ranges[0].scanned->columns[1].text, "é");
    cr_assert_str_eq(t->ranges[0].until->columns[1].text, "\"");
    cr_assert_eq(t->ranges[1].scanned->columns[1].len, 0);
    cr_assert_null(t->ranges[1].until);
    cr_assert_null(t->ranges[2].scanned);
    cr_assert(!t->ranges[3].scanned && !t->ranges[3].until);
    const struct stream_state *other = checkpoint_stream(state.checkpoint, "a.\"b.c\"");
    cr_assert_eq(other->mode, STREAM_ACTIVE);
    cr_assert(!other->key_columns && !other->range_count);
}

#define GLOBAL                                                                                     \
    "{\"shared_state\":{" SHARED "},\"stream_states\":["                                           \
    "{\"stream_descriptor\":{\"name\":\"t\",\"namespace\":\"public\"},\"stream_state\":" STREAM    \
    "},{\"stream_descriptor\":{\"name\":\"b.c\",\"namespace\":\"a\"},"                             \
    "\"stream_state\":{\"mode\":\"Active\"}}]}"
#define LONE "{\"mode\":\"Active\"," SHARED "}"

Test(state, every_form_holds_the_same)
{
    static const char *const forms[] = {
        "[" WHOLE "]",
        "{\"data\":" WHOLE "}",
        "{\"type\":\"LEGACY\",\"data\":" WHOLE "}",
        "[{\"type\":\"STATE\",\"state\":{\"data\":" WHOLE "}}]",
        "[{\"type\":\"STATE\",\"state\":{\"type\":\"LEGACY\",\"global\":null,\"data\":" WHOLE "}}]",
        "{\"type\":\"GLOBAL\",\"global\":null,\"data\":" WHOLE "}",
        "{\"type\":\"GLOBAL\",\"global\":" GLOBAL "}",
        "{\"global\":" GLOBAL "}",
        "[{\"type\":\"GLOBAL\",\"global_\":" GLOBAL ",\"stream\":null,\"data\":null}]",
        "[{\"type\":\"STATE\",\"state\":{\"type\":\"GLOBAL\",\"global\":" GLOBAL ",\"data\":" WHOLE
        ",\"sourceStats\":{\"recordCount\":12.0}}}]",
        "[{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{\"name\":\"t\"},"
        "\"stream_state\":" STREAM
        "}},{\"type\":\"STATE\",\"state\":{\"type\":\"STREAM\",\"stream\":"
        "{\"stream_descriptor\":{\"name\":\"b.c\",\"namespace\":\"a\"},\"stream_state\":" LONE
        "}}}]",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        parse(forms[i]);
        cr_expect_str_eq(whole(), WHOLE, "form %zu", i);
    }
}

Test(state, nothing_is_the_beginning)
{
    static const char *const forms[] = {
        "[]",
        "{}",
        "null",
        "[null]",
        "[{}]",
        "{\"data\":{}}",
        "{\"data\":null}",
        "{\"cursor\":null}",
        "{\"type\":\"LEGACY\",\"data\":{}}",
        "{\"type\":\"STATE\",\"state\":{\"data\":{}}}",
        "{\"cursor\":\"\",\"streams\":{}}",
        "{\"type\":\"GLOBAL\",\"global\":{\"shared_state\":null,\"stream_states\":[]}}",
        "{\"type\":\"GLOBAL\",\"global\":{\"shared_state\":{},\"stream_states\":null}}",
        "{\"streams\":{\"public.t\":{\"mode\":\"Backfill\"}}}",
        "{\"streams\":{\"public.t\":null}}",
        "[{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{\"name\":\"t\"},"
        "\"stream_state\":null}}]",
        "[{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{\"name\":\"t\"},"
        "\"stream_state\":{}}}]",
        "{\"type\":null,\"global\":null,\"stream\":null,\"data\":null}",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        parse(forms[i]);
        cr_expect_null(state.checkpoint, "%s", forms[i]);
        cr_expect_null(state.identity.slot, "%s", forms[i]);
    }
}

Test(state, a_cursor_alone_is_a_checkpoint)
{
    parse("{\"cursor\":\"1/a\"}");
    cr_assert_eq(state.checkpoint->cursor, 0x10000000A);
    cr_assert_eq(state.checkpoint->stream_count, 0);
    cr_assert_str_eq(whole(), "{\"cursor\":\"1/A\",\"streams\":{}}");
}

Test(state, streams_without_a_state_are_not_there)
{
    parse(
        "{\"type\":\"GLOBAL\",\"global\":{\"shared_state\":{\"cursor\":\"0/1\"},\"stream_states\":["
        "null,{\"stream_descriptor\":{\"name\":\"t\"},\"stream_state\":null},"
        "{\"stream_descriptor\":{\"name\":\"u\"},\"stream_state\":{\"mode\":null}},"
        "{\"stream_descriptor\":{\"name\":\"v\",\"namespace\":null},"
        "\"stream_state\":{\"mode\":\"Active\"}}]}}");
    cr_assert_str_eq(whole(),
                     "{\"cursor\":\"0/1\",\"streams\":{\"public.v\":{\"mode\":\"Active\"}}}");
}

Test(state, unknown_members_are_ignored)
{
    parse("{\"cursor\":\"0/"
          "1\",\"x\":[{}],\"streams\":{\"a.b\":{\"mode\":\"Active\",\"dirty\":true}}}");
    cr_assert_str_eq(whole(), "{\"cursor\":\"0/1\",\"streams\":{\"a.b\":{\"mode\":\"Active\"}}}");
}

Test(state, a_backfill_without_ranges_is_still_to_be_done)
{
    parse("{\"cursor\":\"0/1\",\"streams\":{\"a.b\":{\"mode\":\"Backfill\",\"key_columns\":[]}}}");
    const struct stream_state *stream = &state.checkpoint->streams[0];
    cr_assert_eq(stream->range_count, 1);
    cr_assert(!stream->ranges[0].scanned && !stream->ranges[0].until && !stream->key_columns);
    parse("{\"cursor\":\"0/1\",\"streams\":{\"a.b\":{\"mode\":\"Backfill\",\"ranges\":[]}}}");
    cr_assert_eq(state.checkpoint->streams[0].range_count, 0);
    cr_assert_str_eq(
        whole(),
        "{\"cursor\":\"0/1\",\"streams\":{\"a.b\":{\"mode\":\"Backfill\",\"ranges\":[]}}}");
}

Test(state, scanned_may_be_beside_the_mode)
{
    parse("{\"cursor\":\"0/1\",\"streams\":{\"a.b\":{\"mode\":\"Backfill\",\"scanned\":[\"7\"]}}}");
    cr_assert_str_eq(state.checkpoint->streams[0].ranges[0].scanned->columns[0].text, "7");
    refused(
        "{\"cursor\":\"0/1\",\"streams\":{\"a.b\":{\"mode\":\"Backfill\",\"scanned\":\"FQE=\"}}}",
        "state: streams[\"a.b\"].scanned must be an array of strings: another connector wrote it, "
        "and its backfill cannot be continued; take the stream out of the state");
}

Test(state, ranges_of_a_finished_backfill_mean_nothing)
{
    parse("{\"cursor\":\"0/1\",\"streams\":{\"a.b\":{\"mode\":\"Active\",\"backfilled\":5,"
          "\"ranges\":[{\"scanned\":[\"7\"]}]}}}");
    cr_assert_eq(state.checkpoint->streams[0].range_count, 0);
    cr_assert_eq(state.checkpoint->streams[0].backfilled, 5);
}

Test(state, a_snapshot_goes_both_ways_while_rows_are_to_be_read)
{
#define TO_READ                                                                                    \
    "\"backfilled\":3,\"snapshot\":\"10:20:11,14\",\"as_of\":\"0/"                                 \
    "7\",\"as_of_carry\":\"1800\",\"ranges\":[{}]"
    parse("{\"cursor\":\"0/1\",\"streams\":{\"a.b\":{\"mode\":\"Backfill\"," TO_READ "}}}");
    cr_assert_str_eq(state.checkpoint->streams[0].snapshot, "10:20:11,14");
    cr_assert_eq(state.checkpoint->streams[0].as_of, 7);
    cr_assert_eq(state.checkpoint->streams[0].as_of_carry, 1800);
    cr_assert_str_eq(
        whole(), "{\"cursor\":\"0/1\",\"streams\":{\"a.b\":{\"mode\":\"Backfill\"," TO_READ "}}}");
    parse("{\"cursor\":\"0/1\",\"streams\":{\"a.b\":{\"mode\":\"Active\"," TO_READ "}}}");
    cr_assert_null(state.checkpoint->streams[0].snapshot);
}

Test(state, the_last_whole_state_counts)
{
    parse("[{\"data\":" WHOLE "},{\"data\":{\"cursor\":\"0/2\"}},{},{\"data\":null}]");
    cr_assert_str_eq(whole(), "{\"cursor\":\"0/2\",\"streams\":{}}");
    cr_assert_null(state.identity.slot);
}

Test(state, the_last_state_of_a_stream_counts)
{
    parse("[" LONE_STREAM("a", "\"mode\":\"Ignore\",\"cursor\":\"0/1\"") "," LONE_STREAM(
        "b", "\"mode\":\"Active\",\"cursor\":\"0/2\"") "," LONE_STREAM("a",
                                                                       "\"mode\":\"Active\","
                                                                       "\"cursor\":\"0/2\"") "]");
    cr_assert_str_eq(whole(), "{\"cursor\":\"0/2\",\"streams\":{\"public.b\":{\"mode\":\"Active\"},"
                              "\"public.a\":{\"mode\":\"Active\"}}}");
    parse("[" LONE_STREAM("a", "\"mode\":\"Active\",\"cursor\":\"0/2\"") "," LONE_STREAM("a",
                                                                                         "") "]");
    cr_assert_null(state.checkpoint);
}

Test(state, one_stream_may_carry_the_shared_part_for_all)
{
    parse("[" LONE_STREAM("a", "\"mode\":\"Active\"") "," LONE_STREAM(
        "b", "\"mode\":\"Active\"," SHARED) "]");
    cr_assert_eq(state.checkpoint->cursor, 0x16B3748);
    cr_assert_eq(state.checkpoint->in_doubt_count, 2);
    cr_assert_str_eq(state.identity.slot, "flow_slot");
}

Test(state, the_three_parts_are_written)
{
    parse(WHOLE);
    out.len = 0;
    state_write_shared(&out, &state.identity, state.checkpoint);
    cr_assert_str_eq(out_text(&out), "{" SHARED "}");
    out.len = 0;
    state_write_stream(&out, &state.checkpoint->streams[0]);
    cr_assert_str_eq(out_text(&out), STREAM);
    out.len = 0;
    state_write_lone_stream(&out, &state.identity, state.checkpoint, &state.checkpoint->streams[1]);
    cr_assert_str_eq(out_text(&out), "{" SHARED ",\"mode\":\"Active\"}");
}

/* What a client that keeps STREAM states hands back. */
Test(state, lone_streams_go_both_ways)
{
    struct out message;
    parse(WHOLE);
    out_init(&message, 0);
    out_string(&message, "[");
    for (int i = 0; i < 2; i++) {
        out_format(
            &message,
            "%s{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{%s},\"stream_state\":",
            i ? "," : "", i ? "\"name\":\"b.c\",\"namespace\":\"a\"" : "\"name\":\"t\"");
        state_write_lone_stream(&message, &state.identity, state.checkpoint,
                                &state.checkpoint->streams[i]);
        out_string(&message, "}}");
    }
    out_string(&message, "]");
    parse(out_text(&message));
    cr_assert_str_eq(whole(), WHOLE);
    out_free(&message);
}

Test(state, thousands_of_streams_work)
{
    struct out message;
    out_init(&message, 0);
    out_string(&message, "{\"global\":{\"shared_state\":{\"cursor\":\"0/1\"},\"stream_states\":[");
    for (int i = 0; i < 20000; i++) {
        out_format(
            &message,
            "%s{\"stream_descriptor\":{\"name\":\"t%d\"},\"stream_state\":{\"mode\":\"Active\"}}",
            i ? "," : "", i);
    }
    out_string(&message, "]}}");
    parse(out_text(&message));
    cr_assert_eq(state.checkpoint->stream_count, 20000);
    cr_assert_str_eq(state.checkpoint->streams[19999].id, "public.t19999");
    out_free(&message);
}

/* A capture may end between two STREAM states: the lowest cursor counts, and the others skip what
 * they have. */
Test(state, stream_states_of_different_moments)
{
    parse("[" LONE_STREAM(
        "a",
        "\"mode\":\"Active\",\"cursor\":\"0/20\",\"unseen\":[1]") "," LONE_STREAM("b",
                                                                                  "\"mode\":"
                                                                                  "\"Active\","
                                                                                  "\"cursor\":\"0/"
                                                                                  "10\",\"unseen\":"
                                                                                  "[2]") "]");
    cr_expect_eq(state.checkpoint->cursor, 0x10);
    cr_expect_eq(checkpoint_stream(state.checkpoint, "public.a")->cursor, 0x20);
    cr_expect_eq(checkpoint_stream(state.checkpoint, "public.b")->cursor, 0);
    cr_expect_eq(state.checkpoint->in_doubt_count, 2);
}

Test(state, a_stream_ahead_of_the_cursor_round_trips)
{
    static const char whole[] =
        "{\"cursor\":\"0/10\",\"streams\":{\"public.a\":{\"mode\":\"Active\","
        "\"cursor\":\"0/20\"}}}";
    parse(whole);
    state_write_whole(&out, &state.identity, state.checkpoint);
    cr_expect_str_eq(out_text(&out), whole);
    out.len = 0;
    state_write_lone_stream(&out, &state.identity, state.checkpoint, &state.checkpoint->streams[0]);
    cr_expect_str_eq(out_text(&out), "{\"cursor\":\"0/20\",\"mode\":\"Active\"}");
}

Test(state, an_earlier_version_knew_two_terms)
{
    const char *text = "{\"cursor\":\"0/1\",\"streams\":{\"public.v\":{\"mode\":\"Active\","
                       "\"oid\":7,\"published_by\":4294967295}}}";
    parse(text);
    const struct terms *terms = &state.checkpoint->streams[0].terms;
    cr_assert_str_eq(terms->text[TERM_TABLE], "7");
    cr_assert_str_eq(terms->text[TERM_ENTRY], "4294967295");
    cr_assert_not(terms->known);
    cr_assert_str_eq(whole(), text);
}

Test(state, terms_go_both_ways)
{
    const char *text =
        "{\"cursor\":\"0/1\",\"streams\":{\"public.v\":{\"mode\":\"Active\","
        "\"oid\":7,\"terms\":{\"columns\":\"a.b\",\"key\":\"id\",\"leaves\":\"7:-:9\","
        "\"horizon\":\"18446744073709551615\"}}}}";
    parse(text);
    const struct terms *terms = &state.checkpoint->streams[0].terms;
    cr_assert(terms->known);
    cr_assert_str_eq(terms->text[TERM_COLUMNS], "a.b");
    cr_assert_null(terms->text[TERM_ORDER]);
    cr_assert_eq(terms->horizon, UINT64_MAX);
    cr_assert_str_eq(whole(), text);
}

Test(state, ignored_streams_alone_are_the_beginning)
{
    parse("{\"cursor\":\"0/1\",\"streams\":{\"public.v\":{\"mode\":\"Ignore\"}}}");
    cr_assert_null(state.checkpoint);
    parse("{\"cursor\":\"0/1\",\"streams\":{\"public.v\":{\"mode\":\"Ignore\"},"
          "\"public.w\":{\"mode\":\"Active\"}}}");
    cr_assert_not_null(state.checkpoint);
}
