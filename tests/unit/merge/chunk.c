/* Chunks and the changes that fall into them. */
#include <criterion/criterion.h>

#include "scene.h"

#define expect_said(s, text) cr_expect_str_eq(said(s), text)

Test(chunk, its_rows_come_with_the_commit_of_its_watermark)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x 2,b,y", NULL, "w1");
    wal_begin(&s, 11);
    wal_watermark(&s, "our", "w1");
    cr_assert(wal_flush(&s));
    expect_said(&s, "");
    cr_assert(merge_backfilling(s.m));
    wal_commit(&s);
    expect_said(&s, "r1=a/x r2=b/y");
    cr_assert_not(merge_backfilling(s.m));
    scene_free(&s);
}

Test(chunk, neither_another_watermark_nor_another_slot_releases_it)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x", NULL, "w1");
    pass_watermark(&s, 11, "w2");
    wal_begin(&s, 12);
    wal_watermark(&s, "other", "w1");
    wal_commit(&s);
    expect_said(&s, "");
    pass_watermark(&s, 13, "w1");
    expect_said(&s, "r1=a/x");
    pass_watermark(&s, 14, "w1");
    expect_said(&s, "");
    scene_free(&s);
}

Test(chunk, changes_that_its_snapshot_saw_are_ignored)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "20:20:", "1,a,x 3,c,z", NULL, "w1");
    wal_begin(&s, 15);
    wal_update(&s, "1,old,old");
    wal_delete(&s, 3);
    wal_insert(&s, "4,gone,gone");
    wal_move(&s, 1, "5,old,old");
    wal_commit(&s);
    pass_watermark(&s, 21, "w1");
    expect_said(&s, "r1=a/x r3=c/z");
    scene_free(&s);
}

Test(chunk, changes_that_its_snapshot_did_not_see_are_patched_in)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "15:20:15", "1,a,x 2,b,y 3,c,z", NULL, "w1");
    wal_begin(&s, 15);
    wal_update(&s, "1,A,X");
    wal_delete(&s, 3);
    wal_insert(&s, "4,D,D");
    wal_commit(&s);
    expect_said(&s, "");
    pass_watermark(&s, 21, "w1");
    expect_said(&s, "r2=b/y p1=A/X p4=D/D");
    scene_free(&s);
}

Test(chunk, a_row_may_come_and_go_and_come)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "20:20:", "1,a,x", NULL, "w1");
    wal_begin(&s, 20);
    wal_delete(&s, 1);
    wal_insert(&s, "1,b,y");
    wal_update(&s, "1,a-longer-one,^");
    wal_insert(&s, "2,c,z");
    wal_delete(&s, 2);
    wal_delete(&s, 7);
    wal_commit(&s);
    pass_watermark(&s, 21, "w1");
    expect_said(&s, "p1=a-longer-one/y");
    scene_free(&s);
}

Test(chunk, rows_that_are_out_change_in_the_open)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x", NULL, "w1");
    pass_watermark(&s, 11, "w1");
    wal_begin(&s, 12);
    wal_insert(&s, "2,b,y");
    wal_update(&s, "1,A,^");
    wal_move(&s, 1, "3,A,^");
    wal_delete(&s, 3);
    wal_commit(&s);
    expect_said(&s, "r1=a/x c2=b/y u1=A/^ d1 c3=A/^ d3");
    scene_free(&s);
}

Test(chunk, changes_after_its_watermark_in_the_same_transaction_are_still_patched_in)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x", NULL, "w1");
    wal_begin(&s, 11);
    wal_watermark(&s, "our", "w1");
    wal_update(&s, "1,A,X");
    wal_commit(&s);
    expect_said(&s, "p1=A/X");
    scene_free(&s);
}

Test(chunk, unchanged_values_are_filled_from_the_row_that_was_read)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x 2,b,y", NULL, "w1");
    wal_begin(&s, 11);
    wal_update(&s, "1,A,^");
    wal_update(&s, "1,AA,^");
    wal_commit(&s);
    pass_watermark(&s, 12, "w1");
    expect_said(&s, "r2=b/y p1=AA/#x");
    scene_free(&s);
}

Test(chunk, a_full_old_row_completes_one_that_moves_wherever_it_comes_from)
{
    struct scene s;
    scene_init(&s, "-3 3-6 6-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x", NULL, "w1");
    pass_watermark(&s, 10, "w1");
    read_chunk(&s, 1, "11:11:", "4,b,y", NULL, "w2");
    wal_begin(&s, 11);
    wal_update_full(&s, "7,c,z", "2,C,^"); /* not read yet, to what is out */
    wal_update_full(&s, "8,d,w", "5,D,^"); /* not read yet, to what waits */
    wal_update_full(&s, "1,a,x", "6,A,^"); /* out, to what waits */
    wal_commit(&s);
    expect_said(&s, "r1=a/x c2=C/z d1");
    pass_watermark(&s, 12, "w2");
    expect_said(&s, "r4=b/y p5=D/w p6=A/x");
    scene_free(&s);
}

