/* Base64: RFC 4648's own examples, and all paths alike. */
#include "base64.h"

#include "exact.h"

static const char *text_of(const char *s)
{
    static char text[64];
    *base64_encode(text, (const uint8_t *)s, strlen(s)) = '\0';
    return text;
}

Test(base64, the_examples_of_its_standard)
{
    cr_expect_str_eq(text_of(""), "");
    cr_expect_str_eq(text_of("f"), "Zg==");
    cr_expect_str_eq(text_of("fo"), "Zm8=");
    cr_expect_str_eq(text_of("foo"), "Zm9v");
    cr_expect_str_eq(text_of("foob"), "Zm9vYg==");
    cr_expect_str_eq(text_of("fooba"), "Zm9vYmE=");
    cr_expect_str_eq(text_of("foobar"), "Zm9vYmFy");
}

/* A bit at a time. */
static void encode_plainly(char *to, const uint8_t *s, size_t len)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    memset(to, '=', BASE64_LEN(len));
    for (size_t letter = 0; letter * 6 < len * 8; letter++) {
        unsigned sextet = 0;
        for (size_t bit = letter * 6; bit < letter * 6 + 6; bit++) {
            sextet = sextet << 1 | (bit < len * 8 ? s[bit / 8] >> (7 - bit % 8) & 1U : 0);
        }
        to[letter] = letters[sextet];
    }
}

static void expect_same(const uint8_t *s, size_t len, size_t offset)
{
    size_t size = BASE64_LEN(len);
    char *plain = exact_block(size, offset), *fast = exact_block(size, offset),
         *portable = exact_block(size, offset);
    encode_plainly(plain, s, len);
    cr_assert_eq(base64_encode(fast, s, len), fast + size);
    cr_assert_eq(base64_encode_portable(portable, s, len), portable + size);
    cr_assert(memcmp(plain, fast, size) == 0, "%zu bytes at %zu", len, offset);
    cr_assert(memcmp(plain, portable, size) == 0, "%zu bytes at %zu", len, offset);
    exact_free(plain, offset);
    exact_free(fast, offset);
    exact_free(portable, offset);
}

Test(base64, all_paths_print_the_same)
{
    srand(1);
    for (size_t len = 0; len <= 200; len++) {
        for (size_t offset = 0; offset < 32; offset++) {
            uint8_t *s = exact_random(len, offset);
            expect_same(s, len, (offset + len) % 32);
            exact_free(s, offset);
        }
    }
}

/* In all four places of a group, and all groups of a vector. */
Test(base64, every_letter_in_every_place)
{
    uint8_t s[48];
    for (unsigned value = 0; value < 64; value++) {
        for (size_t i = 0; i < sizeof s; i += 3) {
            unsigned bits = value << 18 | value << 12 | value << 6 | value;
            s[i] = (uint8_t)(bits >> 16);
            s[i + 1] = (uint8_t)(bits >> 8);
            s[i + 2] = (uint8_t)bits;
        }
        expect_same(s, sizeof s, 0);
    }
}
