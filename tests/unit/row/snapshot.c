#include "row/snapshot.h"

#include <criterion/criterion.h>

static struct snapshot parse(const char *text)
{
    struct snapshot snapshot;
    cr_assert(snapshot_parse(&snapshot, text), "%s", text);
    return snapshot;
}

Test(snapshot, parses_postgres_text)
{
    struct snapshot s = parse("10:20:10,14,15");
    cr_assert_eq(s.xmin, 10);
    cr_assert_eq(s.xmax, 20);
    cr_assert_eq(s.xip_count, 3);
    cr_assert_eq(s.xip[2], 15);
    snapshot_free(&s);
    cr_assert_null(s.xip);
}

Test(snapshot, may_have_nothing_running)
{
    struct snapshot s = parse("733:733:");
    cr_assert_eq(s.xip_count, 0);
    cr_assert_null(s.xip);
    snapshot_free(&s);
}

Test(snapshot, refuses_anything_else)
{
    static const char *const wrong[] = {"",
                                        "10",
                                        "10:20",
                                        "10:20:,",
                                        "10:20:11,",
                                        "10:20:11;",
                                        "10:20:a",
                                        ":20:",
                                        "10::",
                                        "-1:20:",
                                        " 1:2:",
                                        "1:2: 3",
                                        "10:20:1 ",
                                        "10:20:1,,2",
                                        "+1:2:",
                                        "18446744073709551616:1:",
                                        "1:99999999999999999999:"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct snapshot s = {.xmin = 1};
        cr_expect_not(snapshot_parse(&s, wrong[i]), "%s", wrong[i]);
        cr_expect(!s.xip && !s.xmin && !s.xip_count, "%s", wrong[i]);
    }
}

Test(snapshot, copies_are_their_own)
{
    struct snapshot s = parse("10:20:11,12"), copy;
    snapshot_copy(&copy, &s);
    snapshot_free(&s);
    cr_assert_eq(copy.xip_count, 2);
    cr_assert_eq(copy.xip[1], 12);
    cr_assert_not(snapshot_sees(&copy, 12, 0));
    snapshot_free(&copy);
}

Test(snapshot, sees_what_had_ended)
{
    struct snapshot s = parse("10:20:10,14");
    cr_assert(snapshot_sees(&s, 9, 0));
    cr_assert_not(snapshot_sees(&s, 10, 0));
    cr_assert(snapshot_sees(&s, 11, 0));
    cr_assert_not(snapshot_sees(&s, 14, 0));
    cr_assert(snapshot_sees(&s, 19, 0));
    cr_assert_not(snapshot_sees(&s, 20, 0));
    cr_assert_not(snapshot_sees(&s, 21, 0));
    snapshot_free(&s);
}

/* 2^32 = 4294967296: ids just around a wraparound of the 32 bits. */
Test(snapshot, sees_across_a_wraparound)
{
    struct snapshot s = parse("4294967290:4294967300:4294967295,4294967298");
    cr_assert(snapshot_sees(&s, 4294967289, 0));
    cr_assert(snapshot_sees(&s, 4294967294, 0));
    cr_assert_not(snapshot_sees(&s, 4294967295, 0));
    cr_assert(snapshot_sees(&s, 0, 0));
    cr_assert(snapshot_sees(&s, 1, 0));
    cr_assert_not(snapshot_sees(&s, 2, 0));
    cr_assert(snapshot_sees(&s, 3, 0));
    cr_assert_not(snapshot_sees(&s, 4, 0));
    cr_assert_not(snapshot_sees(&s, 100, 0));
    snapshot_free(&s);
}

Test(snapshot, the_epoch_does_not_matter)
{
    struct snapshot s = parse("12884901898:12884901908:12884901900"); /* 3 * 2^32 + 10, 20, 12 */
    cr_assert(snapshot_sees(&s, 9, 0));
    cr_assert(snapshot_sees(&s, 11, 0));
    cr_assert_not(snapshot_sees(&s, 12, 0));
    cr_assert_not(snapshot_sees(&s, 20, 0));
    cr_assert(snapshot_sees(&s, 4294967295, 0)); /* of the epoch before */
    cr_assert(snapshot_sees(&s, 20 + 2147483648U + 1, 0));
    cr_assert_not(snapshot_sees(&s, 20 + 2147483647U, 0));
    snapshot_free(&s);
}

Test(snapshot, at_a_standby_a_position_decides)
{
    struct snapshot s, copy;
    cr_assert(snapshot_parse(&s, "1/16B3748"));
    snapshot_copy(&copy, &s);
    char *text = snapshot_text(&copy);
    cr_expect_str_eq(text, "1/16B3748");
    cr_expect(snapshot_sees(&s, 7, 0x1016B3747));
    cr_expect_not(snapshot_sees(&s, 7, 0x1016B3748));
    cr_expect(snapshot_sees(&s, 7, 0), "the stream told of it before");
    free(text);
    snapshot_free(&copy);
    snapshot_free(&s);
}
