/* Base64: vectors of the machine, then three bytes at a time. */
#include "base64.h"

#include <string.h>

#if defined(__x86_64__)
#include <tmmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static const char letters[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static inline char *encode_three(char *p, unsigned a, unsigned b, unsigned c)
{
    unsigned bits = a << 16 | b << 8 | c;
    p[0] = letters[bits >> 18];
    p[1] = letters[bits >> 12 & 63];
    p[2] = letters[bits >> 6 & 63];
    p[3] = letters[bits & 63];
    return p + 4;
}

char *base64_encode_portable(char *p, const uint8_t *s, size_t len)
{
    for (; len >= 3; len -= 3, s += 3) {
        p = encode_three(p, s[0], s[1], s[2]);
    }
    if (len) {
        p = encode_three(p, s[0], len == 2 ? s[1] : 0, 0);
        memset(p - (3 - len), '=', 3 - len);
    }
    return p;
}

#if defined(__x86_64__)

#define SSSE3 __attribute__((target("ssse3")))

/* The sextets of the first 12 bytes, in order, one in each byte. */
SSSE3 static inline __m128i sextets(__m128i bytes)
{
    /* Each three, a b c, as b a c b: 32 bits that hold all four sextets, each within 16 of them. */
    __m128i groups =
        _mm_shuffle_epi8(bytes, _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
    __m128i first = _mm_and_si128(groups, _mm_set1_epi32(0x0fc0fc00));            /* and third */
    __m128i second = _mm_and_si128(groups, _mm_set1_epi32(0x003f03f0));           /* and fourth */
    return _mm_or_si128(_mm_mulhi_epu16(first, _mm_set1_epi32(1 << 26 | 1 << 6)), /* >> 6, >> 10 */
                        _mm_mullo_epi16(second, _mm_set1_epi32(1 << 24 | 1 << 4))); /* << 8, << 4 */
}

/* What is added to a sextet to make it its letter depends on the range that it is in. */
SSSE3 static inline __m128i letters_of(__m128i sextet)
{
    const __m128i added =
        _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                      '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
    __m128i range = _mm_subs_epu8(sextet, _mm_set1_epi8(51)); /* 1 and up, from '0' on */
    __m128i capital = _mm_cmplt_epi8(sextet, _mm_set1_epi8(26));
    range = _mm_or_si128(range, _mm_and_si128(capital, _mm_set1_epi8(13)));
    return _mm_add_epi8(sextet, _mm_shuffle_epi8(added, range));
}

/* 12 of 16 bytes at a time: four are read for nothing, and must be there. */
SSSE3 static char *encode_ssse3(char *p, const uint8_t *s, size_t len)
{
    for (; len >= 16; len -= 12, s += 12, p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)s);
        _mm_storeu_si128((__m128i *)(void *)p, letters_of(sextets(bytes)));
    }
    return base64_encode_portable(p, s, len);
}

char *base64_encode(char *p, const uint8_t *s, size_t len)
{
    return __builtin_cpu_supports("ssse3") ? encode_ssse3(p, s, len)
                                           : base64_encode_portable(p, s, len);
}

#elif defined(__aarch64__)

char *base64_encode(char *p, const uint8_t *s, size_t len)
{
    const uint8x16x4_t table = vld1q_u8_x4((const uint8_t *)letters);
    const uint8x16_t low = vdupq_n_u8(63);
    for (; len >= 48; len -= 48, s += 48, p += 64) {
        uint8x16x3_t in = vld3q_u8(s);
        uint8x16x4_t out;
        out.val[0] = vshrq_n_u8(in.val[0], 2);
        out.val[1] = vandq_u8(vsliq_n_u8(vshrq_n_u8(in.val[1], 4), in.val[0], 4), low);
        out.val[2] = vandq_u8(vsliq_n_u8(vshrq_n_u8(in.val[2], 6), in.val[1], 2), low);
        out.val[3] = vandq_u8(in.val[2], low);
        for (int i = 0; i < 4; i++) {
            out.val[i] = vqtbl4q_u8(table, out.val[i]);
        }
        vst4q_u8((uint8_t *)p, out);
    }
    return base64_encode_portable(p, s, len);
}

#else

char *base64_encode(char *p, const uint8_t *s, size_t len)
{
    return base64_encode_portable(p, s, len);
}

#endif
