#include "base/clock.h"

#include <criterion/criterion.h>

Test(clock, utc_has_milliseconds)
{
    char text[CLOCK_UTC];
    clock_utc(text, INT64_C(1795878131123));
    cr_assert_str_eq(text, "2026-11-28T15:02:11.123Z");
    clock_utc(text, 5);
    cr_assert_str_eq(text, "1970-01-01T00:00:00.005Z");
}
