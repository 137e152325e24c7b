#include "base/bytes.h"

#include <criterion/criterion.h>

Test(bytes, reads_big_endian)
{
    const uint8_t data[] = {1, 0x02, 0x03, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xFF};
    struct bytes b = bytes_of(data, sizeof data);
    cr_assert_eq(bytes_u8(&b), 1);
    cr_assert_eq(bytes_u16(&b), 0x0203);
    cr_assert_eq(bytes_u32(&b), 0x04050607);
    cr_assert_eq(bytes_u64(&b) >> 8, 0x08090A0B0C0D0E);
    cr_assert_eq(bytes_left(&b), 0);
    cr_assert_not(b.bad);
}

Test(bytes, stores_big_endian_and_returns_the_end)
{
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    uint8_t data[sizeof expected], *p = data;
    p = store16(p, 0x0102);
    p = store32(p, 0x03040506);
    p = store64(p, 0x0708090A0B0C0D0E);
    cr_assert_eq(p, data + sizeof data);
    cr_assert_arr_eq(data, expected, sizeof data);
}

Test(bytes, a_read_past_the_end_is_zero_and_sticky)
{
    const uint8_t data[] = {1, 2, 3};
    struct bytes b = bytes_of(data, sizeof data);
    cr_assert_eq(bytes_u32(&b), 0);
    cr_assert(b.bad);
    cr_assert_eq(bytes_u8(&b), 0);
    cr_assert_eq(bytes_left(&b), 3);
    cr_assert_null(bytes_take(&b, 0));
}

Test(bytes, take_survives_enormous_lengths)
{
    const uint8_t data[] = {1, 2, 3};
    struct bytes b = bytes_of(data, sizeof data);
    cr_assert_null(bytes_take(&b, SIZE_MAX));
    cr_assert(b.bad);
}

Test(bytes, taking_all_is_not_bad)
{
    const uint8_t data[] = {1, 2, 3};
    struct bytes b = bytes_of(data, sizeof data);
    cr_assert_eq(bytes_take(&b, 3), data);
    cr_assert_not_null(bytes_take(&b, 0));
    cr_assert_not(b.bad);
}

Test(bytes, strings_end_at_their_nul)
{
    struct bytes b = bytes_of("ab\0\0cd", 6);
    cr_assert_str_eq(bytes_string(&b), "ab");
    cr_assert_str_empty(bytes_string(&b));
    cr_assert_not(b.bad);
    cr_assert_str_empty(bytes_string(&b));
    cr_assert(b.bad);
    cr_assert_str_empty(bytes_string(&b));
}
