/*
 * Hexadecimal digits of either case, without branches: one, and runs of them.
 *
 * Runs are worked on 16 at a time in the compiler's own vectors, which are SSE2's on x86-64 and
 * NEON's on aarch64; what is left of a run, and all of it elsewhere, goes a digit at a time.
 */
#ifndef EMIT_HEX_H
#define EMIT_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool is_hex(char c)
{
    unsigned char digit = (unsigned char)(c - '0'), letter = (unsigned char)((c | 32) - 'a');
    return (digit < 10) | (letter < 6);
}

/* Of a digit: letters are 0x41 or 0x61 and up, so that their low bits count from 1. */
static inline unsigned hex_value(char c)
{
    return (c & 15U) + 9 * ((unsigned char)c >> 6);
}

/* Whether all of it is pairs of digits. */
bool hex_check(const char *s, size_t len);

/* Decode `count` bytes from their digits, which hex_check has seen. */
void hex_decode(uint8_t *to, const char *s, size_t count);

#endif