Test(chunk, several_wait_each_for_its_own_watermark)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x 2,b,y", "2", "w1");
    read_chunk(&s, 0, "12:12:", "3,c,z", "3", "w2");
    read_chunk(&s, 0, "13:13:", "4,d,w", NULL, "w3");
    wal_begin(&s, 11);
    wal_update(&s, "1,A,^");
    wal_update(&s, "3,seen,seen");
    wal_commit(&s);
    wal_begin(&s, 14);
    wal_update(&s, "4,D,D");
    wal_commit(&s);
    pass_watermark(&s, 15, "w2");
    expect_said(&s, "r3=c/z");
    cr_expect_str_eq(saved(&s), "-2 3-");
    pass_watermark(&s, 16, "w1");
    expect_said(&s, "r2=b/y p1=A/#x");
    wal_begin(&s, 17);
    wal_update(&s, "2,B,^");
    wal_delete(&s, 4);
    wal_commit(&s);
    expect_said(&s, "u2=B/^");
    pass_watermark(&s, 18, "w3");
    expect_said(&s, "");
    cr_assert_not(merge_backfilling(s.m));
    scene_free(&s);
}

Test(chunk, one_commit_may_let_several_out_in_the_order_in_which_they_were_read)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x", "1", "w1");
    read_chunk(&s, 0, "10:10:", "2,b,y", NULL, "w2");
    wal_begin(&s, 11);
    wal_watermark(&s, "our", "w2");
    wal_watermark(&s, "our", "w1");
    wal_commit(&s);
    expect_said(&s, "r1=a/x r2=b/y");
    scene_free(&s);
}

Test(chunk, an_aborted_one_is_read_again)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    cr_assert(rows_in(&s, read_step(&s, 0, CHUNK_OPEN)));
    cr_assert(rows_in(&s, read_snapshot_step(&s, 0, "10:10:")));
    cr_assert(rows_in(&s, read_rows_step(&s, 0, "1,a,x")));
    wal_begin(&s, 11);
    wal_update(&s, "1,A,X");
    wal_commit(&s);
    cr_assert(rows_in(&s, read_step(&s, 0, CHUNK_ABORT)));
    cr_assert(rows_in(&s, read_step(&s, 0, CHUNK_OPEN)));
    cr_assert(rows_in(&s, read_step(&s, 0, CHUNK_ABORT)));
    read_chunk(&s, 0, "12:12:", "1,A,X", NULL, "w1");
    pass_watermark(&s, 13, "w1");
    expect_said(&s, "r1=A/X");
    scene_free(&s);
}

Test(chunk, truncate_empties_what_waits_and_what_is_buffered)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x", "1", "w1");
    wal_begin(&s, 11);
    wal_insert(&s, "2,b,y");
    wal_truncate(&s);
    wal_insert(&s, "3,c,z");
    wal_insert(&s, "1,n,n");
    wal_commit(&s);
    read_chunk(&s, 0, "11:12:11", "", NULL, "w2");
    pass_watermark(&s, 13, "w1");
    pass_watermark(&s, 14, "w2");
    expect_said(&s, "t p1=n/n p3=c/z");
    cr_assert_eq(s.truncated, 1);
    scene_free(&s);
}

Test(chunk, rows_of_it_are_counted_across_chunks)
{
    struct scene s;
    bool backfilling;
    scene_init(&s, "-", NULL, false);
    read_chunk(&s, 0, "10:10:", "1,a,x 2,b,y", "2", "w1");
    wal_begin(&s, 11);
    wal_delete(&s, 2);
    wal_commit(&s);
    pass_watermark(&s, 12, "w1");
    cr_assert_eq(merge_backfilled(s.m, 0, &backfilling), 1);
    cr_assert(backfilling);
    scene_free(&s);
}

Test(chunk, changes_before_a_streams_own_cursor_are_not_mistaken_for_what_follows)
{
    struct scene s;
    scene_init(&s, "-", NULL, true);
    read_chunk(&s, 0, "10:10:", "1,a,x", "1", "w1");
    s.state.cursor = s.lsn + 10; /* the first transaction was in this stream's own state */
    wal_begin(&s, 11);
    wal_insert(&s, "9,old,old");
    wal_end(&s);
    wal_begin(&s, 12);
    wal_update(&s, "1,A,X");
    wal_commit(&s);
    pass_watermark(&s, 13, "w1");
    expect_said(&s, "p1=A/X");
    scene_free(&s);
}
