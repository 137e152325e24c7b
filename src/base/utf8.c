/* The table of well-formed byte sequences in the Unicode standard (3-7), as code. */
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The second byte is where overlong forms, surrogates and the end of Unicode show. */
static bool second_fits(uint8_t lead, uint8_t second)
{
    return !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second > 0x9f) &&
           !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second > 0x8f);
}

size_t utf8_len(const char *p, const char *end)
{
    const uint8_t *u = (const uint8_t *)p;
    size_t len = *u < 0x80 ? 1 : *u < 0xc2 ? 0 : *u < 0xe0 ? 2 : *u < 0xf0 ? 3 : *u < 0xf5 ? 4 : 0;
    if (len > (size_t)(end - p)) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if (u[i] >> 6 != 2) {
            return 0;
        }
    }
    return len < 3 || second_fits(u[0], u[1]) ? len : 0;
}

/* Whether eight bytes are ASCII. */
static bool is_ascii(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return !(word & UINT64_C(0x8080808080808080));
}

const char *utf8_end(const char *p, const char *end)
{
    while (p < end) {
        size_t len = end - p >= 8 && is_ascii(p) ? 8 : utf8_len(p, end);
        if (!len) {
            break;
        }
        p += len;
    }
    return p;
}
