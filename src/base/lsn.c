/* LSN text, both ways. */
#include "base/lsn.h"

#include <inttypes.h>
#include <stdio.h>

struct lsn_text lsn_format(uint64_t lsn)
{
    struct lsn_text text;
    snprintf(text.s, sizeof text.s, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn >> 32), (uint32_t)lsn);
    return text;
}

/* One to eight hexadecimal digits. */
static bool parse_half(const char **text, uint32_t *half)
{
    const char *p = *text;
    uint32_t value = 0;
    for (; p - *text < 8; p++) {
        int c = *p | 0x20;
        if (*p >= '0' && *p <= '9') {
            value = value << 4 | (uint32_t)(*p - '0');
        } else if (c >= 'a' && c <= 'f') {
            value = value << 4 | (uint32_t)(c - 'a' + 10);
        } else {
            break;
        }
    }
    bool some = p > *text;
    *text = p;
    *half = value;
    return some;
}

bool lsn_parse(const char *text, uint64_t *lsn)
{
    uint32_t high, low;
    if (!parse_half(&text, &high) || *text++ != '/' || !parse_half(&text, &low) || *text) {
        return false;
    }
    *lsn = (uint64_t)high << 32 | low;
    return true;
}
