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

TestSuite(repeats, .init = none, .fini = none);

Test(repeats, a_line_is_said_once_a_minute)
{
    cr_assert(repeats_allow(&repeats, 1, "a", 0));
    cr_assert_not(repeats_allow(&repeats, 1, "a", 59 S));
    cr_assert(repeats_allow(&repeats, 1, "b", 59 S), "another is said");
    cr_assert(repeats_allow(&repeats, 1, "a", 60 S));
}

Test(repeats, how_often_it_was_left_out_is_reported_when_the_minute_is_over)
{
    repeats_allow(&repeats, 2, "a", 0);
    repeats_allow(&repeats, 2, "a", 1 S);
    repeats_allow(&repeats, 2, "a", 2 S);
    cr_assert_not(repeats_take(&repeats, 59 S, false, &taken));
    cr_assert(repeats_take(&repeats, 60 S, false, &taken));
    cr_assert_str_eq(taken.text, "a");
    cr_assert(taken.count == 2 && taken.level == 2);
    free(taken.text);
    cr_assert_not(repeats_take(&repeats, 60 S, true, &taken), "once");
    cr_assert(repeats_allow(&repeats, 2, "a", 60 S));
}

Test(repeats, at_the_end_all_is_reported)
{
    repeats_allow(&repeats, 1, "a", 0);
    cr_assert_not(repeats_take(&repeats, 1 S, true, &taken), "nothing was left out");
    repeats_allow(&repeats, 1, "a", 1 S);
    cr_assert(repeats_take(&repeats, 1 S, true, &taken));
    free(taken.text);
}

Test(repeats, a_forgotten_line_may_be_logged_at_once)
{
    repeats_allow(&repeats, 1, "a", 0);
    repeats_forget(&repeats, "a");
    cr_assert(repeats_allow(&repeats, 1, "a", 1 S));
}

Test(repeats, many_lines_push_out_those_that_were_not_left_out)
{
    char line[16];
    repeats_allow(&repeats, 1, "counted", 0);
    repeats_allow(&repeats, 1, "counted", 0);
    for (int i = 0; i < 3 * REPEATS; i++) {
        snprintf(line, sizeof line, "%d", i);
        cr_assert(repeats_allow(&repeats, 1, line, i));
    }
    cr_assert_not(repeats_allow(&repeats, 1, "counted", 1 S));
    cr_assert(repeats_take(&repeats, 60 S, false, &taken));
    cr_assert_eq(taken.count, 2);
    free(taken.text);
}
