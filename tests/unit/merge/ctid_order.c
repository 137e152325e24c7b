/* Rows that are read in ctid order, and the changes to them. */
#include <criterion/criterion.h>

#include "scene.h"

#define expect_said(s, text) cr_expect_str_eq(said(s), text)

Test(ctid_order, a_table_read_in_ctid_order_gets_what_one_snapshot_saw)
{
    struct scene s;
    scene_init(&s, NULL, "10:20:15", false);
    wal_begin(&s, 12);
    wal_insert(&s, "1,seen,x");
    wal_commit(&s);
    wal_begin(&s, 15);
    wal_insert(&s, "2,b,y");
    wal_commit(&s);
    expect_said(&s, "c2=b/y");
    read_chunk(&s, 0, "30:30:", "1,seen,x", NULL, "w1");
    wal_begin(&s, 25);
    wal_insert(&s, "3,c,z");
    wal_commit(&s);
    pass_watermark(&s, 31, "w1");
    expect_said(&s, "c3=c/z r1=seen/x");
    scene_free(&s);
}

Test(ctid_order, a_row_that_moves_while_others_are_read_in_ctid_order_is_a_delete_and_a_create)
{
    struct scene s;
    scene_init(&s, NULL, "10:10:", false);
    read_chunk(&s, 0, "11:11:", "1,a,x", "(1,0)", "w1");
    wal_begin(&s, 9);
    wal_move(&s, 1, "4,seen,x");
    wal_commit(&s);
    pass_watermark(&s, 12, "w1");
    wal_begin(&s, 13);
    wal_move(&s, 1, "5,a,x");
    wal_update(&s, "5,b,y");
    wal_commit(&s);
    expect_said(&s, "r1=a/x d1 c5=a/x u5=b/y");
    scene_free(&s);
}

Test(ctid_order, a_row_read_in_ctid_order_is_not_printed_after_its_change)
{
    struct scene s;
    scene_init(&s, NULL, "10:10:", false);
    cr_assert(rows_in(&s, read_step(&s, 0, CHUNK_OPEN)));
    cr_assert(rows_in(&s, read_snapshot_step(&s, 0, "11:11:")));
    wal_begin(&s, 12);
    wal_update(&s, "1,b,^");
    wal_delete(&s, 2);
    wal_update(&s, "9,out,^");
    wal_commit(&s);
    cr_assert(rows_in(&s, read_rows_step(&s, 0, "1,a,x 2,a,x 3,a,x 4,a,x")));
    cr_assert(rows_in(&s, read_close_step(&s, 0, NULL, "w1")));
    wal_begin(&s, 13);
    wal_move(&s, 3, "5,a,x");
    wal_update(&s, "4,c,^");
    wal_commit(&s);
    pass_watermark(&s, 14, "w1");
    expect_said(&s, "u1=b/^ d2 u9=out/^ d3 c5=a/x u4=c/^ p1=b/#x p4=c/#x");
    scene_free(&s);
}

Test(ctid_order, a_truncate_empties_those_that_are_read_in_ctid_order_too)
{
    struct scene s;
    scene_init(&s, NULL, "10:10:", false);
    read_chunk(&s, 0, "11:11:", "1,a,x", "(1,0)", "w1");
    wal_begin(&s, 11);
    wal_truncate(&s);
    wal_insert(&s, "2,b,y");
    wal_commit(&s);
    read_chunk(&s, 0, "11:12:11", "3,c,z", "(2,0)", "w2");
    read_chunk(&s, 0, "11:12:11", "4,d,w", NULL, "w3");
    pass_watermark(&s, 13, "w1");
    pass_watermark(&s, 14, "w2");
    pass_watermark(&s, 15, "w3");
    expect_said(&s, "t c2=b/y");
    scene_free(&s);
}
