/* Chunks that share a batch. */
#include <criterion/criterion.h>

#include "scene.h"

#define expect_said(s, text) cr_expect_str_eq(said(s), text)

Test(shared_batch, those_that_share_a_batch_share_a_watermark_and_are_patched_each_for_itself)
{
    struct scene s;
    scene_init(&s, "-3 3-6 6-", NULL, false);
    cr_assert(rows_in(&s, read_together(&s, "10:10:", "1,a,x 4,b,y 7,c,z", "w1")));
    wal_begin(&s, 11);
    wal_update(&s, "4,B,^");
    wal_delete(&s, 7);
    wal_insert(&s, "8,d,w");
    wal_commit(&s);
    expect_said(&s, "");
    pass_watermark(&s, 12, "w1");
    expect_said(&s, "r1=a/x p4=B/#y p8=d/w");
    cr_assert_not(merge_backfilling(s.m));
    scene_free(&s);
}

Test(shared_batch, one_that_shares_a_batch_may_be_given_up_or_be_of_an_earlier_life)
{
    struct scene s;
    scene_init(&s, "-3 3-", NULL, false);
    struct batch *batch = read_together(&s, "10:10:", "1,a,x 4,b,y", "w1");
    batch->riders->step = CHUNK_ABORT;
    chunk_free(&batch->riders->chunk);
    cr_assert(rows_in(&s, batch));
    pass_watermark(&s, 11, "w1");
    expect_said(&s, "r4=b/y");
    cr_assert(merge_backfilling(s.m));
    batch = read_together(&s, "12:12:", "1,a,x", "w2");
    batch->riders->life--;
    cr_assert(rows_in(&s, batch));
    pass_watermark(&s, 13, "w2");
    expect_said(&s, "");
    read_chunk(&s, 0, "14:14:", "1,a,x", NULL, "w3");
    pass_watermark(&s, 15, "w3");
    expect_said(&s, "r1=a/x");
    scene_free(&s);
}
