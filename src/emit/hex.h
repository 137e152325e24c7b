/* Hexadecimal digits of either case, without branches. */
#ifndef EMIT_HEX_H
#define EMIT_HEX_H

#include <stdbool.h>

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

#endif
