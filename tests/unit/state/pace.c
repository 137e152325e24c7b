#include "state/pace.h"

#include <criterion/criterion.h>

enum { LEAST_US = 200 * 1000 };

/* States and records of a capture that writes `rate` bytes a second, for so many seconds. */
static double share(uint64_t state_bytes, uint64_t rate, int seconds)
{
    uint64_t states = 0, records = 0, since = 0;
    int64_t last_us = 0;
    for (int64_t now_us = 0; now_us < (int64_t)seconds * 1000000; now_us += 10000) {
        records += rate / 100;
        since += rate / 100;
        if (now_us - last_us >= pace_pause_us(state_bytes, since, LEAST_US)) {
            states += state_bytes;
            since = 0;
            last_us = now_us;
        }
    }
    return (double)states / (double)(records ? records : 1);
}

Test(pace, a_small_state_may_follow_at_once)
{
    cr_expect_eq(pace_pause_us(800, 0, LEAST_US), LEAST_US);
    cr_expect_eq(pace_pause_us(0, 0, LEAST_US), LEAST_US);
}

Test(pace, a_large_state_waits_for_output_or_ten_seconds)
{
    cr_expect_eq(pace_pause_us(300000, 0, LEAST_US), PACE_MOST_US);
    cr_expect_eq(pace_pause_us(300000, 300000 * 20 - 20, LEAST_US), LEAST_US);
    cr_expect_eq(pace_pause_us(UINT64_MAX, UINT64_MAX / 2, LEAST_US), PACE_MOST_US);
    cr_expect_eq(pace_pause_us(UINT64_MAX, 0, LEAST_US), PACE_MOST_US);
    cr_expect_eq(pace_pause_us(1, UINT64_MAX, LEAST_US), LEAST_US);
}

Test(pace, more_output_never_makes_it_longer)
{
    int64_t before_us = PACE_MOST_US;
    for (uint64_t output = 0; output < 3000000; output += 1000) {
        int64_t pause_us = pace_pause_us(100000, output, LEAST_US);
        cr_assert_leq(pause_us, before_us);
        before_us = pause_us;
    }
    cr_assert_eq(before_us, LEAST_US);
}

Test(pace, states_are_a_twentieth_of_what_flows)
{
    cr_expect_leq(share(300000, 10000000, 60), 1.0 / 20 + 0.001);
    cr_expect_leq(share(3000, 10000000, 60), 1.0 / 20);
}

Test(pace, of_a_trickle_takes_a_large_state_each_ten_seconds)
{
    cr_expect_leq(share(300000, 6000, 100), 300000.0 / 10 / 6000 + 0.01);
}

Test(pace, of_a_trickle_takes_few_bytes_a_second_for_small_states)
{
    cr_expect_leq(share(600, 1000, 100) * 1000, PACE_FREE_BYTES_A_SECOND + 1000.0 / PACE_SHARE);
    cr_expect_leq(share(5000, 1000, 100) * 1000, PACE_FREE_BYTES_A_SECOND + 1000.0 / PACE_SHARE);
    cr_expect_geq(share(600, 1000, 100) * 1000, 600 * 4.5,
                  "a small one waits no longer than must be");
}
