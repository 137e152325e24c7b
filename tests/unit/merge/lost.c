/* Lost streams, and their part of a state. */
#include <criterion/criterion.h>

#include "scene.h"

Test(lost, a_stream_that_is_lost_over_and_over_says_so_once)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    scene_quiet(&s);
    merge_lose(s.m, 0);
    scene_quiet(&s);
    int before = s.checkpoints;
    scene_rebirth(&s, 0); /* no checkpoint has this life */
    merge_lose(s.m, 0);
    merge_leave(s.m, 0);
    scene_quiet(&s);
    cr_expect_eq(s.checkpoints, before);
    scene_rebirth(&s, 0);
    wal_begin(&s, 7);
    wal_commit(&s);
    before = s.checkpoints;
    merge_lose(s.m, 0);
    scene_quiet(&s);
    cr_expect_eq(s.checkpoints, before + 1);
    scene_free(&s);
}

/* Else the next start would take the stream for one that never began, and not examine it. */
Test(lost, no_state_is_written_while_a_lost_stream_is_undecided)
{
    struct scene s;
    scene_init(&s, "-", NULL, false);
    scene_quiet(&s);
    s.config.asks_lost = true;
    scene_resume(&s);
    scene_quiet(&s);
    int before = s.checkpoints;
    merge_lose(s.m, 0);
    scene_quiet(&s);
    wal_begin(&s, 7);
    wal_commit(&s);
    scene_quiet(&s);
    cr_expect_eq(s.checkpoints, before);
    cr_expect_eq(merge_deadline_us(s.m), INT64_MAX);
    merge_decided(s.m, 0);
    scene_quiet(&s);
    cr_expect_eq(s.checkpoints, before + 1);
    scene_free(&s);
}
