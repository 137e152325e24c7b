/* Copying and scanning for JSON strings: blocks of the machine's vectors, then words, then bytes.
 */
#include "escape.h"

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* The letter after the backslash; 0: none, so \u00XX. Only asked for bytes that need an escape. */
static const char short_escapes[128] = {
    ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
    ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
};

char *escape_unit(char *p, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    p[0] = '\\';
    p[1] = 'u';
    p[2] = p[3] = '0';
    p[4] = hex[c >> 4];
    p[5] = hex[c & 15];
    return p + 6;
}

static inline char *escape_byte(char *p, char c)
{
    char letter = short_escapes[c & 127];
    if (!letter) {
        return escape_unit(p, (unsigned char)c);
    }
    p[0] = '\\';
    p[1] = letter;
    return p + 2;
}

/*
 * The high bit of each byte that needs an escape. Borrows may set bits above the first true one,
 * never below it, so only the lowest counts.
 */
static inline uint64_t special_word(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t quote = w ^ ones * '"', backslash = w ^ ones * '\\';
    uint64_t below = (w - ones * 0x20) & ~w;
    uint64_t equal = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
    return (below | equal) & high;
}

/* 1 to 7 bytes as a little-endian word, padded with spaces. */
static inline uint64_t load_tail(const char *s, size_t len)
{
    uint64_t padding = UINT64_C(0x2020202020202020) << 8 * len;
    if (len >= 4) {
        uint32_t first, last;
        memcpy(&first, s, sizeof first);
        memcpy(&last, s + len - 4, sizeof last);
        return padding | first | (uint64_t)last << 8 * (len - 4);
    }
    const uint8_t *u = (const uint8_t *)s;
    return padding | u[0] | (uint64_t)u[len / 2] << 8 * (len / 2) |
           (uint64_t)u[len - 1] << 8 * (len - 1);
}

/* Up to 8 bytes of the `left` that there are. */
static inline uint64_t load_word(const char *s, size_t left)
{
    uint64_t w;
    if (left < sizeof w) {
        return load_tail(s, left);
    }
    memcpy(&w, s, sizeof w);
    return w;
}

char *escape_copy_portable(char *p, const char *s, const char *end)
{
    while (s < end) {
        size_t left = (size_t)(end - s), len = left < 8 ? left : 8;
        uint64_t w = load_word(s, left), special = special_word(w);
        memcpy(p, &w, sizeof w);
        if (!special) {
            p += len;
            s += len;
            continue;
        }
        size_t clean = (size_t)__builtin_ctzll(special) / 8;
        p = escape_byte(p + clean, s[clean]);
        s += clean + 1;
    }
    return p;
}

const char *escape_find_portable(const char *s, const char *end)
{
    while (s < end) {
        size_t left = (size_t)(end - s);
        uint64_t special = special_word(load_word(s, left));
        if (special) {
            return s + (size_t)__builtin_ctzll(special) / 8;
        }
        s += left < 8 ? left : 8;
    }
    return end;
}

/*
 * Of a block, and of half of one: how many bytes come before the first that needs an escape; all if
 * none does.
 */
#if defined(__SSE2__)

enum { BLOCK = 32, HALF = 16 };

static inline uint32_t special_16(const char *s)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)s);
    __m128i below = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(below, _mm_or_si128(quote, backslash)));
}

static inline size_t clean_bytes(const char *s)
{
    uint32_t special = special_16(s) | special_16(s + 16) << 16;
    return special ? (size_t)__builtin_ctz(special) : BLOCK;
}

static inline size_t clean_half(const char *s)
{
    return (size_t)__builtin_ctz(special_16(s) | 1U << HALF);
}

/*
 * A half that has the escapes of `special`, with another half behind it: what it holds is looked at
 * once, so that the next escape need not wait for the one before.
 */
static inline char *escape_half(char *p, const char *s, uint32_t special)
{
    size_t done = 0;
    for (; special; special &= special - 1) {
        size_t clean = (size_t)__builtin_ctz(special);
        memcpy(p, s + done, HALF);
        p = escape_byte(p + (clean - done), s[clean]);
        done = clean + 1;
    }
    memcpy(p, s + done, HALF);
    return p + (HALF - done);
}

/* Of a block, as much as is quickly done; returns how much that was. */
static inline size_t escape_block(char **p, const char *s)
{
    uint32_t first = special_16(s), second = special_16(s + HALF);
    memcpy(*p, s, BLOCK);
    if (!(first | second)) {
        *p += BLOCK;
        return BLOCK;
    }
    *p = first ? escape_half(*p, s, first) : *p + HALF;
    return HALF;
}

#elif defined(__aarch64__)

enum { BLOCK = 32, HALF = 16 };

static inline uint8x16_t special_16(const char *s)
{
    uint8x16_t v = vld1q_u8((const uint8_t *)s);
    uint8x16_t equal = vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\')));
    return vorrq_u8(vcltq_u8(v, vdupq_n_u8(0x20)), equal);
}

static inline size_t clean_bytes(const char *s)
{
    if (!vmaxvq_u8(vorrq_u8(special_16(s), special_16(s + 16)))) {
        return BLOCK;
    }
    return (size_t)(escape_find_portable(s, s + BLOCK) - s);
}

static inline size_t clean_half(const char *s)
{
    return vmaxvq_u8(special_16(s)) ? (size_t)(escape_find_portable(s, s + HALF) - s) : HALF;
}

#else

enum { BLOCK = 8, HALF = BLOCK };

static inline size_t clean_bytes(const char *s)
{
    return (size_t)(escape_find_portable(s, s + BLOCK) - s);
}

static inline size_t clean_half(const char *s)
{
    return clean_bytes(s);
}

#endif

#if !defined(__SSE2__)

static inline size_t escape_block(char **p, const char *s)
{
    size_t clean = clean_bytes(s);
    memcpy(*p, s, BLOCK);
    *p += clean;
    if (clean == BLOCK) {
        return BLOCK;
    }
    *p = escape_byte(*p, s[clean]);
    return clean + 1;
}

#endif

char *escape_copy(char *p, const char *s, const char *end)
{
    while (end - s >= BLOCK) {
        s += escape_block(&p, s);
    }
    if (end - s >= HALF) {
        size_t clean = clean_half(s);
        memcpy(p, s, HALF);
        p += clean;
        s += clean;
    }
    return escape_copy_portable(p, s, end);
}

const char *escape_find(const char *s, const char *end)
{
    while (end - s >= BLOCK) {
        size_t clean = clean_bytes(s);
        s += clean;
        if (clean < BLOCK) {
            return s;
        }
    }
    return escape_find_portable(s, end);
}
