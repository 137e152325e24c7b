/* Input that the merger cannot continue with is an error; what our own code must never do ends the
 * process. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "scene.h"

/* A range that ends at `until`, and one that begins after `scanned`. */
static void expect_refused(const char *until, const char *scanned)
{
    struct scene s;
    scene_init(&s, "-3 3-", NULL, false);
    const struct merge_stream *stream = &s.stream;
    struct merge_config config = s.config;
    config.streams = &stream;
    merge_free(&s.m);
    key_set(s.state.ranges[0].until, 0, until, strlen(until));
    key_free(&s.state.ranges[1].scanned);
    if (scanned) {
        s.state.ranges[1].scanned = key_new(1);
        key_set(s.state.ranges[1].scanned, 0, scanned, strlen(scanned));
    }
    s.m = merge_new(&config, &s.err);
    cr_expect_null(s.m, "%s", until);
    cr_expect(s.err.kind == ERR_CONFIG && strstr(s.err.message, "do not follow one another"), "%s",
              s.err.message);
    scene_free(&s);
}

Test(refused, are_ranges_of_a_state_that_overlap)
{
    expect_refused("7", "5");
    expect_refused("7", NULL);
}

Test(refused, is_a_transaction_that_was_committed_before_the_cursor)
{
    struct scene s;
    scene_init(&s, "", NULL, false);
    wal_begin(&s, 10);
    wal_insert(&s, "1,a,x");
    wal_commit(&s);
    s.lsn -= 30;
    wal_begin(&s, 11);
    wal_insert(&s, "2,a,x");
    wal_end(&s);
    cr_expect_not(wal_flush(&s));
    cr_expect(s.err.kind == ERR_SYSTEM && strstr(s.err.message, "sent transaction 11"), "%s",
              s.err.message);
    scene_free(&s);
}

Test(refused, is_a_chunk_that_ends_outside_its_range)
{
    static const char *const ends[] = {"2", "7"};
    for (int i = 0; i < 2; i++) {
        struct scene s;
        scene_init(&s, "3-6", NULL, false);
        rows_in(&s, read_step(&s, 0, CHUNK_OPEN));
        rows_in(&s, read_snapshot_step(&s, 0, "10:10:"));
        cr_expect_not(rows_in(&s, read_close_step(&s, 0, ends[i], "w1")));
        cr_expect(s.err.kind == ERR_SYSTEM && strstr(s.err.message, "not in the range"), "%s",
                  s.err.message);
        scene_free(&s);
    }
}

Test(refused, are_rows_of_a_chunk_that_has_no_snapshot, .signal = SIGABRT)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    rows_in(&s, read_step(&s, 0, CHUNK_OPEN));
    rows_in(&s, read_rows_step(&s, 0, "1,a,x"));
}

Test(refused, is_a_second_chunk_of_a_range_beside_the_first, .signal = SIGABRT)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    rows_in(&s, read_step(&s, 0, CHUNK_OPEN));
    rows_in(&s, read_step(&s, 0, CHUNK_OPEN));
}
