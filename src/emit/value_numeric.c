/*
 * numeric, from its binary form:
 *
 *   Int16 ndigits, Int16 weight, Int16 sign, Int16 dscale, Int16 digit [ndigits]
 *
 * Digits are of base 10000; digit i counts 10000^(weight - i). dscale decimal places are shown,
 * whatever the digits are. The longest has some 150,000 characters.
 */
#include "base/bytes.h"
#include "digits.h"
#include "word.h"
#include "writers.h"

enum {
    SIGN_POSITIVE = 0x0000,
    SIGN_NEGATIVE = 0x4000,
    SIGN_NAN = 0xc000,
    SIGN_INFINITY = 0xd000,
    SIGN_MINUS_INFINITY = 0xf000,
};

enum {
    HEADER = 8,
    BASE = 10000,
    PLACES = 4, /* decimal places of a digit */
    SCALE_MAX = 16383,
};

struct numeric {
    const char *digits;
    int count;
    int weight;
    unsigned sign;
    int scale;
};

static bool read_numeric(struct numeric *n, const char *data, uint32_t len)
{
    if (len < HEADER) {
        return false;
    }
    *n = (struct numeric){
        .digits = data + HEADER,
        .count = load16(data),
        .weight = (int16_t)load16(data + 2),
        .sign = load16(data + 4),
        .scale = load16(data + 6),
    };
    if (len != HEADER + 2 * (uint32_t)n->count || n->scale > SCALE_MAX) {
        return false;
    }
    for (int i = 0; i < n->count; i++) {
        if (load16(n->digits + 2 * (size_t)i) >= BASE) {
            return false;
        }
    }
    return true;
}

/* Digit i, or 0 before the first and after the last. */
static inline uint32_t digit(const struct numeric *n, int i)
{
    return i >= 0 && i < n->count ? load16(n->digits + 2 * (size_t)i) : 0;
}

/* What it takes to write it at once: whole digits, a fraction of whole digits, sign, point, quotes. */
static size_t room_of(const struct numeric *n)
{
    size_t whole = n->weight > 0 ? (size_t)n->weight + 1 : 1;
    return PLACES * (whole + (size_t)n->scale / PLACES + 1) + 4;
}

/* The digits [i, end), four characters each. */
static char *put_digits(char *p, const struct numeric *n, int i, int end)
{
    for (; i < end; i++) {
        p = digits_four(p, digit(n, i));
    }
    return p;
}

static char *put_finite(char *p, const struct numeric *n)
{
    int i = n->weight + 1;
    *p++ = '"';
    if (n->sign == SIGN_NEGATIVE) {
        *p++ = '-';
    }
    p = digits_lead(p, n->weight >= 0 ? digit(n, 0) : 0);
    p = put_digits(p, n, 1, i);
    if (n->scale) {
        *p++ = '.';
        char *end = p + n->scale;
        put_digits(p, n, i, i + n->scale / PLACES + 1);
        p = end;
    }
    *p++ = '"';
    return p;
}

char *numeric_binary(struct out *out, char *p, const struct type *type, const char *data,
                     uint32_t len)
{
    (void)type;
    struct numeric n;
    if (!read_numeric(&n, data, len)) {
        return write_invalid(out, p, data, len);
    }
    switch (n.sign) {
    case SIGN_POSITIVE:
    case SIGN_NEGATIVE: return put_finite(out_room(out, p, room_of(&n)), &n);
    case SIGN_NAN: return put_word(p, "\"NaN\"");
    case SIGN_INFINITY: return put_word(p, "\"Infinity\"");
    case SIGN_MINUS_INFINITY: return put_word(p, "\"-Infinity\"");
    default: return write_invalid(out, p, data, len);
    }
}
