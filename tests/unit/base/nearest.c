#include "base/nearest.h"

#include <criterion/criterion.h>

static const char *find(const char *wanted)
{
    static const char *const names[] = {"output", "metrics-file", "metrics-listen", "slot_name"};
    struct nearest nearest = {.wanted = wanted};
    cr_assert_not(nearest_found(&nearest));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        nearest_offer(&nearest, names[i]);
    }
    return nearest_found(&nearest) ? nearest.name : NULL;
}

Test(nearest, a_slip_is_found)
{
    cr_assert_str_eq(find("ouput"), "output");
    cr_assert_str_eq(find("--outptu"), "output");
    cr_assert_str_eq(find("slotName"), "slot_name");
    cr_assert_str_eq(find("metrics-fil"), "metrics-file");
}

Test(nearest, what_is_too_short_is_found)
{
    cr_assert_str_eq(find("metrics"), "metrics-file");
    cr_assert_str_eq(find("out"), "output");
}

Test(nearest, other_words_are_not)
{
    cr_assert_null(find("input"));
    cr_assert_null(find("x"));
    cr_assert_null(find("--"));
    cr_assert_null(find(""));
}
