/* Deletes of rows that are not out, printed for destinations that may have the rows: see
 * merge_stream.airbyte_look. */
#include <criterion/criterion.h>

#include "scene.h"

#define expect_said(s, text) cr_expect_str_eq(said(s), text)

Test(deletes, of_rows_that_are_not_out_are_printed_in_the_airbyte_look)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    s.stream.airbyte_look = true;
    wal_begin(&s, 10);
    wal_delete(&s, 9);
    wal_commit(&s);
    expect_said(&s, "d9");
    read_chunk(&s, 0, "12:12:", "2,b,y 3,c,z 4,d,z", "5", "w1");
    wal_begin(&s, 11);
    wal_delete(&s, 1);
    wal_commit(&s);
    wal_begin(&s, 12);
    wal_delete(&s, 2);
    wal_move(&s, 3, "6,c,z");
    wal_move(&s, 8, "5,e,z");
    wal_update(&s, "4,f,z");
    wal_insert(&s, "1,again,x");
    wal_commit(&s);
    expect_said(&s, "d1 d2 d3 d8");
    pass_watermark(&s, 13, "w1");
    expect_said(&s, "p5=e/z p4=f/z p1=again/x");
    scene_free(&s);
}

Test(deletes, before_a_new_life_are_printed_in_the_airbyte_look)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    s.stream.airbyte_look = true;
    wal_begin(&s, 10);
    wal_delete(&s, 1);
    wal_commit(&s);
    merge_lose(s.m, 0);
    wal_begin(&s, 11);
    wal_delete(&s, 2);
    wal_update(&s, "3,a,x");
    wal_commit(&s);
    expect_said(&s, "d1 d2");
    scene_rebirth(&s, s.lsn + 100);
    wal_begin(&s, 12);
    wal_delete(&s, 4);
    wal_move(&s, 5, "6,a,x");
    wal_commit(&s);
    expect_said(&s, "d4 d5");
    scene_free(&s);
}

Test(deletes, of_a_lost_table_without_an_earlier_change_are_printed_too)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    s.stream.airbyte_look = true;
    read_chunk(&s, 0, "10:10:", "1,a,x 2,b,y", NULL, "w1");
    pass_watermark(&s, 10, "w1");
    expect_said(&s, "r1=a/x r2=b/y");
    merge_lose(s.m, 0);
    wal_begin(&s, 11);
    wal_delete(&s, 1);
    wal_commit(&s);
    expect_said(&s, "d1");
    scene_rebirth(&s, 0);
    wal_begin(&s, 12);
    wal_delete(&s, 2);
    wal_commit(&s);
    expect_said(&s, "d2");
    scene_free(&s);
}

/* Else the next run takes the stream from where the life begins, and the delete is never
 * printed. */
Test(deletes, keep_the_state_lost_until_the_life_has_begun)
{
    for (int look = 0; look < 2; look++) {
        struct scene s;
        scene_init(&s, "", NULL, false);
        s.stream.airbyte_look = look;
        merge_lose(s.m, 0);
        scene_rebirth(&s, s.lsn + 500);
        uint64_t begins = s.lsn + 500;
        wal_begin(&s, 10);
        wal_insert(&s, "7,a,x");
        wal_commit(&s);
        cr_expect_eq(merge_is_lost_in_checkpoint(s.m, 0), look);
        cr_expect_eq(s.whole->streams[0].cursor, look ? 0 : begins);
        s.lsn = begins;
        read_chunk(&s, 0, "12:12:", "1,a,x", "5", "w1");
        pass_watermark(&s, 12, "w1");
        cr_expect_not(merge_is_lost_in_checkpoint(s.m, 0));
        cr_expect_str_eq(saved(&s), "5-", "its rows are out");
        scene_free(&s);
    }
}

Test(deletes, that_the_base_saw_are_printed_where_keys_are_unique)
{
    for (int unique = 0; unique < 2; unique++) {
        struct scene s;
        scene_init(&s, NULL, "10:10:", false);
        s.stream.airbyte_look = true;
        s.stream.key.unique = unique;
        wal_begin(&s, 9);
        wal_delete(&s, 1);
        wal_insert(&s, "1,again,x");
        wal_commit(&s);
        expect_said(&s, unique ? "d1" : "");
        scene_free(&s);
    }
}
