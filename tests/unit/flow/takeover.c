/* States of Flow's own connector. */
#include "parse.h"

#include <stdio.h>

TestSuite(flow_takeover, .init = start, .fini = stop);

#define TABLE_U                                                                                    \
    "{\"resourceConfig\":{\"namespace\":\"public\",\"stream\":\"u\"},\"stateKey\":\"u.v1\"}"
#define STATE(members)                                                                             \
    "{\"open\":{\"capture\":{" BINDINGS(                                                           \
        "},\"stateKey\":\"t.v1\"}," TABLE_U) "},\"state\":{" members "}}}"

static const struct checkpoint *taken(const char *line)
{
    parse(line);
    cr_assert(request.taken_over);
    return request.state.checkpoint;
}

Test(flow_takeover, active_bindings_go_on_at_the_cursor)
{
    const struct checkpoint *c = taken(STATE(
        "\"cursor\":\"0/"
        "16B3748\",\"bindingStateV1\":{\"t.v1\":{\"mode\":\"Active\",\"key_columns\":["
        "\"id\"],\"scanned\":\"AQ==\",\"metadata\":{\"x\":1},\"backfilled\":7},\"u.v1\":{\"mode\":"
        "\"UnfilteredBackfill\",\"scanned\":\"AQ==\"},\"gone.v1\":{\"mode\":\"Active\"}}"));
    cr_assert_eq(c->cursor, 0x16B3748);
    cr_assert_eq(c->stream_count, 1);
    cr_assert_str_eq(c->streams[0].id, "t.v1");
    cr_assert_eq(c->streams[0].mode, STREAM_ACTIVE);
    cr_assert_str_eq(c->streams[0].key_columns[0], "id");
    cr_assert_eq(c->streams[0].backfilled, 7);
    cr_assert_null(request.state.identity.slot);
    cr_assert(strstr(out_text(&out), "\"u.v1\""));
    cr_assert(strstr(out_text(&out), "1 binding of it goes on at 0/16B3748"));
    cr_assert_not(strstr(out_text(&out), "t.v1"));
}

Test(flow_takeover, all_other_modes_begin_again)
{
    static const char *const modes[] = {"Backfill", "KeylessBackfill", "Pending", "Ignore",
                                        "Missing"};
    for (int i = 0; i < 5; i++) {
        char line[1000];
        snprintf(
            line, sizeof line,
            STATE("\"cursor\":\"0/10\",\"bindingStateV1\":{\"t.v1\":{\"mode\":\"%s\"},\"u.v1\":"
                  "{\"mode\":\"Active\"}}"),
            modes[i]);
        const struct checkpoint *c = taken(line);
        cr_expect_eq(c->stream_count, 1);
        cr_expect_str_eq(c->streams[0].id, "u.v1");
    }
}

Test(flow_takeover, without_a_cursor_all_begin_again)
{
    static const char *const cursors[] = {"", "\"cursor\":null,", "\"cursor\":\"\","};
    for (int i = 0; i < 3; i++) {
        char line[1000];
        snprintf(line, sizeof line,
                 STATE("%s\"bindingStateV1\":{\"t.v1\":{\"mode\":\"Active\"},\"u.v1\":null}"),
                 cursors[i]);
        cr_expect_eq(taken(line)->stream_count, 0);
        cr_expect(strstr(out_text(&out), "\"t.v1\" was not captured to its end"));
        cr_expect_not(strstr(out_text(&out), "u.v1"));
    }
}

Test(flow_takeover, ours_beside_are_outdated)
{
    const struct checkpoint *c = taken(
        STATE("\"cursor\":\"0/10\",\"system_identifier\":\"1\",\"streams\":{\"t.v1\":{\"mode\":"
              "\"Backfill\"},\"old.v1\":{\"mode\":\"Active\"}},\"bindingStateV1\":{\"t.v1\":{"
              "\"mode\":\"Active\"}}"));
    cr_assert_eq(c->stream_count, 2);
    cr_assert_eq(c->streams[0].mode, STREAM_ACTIVE);
    cr_assert_str_eq(c->streams[1].id, "old.v1");
    cr_assert_eq(c->streams[1].mode, STREAM_IGNORE);
}

Test(flow_takeover, what_is_malformed_is_refused)
{
    refused(STATE("\"cursor\":\"7\",\"bindingStateV1\":{}"),
            "request: open.state.cursor is \"7\"; it must be an LSN like 0/16B3748");
    refused(STATE("\"cursor\":\"0/7\",\"bindingStateV1\":{\"t.v1\":{\"mode\":1}}"),
            "request: open.state.bindingStateV1[\"t.v1\"].mode must be a string, not a number");
}
