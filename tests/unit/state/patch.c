/* Merge patches of the whole state. Those that a capture really makes are merged in the system
 * suite. */
#include "parse.h"

TestSuite(state_patch, .init = start, .fini = stop);

static void prints(struct state_patch patch, const char *expected)
{
    out.len = 0;
    patch.newer = state.checkpoint;
    state_write_patch(&out, &patch);
    cr_assert_str_eq(out_text(&out), expected);
}

Test(state_patch, a_cursor_alone)
{
    parse("{\"cursor\":\"0/10\",\"slot\":\"s\"}");
    prints((struct state_patch){0}, "{\"cursor\":\"0/10\"}");
}

Test(state_patch, the_identity_where_it_is_given)
{
    parse("{\"cursor\":\"0/10\",\"system_identifier\":\"7\",\"timeline\":2,\"slot\":\"s\","
          "\"database\":\"d\"}");
    prints((struct state_patch){.identity = &state.identity},
           "{\"cursor\":\"0/10\",\"system_identifier\":\"7\",\"timeline\":2,\"slot\":\"s\","
           "\"database\":\"d\"}");
}

Test(state_patch, a_member_unseen_that_is_empty_again_is_deleted)
{
    parse("{\"cursor\":\"0/10\"}");
    prints((struct state_patch){.had_in_doubt = true}, "{\"cursor\":\"0/10\",\"unseen\":null}");
    parse("{\"cursor\":\"0/10\",\"unseen\":[7]}");
    prints((struct state_patch){.had_in_doubt = true}, "{\"cursor\":\"0/10\",\"unseen\":[7]}");
}

Test(state_patch, members_that_a_stream_no_longer_has_are_deleted)
{
    parse("{\"cursor\":\"0/10\",\"streams\":{\"public%2Ft.v1\":{\"mode\":\"Active\","
          "\"key_columns\":[\"id\"],\"backfilled\":3}}}");
    prints((struct state_patch){0},
           "{\"cursor\":\"0/10\",\"streams\":{\"public%2Ft.v1\":{\"mode\":\"Active\","
           "\"key_columns\":[\"id\"],\"backfilled\":3,\"cursor\":null,\"snapshot\":null,"
           "\"as_of\":null,\"as_of_carry\":null,\"storage\":null,\"oid\":null,\"published_by\":"
           "null,\"terms\":null,"
           "\"types\":null,"
           "\"ranges\":null}}}");
    parse("{\"cursor\":\"0/10\",\"streams\":{\"t\":{\"mode\":\"Backfill\",\"snapshot\":\"1:2:\","
          "\"ranges\":[{}]}}}");
    prints((struct state_patch){0},
           "{\"cursor\":\"0/10\",\"streams\":{\"t\":{\"mode\":\"Backfill\",\"snapshot\":\"1:2:\","
           "\"ranges\":[{}],\"key_columns\":null,\"cursor\":null,\"backfilled\":null,"
           "\"as_of\":null,\"as_of_carry\":null,\"storage\":null,\"oid\":null,\"published_by\":"
           "null,\"terms\":null,"
           "\"types\":null}}}");
}

Test(state_patch, removed_streams_are_deleted)
{
    char *const removed[] = {(char *)"a\"b", (char *)"c", NULL};
    parse("{\"cursor\":\"0/10\"}");
    prints((struct state_patch){.removed = removed},
           "{\"cursor\":\"0/10\",\"streams\":{\"a\\\"b\":null,\"c\":null}}");
}
