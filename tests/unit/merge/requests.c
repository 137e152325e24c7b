/* A row of the watermarks table requests a backfill of a table. */
#include <criterion/criterion.h>

#include "scene.h"

static const char row[] = "backfill:our";

Test(requests, lose_the_stream_and_the_next_checkpoint_says_so)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    wal_begin(&s, 7);
    wal_insert(&s, "1,a,x");
    wal_watermark(&s, row, "public.t");
    wal_insert(&s, "2,b,y");
    wal_commit(&s);
    cr_expect_str_eq(s.requested, "public.t");
    cr_expect(merge_is_lost_in_checkpoint(s.m, 0));
    cr_expect_str_eq(said(&s), "c1=a/x", "what comes behind it is in the rows that are read again");
    cr_expect_str_eq(saved(&s), "-");
    scene_free(&s);
}

Test(requests, drop_the_chunks_that_wait)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x", "5", "w1");
    wal_begin(&s, 11);
    wal_watermark(&s, row, "public.t");
    wal_watermark(&s, "our", "w1");
    wal_commit(&s);
    cr_expect_str_eq(said(&s), "");
    cr_expect_str_eq(saved(&s), "-");
    scene_free(&s);
}

Test(requests, of_other_slots_are_not_ours)
{
    static const char *const others[] = {"backfill:ou", "backfill:our2", "backfill:", "backfill",
                                         "our"};
    struct scene s;
    scene_init(&s, "", NULL, false);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        wal_begin(&s, 7);
        wal_watermark(&s, others[i], "public.t");
        wal_commit(&s);
    }
    cr_expect_str_eq(s.requested, "");
    cr_expect_not(merge_is_lost(s.m, 0));
    scene_free(&s);
}

Test(requests, from_before_a_life_are_over_for_it)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    scene_rebirth(&s, 5000);
    wal_begin(&s, 7);
    wal_watermark(&s, row, "public.t");
    wal_commit(&s);
    cr_expect_str_eq(s.requested, "public.t");
    cr_expect_not(merge_is_lost(s.m, 0));
    scene_free(&s);
}

Test(requests, are_asked_once)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    wal_begin(&s, 7);
    wal_watermark(&s, row, "public.t");
    wal_watermark(&s, row, "public.t");
    wal_commit(&s);
    cr_expect_eq(merge_life(s.m, 0), 2);
    scene_resume(&s);
    cr_expect_str_eq(saved(&s), "-");
    cr_expect_not(merge_is_lost(s.m, 0), "a new run begins with what the state says");
    scene_free(&s);
}
