/* When to try again, and when to give up. */
#include "runtime/retry.h"

#include <criterion/criterion.h>

enum { SECOND_US = 1000 * 1000 };

static struct err failure(enum err_kind kind)
{
    struct err err = {0};
    err_set(&err, kind, "nothing answers");
    return err;
}

Test(retry, pauses_twice_as_long_each_time_up_to_ten_seconds)
{
    struct retry retry;
    struct err err = failure(ERR_TRANSIENT);
    int64_t pause_us;
    retry_succeeded(&retry, 0);
    for (int64_t expected_us = 200 * 1000; expected_us < 10 * SECOND_US; expected_us *= 2) {
        cr_assert(retry_again(&retry, "it", 0, &pause_us, &err));
        cr_assert_eq(pause_us, expected_us);
    }
    cr_assert(retry_again(&retry, "it", 0, &pause_us, &err) && pause_us == 10 * SECOND_US);
    retry_succeeded(&retry, 0);
    cr_assert(retry_again(&retry, "it", 0, &pause_us, &err) && pause_us == 200 * 1000);
}

Test(retry, gives_up_five_minutes_after_it_last_went_well)
{
    struct retry retry;
    struct err err = failure(ERR_TRANSIENT);
    int64_t pause_us;
    retry_succeeded(&retry, SECOND_US);
    cr_assert(retry_again(&retry, "it", INT64_C(301) * SECOND_US, &pause_us, &err));
    cr_assert(!retry_again(&retry, "it", INT64_C(301) * SECOND_US + 1, &pause_us, &err));
    cr_assert_eq(err.kind, ERR_TRANSIENT);
    cr_assert_str_eq(err.message, "it gave up after 5 minutes of trying: nothing answers");
}

Test(retry, does_not_try_again_what_only_others_can_fix)
{
    struct retry retry;
    int64_t pause_us;
    retry_succeeded(&retry, 0);
    for (int i = 0; i < 3; i++) {
        const enum err_kind kinds[] = {ERR_CONFIG, ERR_SYSTEM, ERR_STOPPED};
        struct err err = failure(kinds[i]);
        cr_assert(!retry_again(&retry, "it", 0, &pause_us, &err));
        cr_assert_str_eq(err.message, "nothing answers");
    }
}
