/* Chunks that wait for a position instead of a watermark. */
#include <criterion/criterion.h>

#include "scene.h"

#define expect_said(s, text) cr_expect_str_eq(said(s), text)

/* All that the chunk's snapshot saw was committed before `lsn`. */
/* `end` NULL: the last chunk. */
static void read_part(struct scene *s, const char *snapshot, const char *rows, const char *end,
                      uint64_t lsn)
{
    cr_assert(rows_in(s, read_step(s, 0, CHUNK_OPEN)));
    cr_assert(rows_in(s, read_snapshot_step(s, 0, snapshot)));
    cr_assert(rows_in(s, read_rows_step(s, 0, rows)));
    struct batch *close = read_close_step(s, 0, end, "");
    close->close.seen_lsn = lsn;
    cr_assert(rows_in(s, close));
}

static void read_until(struct scene *s, const char *snapshot, const char *rows, uint64_t lsn)
{
    read_part(s, snapshot, rows, NULL, lsn);
}

static void commit_at(struct scene *s, uint32_t xid, uint64_t lsn)
{
    wal_begin(s, xid);
    s->lsn = lsn;
    wal_commit(s);
}

Test(positions, a_chunk_comes_with_the_first_commit_that_has_passed_it)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_until(&s, "10:10:", "1,a,x", 5000);
    commit_at(&s, 11, 4900);
    expect_said(&s, "");
    wal_begin(&s, 12);
    wal_update(&s, "1,b,y");
    s.lsn = 5000;
    wal_commit(&s);
    expect_said(&s, "p1=b/y");
    cr_assert_not(merge_backfilling(s.m));
    scene_free(&s);
}

Test(positions, or_with_a_keepalive)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_until(&s, "10:10:", "1,a,x", 5000);
    wal_position(&s, 4999);
    cr_assert(wal_flush(&s));
    expect_said(&s, "");
    wal_position(&s, 5000);
    cr_assert(wal_flush(&s));
    expect_said(&s, "r1=a/x");
    cr_expect_str_eq(saved(&s), "active");
    scene_free(&s);
}

Test(positions, one_that_comes_late_is_released_at_once)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    commit_at(&s, 11, 6000);
    cr_assert(rows_in(&s, read_step(&s, 0, CHUNK_OPEN)));
    cr_assert(rows_in(&s, read_step(&s, 0, CHUNK_ABORT)));
    read_until(&s, "12:12:", "1,a,x", 5000);
    expect_said(&s, "");
    cr_expect_eq(merge_deadline_us(s.m), 0);
    scene_quiet(&s);
    expect_said(&s, "r1=a/x");
    cr_expect_str_eq(saved(&s), "active");
    scene_free(&s);
}

Test(positions, a_message_between_transactions_passes_it)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    read_until(&s, "10:10:", "1,a,x", 5000);
    s.lsn = 5000;
    wal_message(&s, false);
    cr_assert(wal_flush(&s));
    cr_expect_eq(merge_deadline_us(s.m), 0);
    scene_quiet(&s);
    expect_said(&s, "m r1=a/x");
    scene_free(&s);
}

Test(positions, it_waits_for_the_end_of_the_transaction_under_way)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    commit_at(&s, 11, 6000);
    wal_begin(&s, 12);
    cr_assert(wal_flush(&s));
    read_until(&s, "12:12:", "1,a,x", 5000);
    cr_expect_eq(merge_deadline_us(s.m), INT64_MAX);
    wal_insert(&s, "2,b,y");
    s.lsn = 6100;
    wal_commit(&s);
    expect_said(&s, "r1=a/x p2=b/y");
    scene_free(&s);
}

/* The cursor follows only later: without watermarks nothing commits. */
Test(positions, a_life_has_begun_once_one_is_behind_its_beginning)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    s.stream.airbyte_look = true;
    commit_at(&s, 11, 4000);
    scene_rebirth(&s, 4500);
    wal_position(&s, 5001);
    cr_assert(wal_flush(&s));
    read_part(&s, "12:12:", "1,a,x", "5", 5000);
    scene_quiet(&s);
    cr_expect_lt(s.whole->cursor, 4500);
    cr_expect_not(merge_is_lost_in_checkpoint(s.m, 0));
    cr_expect_str_eq(saved(&s), "5-");
    scene_free(&s);
}

Test(positions, it_ends_past_one_once_all_rows_are_out)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    merge_finish_at(s.m, "", 4000);
    commit_at(&s, 11, 6000);
    cr_expect_not(merge_finished(s.m));
    read_until(&s, "12:12:", "1,a,x", 5000);
    scene_quiet(&s);
    expect_said(&s, "r1=a/x");
    cr_expect(merge_finished(s.m));
    scene_free(&s);
}

Test(positions, the_last_checkpoint_has_the_position_that_was_waited_for)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    merge_finish_at(s.m, "", 7000);
    commit_at(&s, 11, 6000);
    cr_expect_not(merge_finished(s.m));
    wal_position(&s, 7001);
    cr_assert(wal_flush(&s));
    cr_expect(merge_finished(s.m));
    cr_expect_eq(s.whole->cursor, 7001);
    scene_free(&s);
}
