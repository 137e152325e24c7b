/*
 * Decimal digits, two at a time. Each writes at `p`, which has the room, and returns where it
 * ended.
 */
#ifndef EMIT_DIGITS_H
#define EMIT_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern const char digit_pairs[201]; /* "00" to "99" */

static inline char *digits_two(char *p, uint32_t v) /* v < 100 */
{
    memcpy(p, digit_pairs + 2 * (size_t)v, 2);
    return p + 2;
}

static inline char *digits_four(char *p, uint32_t v) /* v < 10^4 */
{
    digits_two(p, v / 100);
    digits_two(p + 2, v % 100);
    return p + 4;
}

static inline char *digits_eight(char *p, uint32_t v) /* v < 10^8 */
{
    digits_four(p, v / 10000);
    digits_four(p + 4, v % 10000);
    return p + 8;
}

/* As many digits as v needs; v < 10^4. */
static inline char *digits_lead(char *p, uint32_t v)
{
    if (v >= 1000) {
        return digits_four(p, v);
    }
    if (v >= 100) {
        *p++ = (char)('0' + v / 100);
        return digits_two(p, v % 100);
    }
    if (v >= 10) {
        return digits_two(p, v);
    }
    *p = (char)('0' + v);
    return p + 1;
}

#endif
