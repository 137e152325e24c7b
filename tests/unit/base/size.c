#include "base/size.h"

#include <criterion/criterion.h>

static void says(uint64_t bytes, const char *text)
{
    cr_expect_str_eq(size_format(bytes).s, text);
}

Test(size, has_the_unit_in_which_it_is_read_at_a_glance)
{
    says(0, "0 bytes");
    says(10239, "10239 bytes");
    says(10240, "10 KiB");
    says(92ull << 20, "92 MiB");
    says((1ull << 30) - 1, "1024 MiB");
    says(3ull << 29, "1.5 GiB");
    says(UINT64_MAX, "17179869184.0 GiB");
}
