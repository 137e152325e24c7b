/* Checking UTF-8: no overlong forms, no surrogates, nothing past U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Length of the character that begins at `p` (p < end), or 0 if none is valid there. */
size_t utf8_len(const char *p, const char *end);

/* The first byte of [p, end) that belongs to no valid character, or `end`. */
const char *utf8_end(const char *p, const char *end);

#endif
