/*
 * Shortest decimals by Schubfach (R. Giulietti, "The Schubfach way to render doubles", 2020).
 *
 * v = c * 2^q lies in an interval of the reals that round to it; as in PostgreSQL, its bounds do
 * not belong to it. For the largest k with 10^k no wider than the interval, at most one multiple of
 * 10^(k+1) is inside; if there is one, its digits are the shortest, else the multiple of 10^k
 * nearest to v is.
 */
#include "float.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "digits.h"
#include "emit/json.h"
#include "float_powers.h"

__extension__ typedef unsigned __int128 wide;

struct decimal {
    uint64_t digits;
    int exponent; /* of ten */
};

enum { FLOAT_DIGITS = 17 };                   /* at most */
enum { FLOAT8_FIXED = 15, FLOAT4_FIXED = 6 }; /* scientific notation from this exponent on */

/* floor(log10(2^q)), or of 3/4 * 2^q; exact for all |q| < 1100. */
static inline int log10_of_power_of_2(int q, bool three_quarters)
{
    return (q * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}

/* floor(log2(10^e)); exact for all |e| <= 400. */
static inline int log2_of_power_of_10(int e)
{
    return (e * 1741647) >> 19;
}

/*
 * x * g / 2^128, rounded to odd: the lowest bit also says that something was cut off, so that
 * comparing with whole numbers stays right. g is too large by less than one unit, which reaches at
 * most the lowest bit of `rest`.
 */
static inline uint64_t scale(const struct power *g, uint64_t x)
{
    wide product = (wide)g->high * x + (uint64_t)((wide)g->low * x >> 64);
    uint64_t rest = (uint64_t)product;
    return (uint64_t)(product >> 64) | (rest > 1);
}

/*
 * `irregular`: v is a power of two, whose lower neighbour is only half as far away. `value`,
 * `lower` and `upper` are four times v and its interval, in units of 10^k.
 */
static struct decimal shortest(uint64_t c, int q, bool irregular)
{
    int k = log10_of_power_of_2(q, irregular);
    const struct power *g = &float_powers[-k - FLOAT_POWER_MIN];
    int shift = q + log2_of_power_of_10(-k) + 1;
    uint64_t value = scale(g, 4 * c << shift);
    uint64_t lower = scale(g, (4 * c - (irregular ? 1 : 2)) << shift);
    uint64_t upper = scale(g, (4 * c + 2) << shift);

    uint64_t below = value / 4, ten_below = below / 10 * 10;
    bool ten_below_in = lower < 4 * ten_below, ten_above_in = 4 * (ten_below + 10) < upper;
    if (ten_below_in != ten_above_in) {
        return (struct decimal){ten_below_in ? ten_below : ten_below + 10, k};
    }
    bool below_in = lower < 4 * below, above_in = 4 * (below + 1) < upper;
    if (below_in != above_in) {
        return (struct decimal){below_in ? below : below + 1, k};
    }
    uint64_t middle = 4 * below + 2;
    bool down = value < middle || (value == middle && below % 2 == 0);
    return (struct decimal){down ? below : below + 1, k};
}

static inline void strip(struct decimal *d, uint32_t power, int zeros)
{
    while (d->digits % power == 0) {
        d->digits /= power;
        d->exponent += zeros;
    }
}

/* Move trailing zeros into the exponent. */
static inline void strip_zeros(struct decimal *d)
{
    if (d->digits % 10 == 0) {
        strip(d, 100000000, 8);
        strip(d, 10000, 4);
        strip(d, 100, 2);
        strip(d, 10, 1);
    }
}

static const uint64_t ten_to[FLOAT_DIGITS + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
};

/* How many digits v has: log10(2) is 1233 / 4096, roughly, and maybe one too many; v > 0. */
static inline int count_digits(uint64_t v)
{
    int estimate = ((64 - __builtin_clzll(v)) * 1233) >> 12;
    return estimate + (v >= ten_to[estimate]);
}

/* `count` digits of v, with zeros before it. Writes whole blocks, past the end. */
static char *put_padded(char *p, uint64_t v, int count)
{
    if (count == FLOAT_DIGITS) {
        *p++ = (char)('0' + v / ten_to[16]);
        v %= ten_to[16];
        count = 16;
    }
    if (count > 8) {
        digits_eight(p, (uint32_t)(v / ten_to[8] * ten_to[16 - count]));
        p += count - 8;
        v %= ten_to[8];
        count = 8;
    }
    digits_eight(p, (uint32_t)(v * ten_to[8 - count]));
    return p + count;
}

/* `exponent` is that of the first of the `count` digits. */
static char *print_scientific(char *p, uint64_t v, int count, int exponent)
{
    *p++ = (char)('0' + v / ten_to[count - 1]);
    if (count > 1) {
        *p++ = '.';
        p = put_padded(p, v % ten_to[count - 1], count - 1);
    }
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    uint32_t magnitude = (uint32_t)(exponent < 0 ? -exponent : exponent);
    return magnitude < 100 ? digits_two(p, magnitude) : digits_lead(p, magnitude);
}

/* `point` of the `count` digits come before the decimal point; negative: zeros after it. */
static char *print_fixed(char *p, uint64_t v, int count, int point)
{
    if (point >= count) {
        return json_u64(p, v * ten_to[point - count]);
    }
    if (point <= 0) {
        memset(p, '0', 6);
        p[1] = '.';
        return put_padded(p + 2 - point, v, count);
    }
    p = json_u64(p, v / ten_to[count - point]);
    *p++ = '.';
    return put_padded(p, v % ten_to[count - point], count - point);
}

/* All by arithmetic: digits that were just written one by one would be slow to copy. */
static char *print_decimal(char *p, struct decimal d, int fixed_limit)
{
    strip_zeros(&d);
    int count = count_digits(d.digits), point = d.exponent + count;
    if (point - 1 < -4 || point - 1 >= fixed_limit) {
        return print_scientific(p, d.digits, count, point - 1);
    }
    return print_fixed(p, d.digits, count, point);
}

/*
 * v as a whole number of ten-thousandths; 0 where it is none, or has more than 15 digits. No two
 * decimals of up to 15 digits are the same double, so the one that is v is its shortest.
 */
static inline uint64_t ten_thousandths(double v)
{
    if (v >= 1e11) {
        return 0;
    }
    int64_t n = (int64_t)(v * 1e4 + 0.5);
    return (double)n / 1e4 == v ? (uint64_t)n : 0;
}

/* n > 0 */
static char *print_ten_thousandths(char *p, uint64_t n)
{
    p = json_u64(p, n / 10000);
    *p++ = '.';
    p = digits_four(p, (uint32_t)(n % 10000));
    while (p[-1] == '0') {
        p--;
    }
    return p;
}

char *float8_print(char *p, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (bits >> 63) {
        *p++ = '-';
        v = -v;
    }
    if (v < 1e15 && v == (double)(int64_t)v) {
        return json_u64(p, (uint64_t)v);
    }
    uint64_t few = ten_thousandths(v);
    if (few) {
        return print_ten_thousandths(p, few);
    }
    int exponent = (int)(bits >> 52 & 0x7ff);
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    uint64_t c = exponent ? mantissa | UINT64_C(1) << 52 : mantissa;
    int q = (exponent ? exponent : 1) - 1075;
    return print_decimal(p, shortest(c, q, !mantissa && exponent > 1), FLOAT8_FIXED);
}

char *float4_print(char *p, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (bits >> 31) {
        *p++ = '-';
        v = -v;
    }
    if (v < 1e6F && v == (float)(int32_t)v) {
        return json_u64(p, (uint64_t)v);
    }
    int exponent = (int)(bits >> 23 & 0xff);
    uint32_t mantissa = bits & ((UINT32_C(1) << 23) - 1);
    uint32_t c = exponent ? mantissa | UINT32_C(1) << 23 : mantissa;
    int q = (exponent ? exponent : 1) - 150;
    return print_decimal(p, shortest(c, q, !mantissa && exponent > 1), FLOAT4_FIXED);
}
