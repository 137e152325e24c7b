/* What is valid UTF-8: no overlong forms, no surrogates, nothing past U+10FFFF. */
#ifndef JSON_UTF8_H
#define JSON_UTF8_H

#include <stddef.h>

/* Length of the character that begins at `p` (p < end), or 0 if none is valid there. */
size_t utf8_len(const char *p, const char *end);

#endif
