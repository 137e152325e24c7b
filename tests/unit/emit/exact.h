/* Blocks that end where the heap's do, at any alignment: a sanitizer sees a byte too many. */
#ifndef TEST_EXACT_H
#define TEST_EXACT_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* `len` bytes, `offset` behind what malloc aligns. */
static inline void *exact_block(size_t len, size_t offset)
{
    char *block = malloc(offset + len ? offset + len : 1);
    cr_assert_not_null(block);
    return block + offset;
}

static inline void *exact_random(size_t len, size_t offset)
{
    uint8_t *s = exact_block(len, offset);
    for (size_t i = 0; i < len; i++) {
        s[i] = (uint8_t)(rand() >> 7);
    }
    return s;
}

static inline void exact_free(void *s, size_t offset)
{
    free((char *)s - offset);
}

#endif
