/* Which states count: those of the streams that are captured, and of the slot of this kind of
 * read. */
#include "parse.h"

TestSuite(captured, .init = start, .fini = stop);

Test(captured, of_a_stream_that_is_not_captured_counts_for_nothing)
{
    static const char *const ids[] = {"public.a", "public.c"};
    const struct captured_streams captured = {ids, 2, NULL};
    static const char both[] = "[" LONE_STREAM(
        "b", "\"mode\":\"Active\",\"cursor\":\"0/"
             "1\",\"slot\":\"other\"") "," LONE_STREAM("a", "\"mode\":\"Active\",\"cursor\":\"0/"
                                                            "5\",\"slot\":\"flow\"") "]";
    cr_assert(state_parse(&state, both, strlen(both), &captured, &err), "%s", err.message);
    cr_expect_eq(state.checkpoint->cursor, 5);
    cr_expect_eq(state.checkpoint->stream_count, 1);
    cr_expect_str_eq(state.identity.slot, "flow");
    cr_expect_null(checkpoint_stream(state.checkpoint, "public.b"));
}

Test(captured, of_streams_that_are_not_captured_alone_is_the_beginning)
{
    static const char *const ids[] = {"public.c"};
    const struct captured_streams captured = {ids, 1, NULL};
    static const char lone[] = LONE_STREAM("a", "\"mode\":\"Active\",\"cursor\":\"0/5\"");
    cr_assert(state_parse(&state, lone, strlen(lone), &captured, &err), "%s", err.message);
    cr_expect_null(state.checkpoint);
}

Test(captured, of_the_slot_of_another_kind_of_read_counts_for_nothing)
{
    static const char *const ids[] = {"public.a", "public.b", "public.t"};
    const struct captured_streams captured = {ids, 3, "flow_refresh"};
    static const char lone[] = "[" LONE_STREAM(
        "b",
        "\"mode\":\"Active\",\"cursor\":\"0/"
        "1\",\"slot\":\"flow_refresh\"") "," LONE_STREAM("a", "\"mode\":\"Active\",\"cursor\":\"0/"
                                                              "5\",\"slot\":\"flow\"") "]";
    cr_assert(state_parse(&state, lone, strlen(lone), &captured, &err), "%s", err.message);
    cr_expect_eq(state.checkpoint->cursor, 5);
    cr_expect_null(checkpoint_stream(state.checkpoint, "public.b"));
    cr_expect_str_eq(state.identity.slot, "flow");
    state_clear(&state);
    static const char whole_one[] = "{\"cursor\":\"0/1\",\"slot\":\"flow_refresh\",\"streams\":{"
                                    "\"public.t\":{\"mode\":\"Active\"}}}";
    cr_assert(state_parse(&state, whole_one, strlen(whole_one), &captured, &err), "%s",
              err.message);
    cr_expect_null(state.checkpoint);
}
