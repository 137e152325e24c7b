/*
 * numeric, from its binary form:
 *
 *   Int16 ndigits, Int16 weight, Int16 sign, Int16 dscale, Int16 digit [ndigits]
 *
 * Digits are of base 10000; digit i counts 10000^(weight - i). dscale decimal places are shown,
 * whatever the digits are. The longest has some 150,000 characters, so that digits are written in
 * pieces.
 */
#include "base/bytes.h"
#include "digits.h"
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
    PIECE = 1024, /* digits */
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

/* The digits [i, end), four characters each. */
static void write_digits(struct out *out, const struct numeric *n, int i, int end)
{
    while (i < end) {
        int stop = end - i < PIECE ? end : i + PIECE;
        char *p = out_reserve(out, (size_t)(stop - i) * PLACES);
        for (; i < stop; i++) {
            p = digits_four(p, digit(n, i));
        }
        out_commit(out, p);
    }
}

static void write_whole(struct out *out, const struct numeric *n)
{
    uint32_t first = n->weight >= 0 ? digit(n, 0) : 0;
    out_commit(out, digits_lead(out_reserve(out, PLACES), first));
    write_digits(out, n, 1, n->weight + 1);
}

static void write_fraction(struct out *out, const struct numeric *n)
{
    int i = n->weight + 1, whole = n->scale / PLACES, rest = n->scale % PLACES;
    out_char(out, '.');
    write_digits(out, n, i, i + whole);
    char last[PLACES];
    digits_four(last, digit(n, i + whole));
    out_bytes(out, last, (size_t)rest);
}

static void write_finite(struct out *out, const struct numeric *n)
{
    out_string(out, n->sign == SIGN_NEGATIVE ? "\"-" : "\"");
    write_whole(out, n);
    if (n->scale) {
        write_fraction(out, n);
    }
    out_char(out, '"');
}

void numeric_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    struct numeric n;
    if (!read_numeric(&n, data, len)) {
        write_invalid(out, data, len);
        return;
    }
    switch (n.sign) {
    case SIGN_POSITIVE:
    case SIGN_NEGATIVE: write_finite(out, &n); break;
    case SIGN_NAN: out_string(out, "\"NaN\""); break;
    case SIGN_INFINITY: out_string(out, "\"Infinity\""); break;
    case SIGN_MINUS_INFINITY: out_string(out, "\"-Infinity\""); break;
    default: write_invalid(out, data, len);
    }
}
