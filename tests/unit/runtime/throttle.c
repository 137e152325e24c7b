#include <criterion/criterion.h>

#include "runtime/throttle.h"

#define S INT64_C(1000000)

static struct throttle *t;
static int64_t wait_us;

static void end(void)
{
    throttle_free(&t);
}

TestSuite(throttle, .fini = end);

static enum throttle_step at(int64_t now_us)
{
    return throttle_next(t, now_us, &wait_us);
}

Test(throttle, without_limits_all_may_begin)
{
    t = throttle_new(0, 0);
    throttle_took(t, 1 * S, UINT64_C(1) << 40);
    cr_assert_eq(at(1 * S), THROTTLE_GO);
    cr_assert_eq(throttle_piece(t), UINT64_MAX);
}

Test(throttle, waits_until_what_was_taken_is_allowed)
{
    t = throttle_new(1000, 0);
    cr_assert_eq(at(10 * S), THROTTLE_GO);
    throttle_took(t, 10 * S, 2000);
    cr_assert_eq(at(10 * S + S / 2), THROTTLE_RATE);
    cr_assert_eq(wait_us, S / 2, "it is asked again and again");
    cr_assert_eq(at(12 * S - 100), THROTTLE_RATE);
    cr_assert_eq(wait_us, 100);
    cr_assert_eq(at(12 * S), THROTTLE_GO);
}

Test(throttle, all_workers_share_the_rate)
{
    t = throttle_new(1000, 0);
    throttle_took(t, 10 * S, 1000);
    throttle_took(t, 10 * S, 1000);
    cr_assert_eq(at(12 * S - 1), THROTTLE_RATE);
    cr_assert_eq(at(12 * S), THROTTLE_GO);
}

Test(throttle, the_time_that_the_work_took_counts)
{
    t = throttle_new(1000, 0);
    throttle_took(t, 10 * S, 3000); /* reported at 12 s */
    cr_assert_eq(at(13 * S - 1), THROTTLE_RATE);
    cr_assert_eq(at(13 * S), THROTTLE_GO);
}

Test(throttle, idle_time_is_not_saved_up)
{
    t = throttle_new(1000, 0);
    throttle_took(t, 10 * S, 1000);
    throttle_took(t, 100 * S, 1000);
    cr_assert_eq(at(101 * S - 1), THROTTLE_RATE);
}

Test(throttle, a_piece_takes_at_most_a_second_of_the_rate)
{
    t = throttle_new(1000, 0);
    cr_assert_eq(throttle_piece(t), 1000);
}

Test(throttle, a_lag_is_asked_for_and_counts_for_a_moment)
{
    t = throttle_new(0, 100);
    cr_assert_eq(at(10 * S), THROTTLE_LOOK);
    throttle_lag(t, 10 * S, 100);
    cr_assert_eq(at(10 * S), THROTTLE_GO);
    cr_assert_eq(at(10 * S + 400000), THROTTLE_GO);
    cr_assert_eq(at(10 * S + 500000), THROTTLE_LOOK);
    throttle_lag(t, 11 * S, 101);
    cr_assert_eq(at(11 * S + 200000), THROTTLE_LAG);
    cr_assert_eq(wait_us, 300000);
    cr_assert_eq(at(11 * S + 500000), THROTTLE_LOOK);
    throttle_lag(t, 12 * S, 0);
    cr_assert_eq(at(12 * S), THROTTLE_GO);
}

Test(throttle, that_a_lag_is_not_seen_is_said_once)
{
    t = throttle_new(0, 100);
    cr_assert(throttle_says_blind(t));
    cr_assert_not(throttle_says_blind(t));
}
