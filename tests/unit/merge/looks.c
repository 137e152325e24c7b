/* Reasons to have tables examined: a change of an unknown partition, and a watermark that did not
 * come. */
#include <criterion/criterion.h>

#include "scene.h"

Test(looks, a_partition_of_a_change_is_reported_unless_the_change_is_skipped)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    wal_begin(&s, 7);
    wal_insert(&s, "1,a,x");
    wal_insert(&s, "2,a,x");
    s.events->events[s.events->event_count - 1].leaf = 99;
    wal_commit(&s);
    cr_expect_eq(s.stored, 99);
    merge_lose(s.m, 0);
    wal_begin(&s, 8);
    wal_insert(&s, "3,a,x");
    s.events->events[s.events->event_count - 1].leaf = 100;
    wal_commit(&s);
    cr_expect_eq(s.stored, 99);
    scene_free(&s);
}

static const char again[WATERMARK_TEXT] = "again";

Test(looks, whose_watermark_does_not_come_may_go_with_another)
{
    struct scene s;
    int stream = -1;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x", NULL, "w1");
    cr_expect_eq(merge_wait_again(s.m, again, &stream), 0, "there was no look since");
    merge_look(s.m);
    cr_expect_eq(merge_wait_again(s.m, again, &stream), 0, "it may be written by now");
    merge_look(s.m);
    cr_expect_eq(merge_wait_again(s.m, again, &stream), 1);
    cr_expect_eq(stream, 0);
    cr_expect_eq(merge_wait_again(s.m, again, &stream), 0);
    pass_watermark(&s, 11, "again");
    cr_expect_str_eq(said(&s), "r1=a/x");
    scene_free(&s);
}

Test(looks, goes_with_its_own_watermark_though_another_was_to_be_written)
{
    struct scene s;
    int stream;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x", NULL, "w1");
    merge_look(s.m);
    merge_look(s.m);
    cr_expect_eq(merge_wait_again(s.m, again, &stream), 1);
    merge_look(s.m);
    merge_look(s.m);
    wal_begin(&s, 11);
    wal_watermark(&s, "our", "w1");
    cr_assert(wal_flush(&s));
    cr_expect_eq(merge_wait_again(s.m, again, &stream), 0, "it has arrived");
    wal_commit(&s);
    cr_expect_str_eq(said(&s), "r1=a/x");
    scene_free(&s);
}

Test(looks, in_ctid_order_is_released_after_those_before_it)
{
    struct scene s;
    scene_init(&s, NULL, "10:10:", false);
    read_chunk(&s, 0, "10:10:", "1,a,x", "(1,0)", "w1");
    read_chunk(&s, 0, "10:10:", "2,b,y", NULL, "w2");
    pass_watermark(&s, 11, "w2");
    cr_expect_str_eq(said(&s), "");
    cr_expect_str_eq(saved(&s), "-", "a later run would read on from two places");
    pass_watermark(&s, 12, "w1");
    cr_expect_str_eq(said(&s), "r1=a/x r2=b/y");
    cr_expect_str_eq(saved(&s), "active");
    scene_free(&s);
}
