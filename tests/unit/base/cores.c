#include "base/cores.h"

#include <criterion/criterion.h>
#include <sched.h>

Test(cores, a_quota_is_rounded_up)
{
    cr_assert_eq(cores_of_quota("150000 100000\n"), 2);
    cr_assert_eq(cores_of_quota("200000 100000 "), 2);
    cr_assert_eq(cores_of_quota("1000 100000"), 1);
    cr_assert_eq(cores_of_quota("9223372036854775807 1"), 1 << 16);
}

Test(cores, without_a_quota_there_is_no_limit)
{
    static const char *const none[] = {"max 100000\n", "-1 100000 ", "", "150000 ", "2 0", "x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        cr_assert_eq(cores_of_quota(none[i]), 0, "%s", none[i]);
    }
}

Test(cores, a_process_bound_to_one_core_has_one)
{
    cpu_set_t one, all;
    cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
    cr_assert_geq(cores_usable(), 1);
    cr_assert_leq(cores_usable(), CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (int i = 0; !CPU_COUNT(&one); i++) {
        if (CPU_ISSET(i, &all)) {
            CPU_SET(i, &one);
        }
    }
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_assert_eq(cores_usable(), 1);
}
