#include "base/utf8.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* utf8_end() of a block of exactly these bytes, so that a sanitizer sees a read past them. */
static size_t valid_bytes(const char *bytes, size_t len)
{
    char *exact = malloc(len);
    memcpy(exact, bytes, len);
    size_t first = utf8_len(exact, exact + len);
    size_t all = (size_t)(utf8_end(exact, exact + len) - exact);
    cr_expect((first > 0) == (all > 0));
    free(exact);
    return all;
}

static size_t encode(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, c >>= 6) {
        to[i] = (char)(0x80 | (c & 0x3f));
    }
    to[0] = (char)((0xf00 >> len) | c);
    return len;
}

Test(utf8, every_character_is_valid_but_surrogates)
{
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char bytes[4];
        size_t len = encode(bytes, c);
        size_t wanted = c >= 0xd800 && c <= 0xdfff ? 0 : len;
        cr_assert_eq(utf8_len(bytes, bytes + len), wanted, "U+%04X", c);
    }
}

Test(utf8, no_other_bytes_are)
{
    static const char *const wrong[] = {"\x80",
                                        "\xbf",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x80\x80",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff",
                                        "\xc3",
                                        "\xc3x",
                                        "\xe2\x82",
                                        "\xe2\x82x",
                                        "\xe2x\x82",
                                        "\xf0\x9f\x98",
                                        "\xf0\x9f\x98x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_eq(valid_bytes(wrong[i], strlen(wrong[i])), 0, "case %zu", i);
    }
}

Test(utf8, the_end_is_where_the_first_wrong_byte_is)
{
    char text[64];
    for (size_t at = 0; at < sizeof text; at++) {
        memset(text, 'a', sizeof text);
        text[at] = (char)0xff;
        cr_expect_eq(valid_bytes(text, sizeof text), at);
    }
    cr_expect_eq(valid_bytes("caf\xc3\xa9, \xe2\x82\xac and more\xc3", 20), 19);
    cr_expect_eq(valid_bytes("\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 12), 12);
}
