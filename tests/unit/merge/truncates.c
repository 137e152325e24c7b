/* TRUNCATE of a captured table: after it no row is printed that it removed, and before it none that
 * was inserted later. */
#include <criterion/criterion.h>

#include "scene.h"

Test(truncates, come_between_the_changes_before_and_after)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    wal_begin(&s, 7);
    wal_insert(&s, "1,a,x");
    wal_truncate(&s);
    wal_insert(&s, "1,b,y");
    wal_commit(&s);
    cr_expect_str_eq(said(&s), "c1=a/x t c1=b/y");
    scene_free(&s);
}

Test(truncates, empty_the_chunks_that_wait)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x 2,b,y", "5", "w1");
    wal_begin(&s, 11);
    wal_insert(&s, "3,c,z");
    wal_truncate(&s);
    wal_insert(&s, "4,d,w");
    wal_commit(&s);
    pass_watermark(&s, 12, "w1");
    cr_expect_str_eq(said(&s), "t p4=d/w");
    scene_free(&s);
}

Test(truncates, leave_chunks_alone_that_have_seen_them)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "12:12:", "1,a,x", "5", "w1");
    wal_begin(&s, 11);
    wal_truncate(&s);
    wal_commit(&s);
    pass_watermark(&s, 12, "w1");
    cr_expect_str_eq(said(&s), "t r1=a/x");
    scene_free(&s);
}

Test(truncates, come_after_the_rows_that_are_out_and_before_those_read_later)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x", "5", "w1");
    pass_watermark(&s, 10, "w1");
    wal_begin(&s, 11);
    wal_truncate(&s);
    wal_insert(&s, "2,b,y");
    wal_insert(&s, "7,c,z");
    wal_commit(&s);
    read_chunk(&s, 0, "11:11:", "6,old,old", NULL, "w2"); /* its snapshot is from before */
    pass_watermark(&s, 12, "w2");
    cr_expect_str_eq(said(&s), "r1=a/x t c2=b/y p7=c/z");
    scene_free(&s);
}

Test(truncates, in_ctid_order_too)
{
    struct scene s;
    scene_init(&s, NULL, "10:10:", false);
    read_chunk(&s, 0, "10:10:", "1,a,x", "(1,0)", "w1");
    pass_watermark(&s, 11, "w1");
    read_chunk(&s, 0, "10:10:", "2,b,y", "(2,0)", "w2");
    wal_begin(&s, 12);
    wal_truncate(&s);
    wal_insert(&s, "3,c,z");
    wal_commit(&s);
    pass_watermark(&s, 13, "w2");
    read_chunk(&s, 0, "10:10:", "4,d,w", NULL, "w3");
    pass_watermark(&s, 14, "w3");
    cr_expect_str_eq(said(&s), "r1=a/x t c3=c/z");
    scene_free(&s);
}

static void scene_that_tells(struct scene *s, bool tells)
{
    scene_init(s, "", NULL, false);
    wal_begin(s, 6);
    wal_commit(s);
    s->config.emits_skipped_truncates = tells;
    scene_resume(s);
}

/* The table is lost; a new life of it begins, and a row of that comes out. */
static void truncate_while_lost(bool tells, uint64_t not_before, const char *expected)
{
    struct scene s;
    scene_that_tells(&s, tells);
    scene_rebirth(&s, not_before);
    wal_begin(&s, 7);
    wal_truncate(&s);
    wal_insert(&s, "1,a,x");
    wal_commit(&s);
    read_chunk(&s, 0, "10:10:", "1,a,x", NULL, "w1");
    s.lsn = 9000;
    pass_watermark(&s, 11, "w1");
    cr_expect_str_eq(said(&s), expected);
    scene_free(&s);
}

Test(truncates, from_before_a_life_come_before_its_rows)
{
    truncate_while_lost(true, 5000, "t r1=a/x");
}

Test(truncates, from_before_a_life_are_not_printed_where_the_stream_may_be_further)
{
    truncate_while_lost(false, 5000, "r1=a/x");
}

Test(truncates, of_a_lost_stream_are_printed)
{
    struct scene s;
    scene_that_tells(&s, true);
    merge_lose(s.m, 0);
    wal_begin(&s, 7);
    wal_truncate(&s);
    wal_insert(&s, "1,a,x");
    wal_commit(&s);
    cr_expect_str_eq(said(&s), "t");
    scene_free(&s);
}
