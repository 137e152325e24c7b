/* Runs of hexadecimal digits: decoded as they are digit by digit, and never past their end. */
#include "hex.h"

#include <ctype.h>

#include "exact.h"

/* Digits of either case. */
static void fill(char *s, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    for (size_t i = 0; i < count; i++) {
        s[2 * i] = digits[(bytes[i] >> 4) + 16 * (rand() & 1)];
        s[2 * i + 1] = digits[(bytes[i] & 15) + 16 * (rand() & 1)];
    }
}

static void expect_bytes(const uint8_t *bytes, size_t count, size_t offset)
{
    char *s = exact_block(2 * count, offset);
    uint8_t *decoded = exact_block(count, offset);
    fill(s, bytes, count);
    cr_assert(hex_check(s, 2 * count), "%zu digits at %zu", 2 * count, offset);
    hex_decode(decoded, s, count);
    cr_assert(memcmp(decoded, bytes, count) == 0, "%zu bytes at %zu", count, offset);
    exact_free(s, offset);
    exact_free(decoded, offset);
}

Test(hex, every_length_at_every_alignment)
{
    srand(1);
    for (size_t count = 0; count <= 200; count++) {
        for (size_t offset = 0; offset < 32; offset++) {
            uint8_t *bytes = exact_random(count, 0);
            expect_bytes(bytes, count, offset);
            exact_free(bytes, 0);
        }
    }
}

Test(hex, one_digit_too_few_is_seen)
{
    for (size_t len = 0; len <= 200; len++) {
        char *s = exact_block(len, 0);
        memset(s, 'f', len);
        cr_expect_eq(hex_check(s, len), len % 2 == 0, "%zu", len);
        exact_free(s, 0);
    }
}

/* In each place of a vector, and of what is left of a run. */
Test(hex, every_byte_that_is_no_digit_is_seen_everywhere)
{
    for (size_t len = 2; len <= 70; len += 2) {
        char *s = exact_block(len, len % 16);
        memset(s, '7', len);
        for (size_t i = 0; i < len; i++) {
            for (int c = 0; c < 256; c++) {
                s[i] = (char)c;
                cr_assert_eq(hex_check(s, len), isxdigit(c) != 0, "%02x at %zu of %zu", c, i, len);
            }
            s[i] = '7';
        }
        exact_free(s, len % 16);
    }
}
