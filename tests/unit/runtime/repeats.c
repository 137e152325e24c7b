#include "repeats.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define S *1000000LL

static struct repeats repeats;
static struct repeat taken;

static void none(void)
{
    repeats_clear(&repeats);
}

static unsigned before;

static bool allow(int level, const char *text, int64_t now_us)
{
    return repeats_allow(&repeats, &(struct repeated){text, text, level, NULL}, now_us, &before);
}

/* Of a wait, whose lines have one key. */
static bool wait_for(const void *wait, const char *text, int64_t now_us)
{
    return repeats_allow(&repeats, &(struct repeated){"wait", text, 1, wait}, now_us, &before);
}

TestSuite(repeats, .init = none, .fini = none);

Test(repeats, a_line_is_said_once_a_minute)
{
    cr_assert(allow(1, "a", 0));
    cr_assert_not(allow(1, "a", 59 S));
    cr_assert(allow(1, "b", 59 S), "another is said");
    cr_assert(allow(1, "a", 60 S));
}

Test(repeats, how_often_it_was_left_out_is_reported_when_the_minute_is_over)
{
    allow(2, "a", 0);
    allow(2, "a", 1 S);
    allow(2, "a", 2 S);
    cr_assert_not(repeats_take(&repeats, 59 S, false, &taken));
    cr_assert(repeats_take(&repeats, 60 S, false, &taken));
    cr_assert_str_eq(taken.text, "a");
    cr_assert(taken.count == 2 && taken.level == 2);
    free(taken.text);
    cr_assert_not(repeats_take(&repeats, 60 S, true, &taken), "once");
    cr_assert_not(allow(2, "a", 61 S), "that was a line of it");
    cr_assert(allow(2, "a", 180 S));
}

Test(repeats, at_the_end_all_is_reported)
{
    allow(1, "a", 0);
    cr_assert_not(repeats_take(&repeats, 1 S, true, &taken), "nothing was left out");
    allow(1, "a", 1 S);
    cr_assert(repeats_take(&repeats, 1 S, true, &taken));
    free(taken.text);
}

Test(repeats, a_forgotten_line_may_be_logged_at_once)
{
    allow(1, "a", 0);
    repeats_forget(&repeats, "a");
    cr_assert(allow(1, "a", 1 S));
}

Test(repeats, many_lines_push_out_those_that_were_not_left_out)
{
    char line[16];
    allow(1, "counted", 0);
    allow(1, "counted", 0);
    for (int i = 0; i < 3 * REPEATS; i++) {
        snprintf(line, sizeof line, "%d", i);
        cr_assert(allow(1, line, i));
    }
    cr_assert_not(allow(1, "counted", 1 S));
    cr_assert(repeats_take(&repeats, 60 S, false, &taken));
    cr_assert_eq(taken.count, 2);
    free(taken.text);
}

Test(repeats, lines_about_the_same_are_the_same_and_the_newest_is_told)
{
    cr_assert(wait_for(NULL, "for 5 s", 0));
    cr_assert_not(wait_for(NULL, "for 30 s", 30 S));
    cr_assert_not(wait_for(NULL, "for 50 s", 50 S));
    cr_assert(repeats_take(&repeats, 60 S, false, &taken));
    cr_assert_str_eq(taken.text, "for 50 s");
    cr_assert_eq(taken.count, 2);
    free(taken.text);
}

Test(repeats, a_line_that_comes_after_a_minute_counts_those_before_it)
{
    cr_assert(wait_for(NULL, "for 5 s", 0) && before == 0);
    wait_for(NULL, "for 35 s", 30 S);
    cr_assert(wait_for(NULL, "for 65 s", 60 S));
    cr_assert_eq(before, 1);
    cr_assert_not(repeats_take(&repeats, 200 S, true, &taken), "it told them");
    cr_assert(wait_for(NULL, "for 125 s", 120 S) && before == 0);
}

Test(repeats, what_is_over_is_not_told)
{
    const int wait = 0, other = 0;
    wait_for(&wait, "for 5 s", 0);
    wait_for(&wait, "for 6 s", 1 S);
    allow(1, "a", 1 S);
    allow(1, "a", 1 S);
    repeats_over(&repeats, NULL, &other);
    repeats_over(&repeats, NULL, &wait);
    cr_assert(repeats_take(&repeats, 60 S, true, &taken));
    cr_assert_str_eq(taken.text, "a");
    free(taken.text);
    cr_assert_not(repeats_take(&repeats, 60 S, true, &taken));
}

Test(repeats, what_was_over_and_comes_again_is_told)
{
    const int wait = 0;
    wait_for(&wait, "for 5 s", 0);
    wait_for(&wait, "for 6 s", 1 S);
    repeats_over(&repeats, "wait", NULL);
    cr_assert_not(wait_for(&wait, "for 5 s", 30 S), "within the minute");
    cr_assert(repeats_take(&repeats, 60 S, false, &taken));
    cr_assert_eq(taken.count, 2);
    free(taken.text);
    wait_for(&wait, "for 7 s", 61 S);
    repeats_over(&repeats, NULL, &wait);
    cr_assert(wait_for(&wait, "for 5 s", 200 S));
    cr_assert_eq(before, 0, "those before were another wait's");
}
