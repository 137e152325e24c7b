#include "base/lsn.h"

#include <criterion/criterion.h>

static void check(uint64_t lsn, const char *text)
{
    uint64_t back = ~lsn;
    cr_assert_str_eq(lsn_format(lsn).s, text);
    cr_assert(lsn_parse(text, &back));
    cr_assert_eq(back, lsn);
}

Test(lsn, text_goes_both_ways)
{
    check(0, "0/0");
    check(0x16B3748, "0/16B3748");
    check(0x16B374D848, "16/B374D848");
    check(UINT64_MAX, "FFFFFFFF/FFFFFFFF");
}

Test(lsn, lower_case_and_leading_zeros_are_read)
{
    uint64_t lsn;
    cr_assert(lsn_parse("00000016/b374d848", &lsn));
    cr_assert_eq(lsn, 0x16B374D848);
}

Test(lsn, anything_else_is_refused)
{
    static const char *const wrong[] = {
        "",      "/",    "0",    "0/",    "/0",          "0/g",         "0/0 ", " 0/0",
        "0x1/0", "-1/0", "0//0", "0/0/0", "1/123456789", "123456789/1", "@/0",  "0/`"};
    uint64_t lsn;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(lsn_parse(wrong[i], &lsn), "%s", wrong[i]);
    }
}
