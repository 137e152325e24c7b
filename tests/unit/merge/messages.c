/* Messages of pg_logical_emit_message(), in transactions and between them. */
#include <criterion/criterion.h>

#include "scene.h"

Test(messages, keep_their_place_in_the_stream)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    wal_begin(&s, 7);
    wal_insert(&s, "1,a,x");
    wal_message(&s, true);
    wal_insert(&s, "2,b,y");
    wal_commit(&s);
    wal_message(&s, false);
    cr_assert(wal_flush(&s));
    cr_expect_str_eq(said(&s), "c1=a/x m c2=b/y m");
    scene_free(&s);
}

Test(messages, between_transactions_are_in_the_next_state)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    wal_begin(&s, 7);
    wal_commit(&s);
    int checkpoints = s.checkpoints;
    uint64_t lsn = s.lsn;
    wal_message(&s, false);
    cr_assert(wal_flush(&s));
    scene_quiet(&s);
    cr_expect_eq(s.checkpoints, checkpoints + 1);
    cr_expect_eq(s.whole->cursor, lsn, "it does not come again, and all behind it does");
    cr_expect_eq(merge_position(s.m), lsn);
    scene_free(&s);
}

Test(messages, in_a_transaction_do_not_move_the_cursor)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    wal_begin(&s, 7);
    wal_message(&s, true);
    cr_assert(wal_flush(&s));
    scene_quiet(&s);
    cr_expect_eq(merge_position(s.m), 1000);
    wal_commit(&s);
    cr_expect_eq(s.whole->cursor, merge_position(s.m));
    scene_free(&s);
}
