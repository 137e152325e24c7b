/* Writing network-order bytes, for tests that act as the server. */
#ifndef TEST_BYTES_OUT_H
#define TEST_BYTES_OUT_H

#include <stdint.h>
#include <string.h>

#include "base/out.h"

static inline void put_int(struct out *out, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        out_char(out, (char)(value >> 8 * i));
    }
}

static inline void put_string(struct out *out, const char *s)
{
    out_bytes(out, s, strlen(s) + 1);
}

/* A pgoutput tuple of text values; "\1" means unchanged, NULL for null. */
static inline void put_tuple(struct out *out, int count, const char *const *values)
{
    put_int(out, (uint64_t)count, 2);
    for (int i = 0; i < count; i++) {
        if (!values[i] || !strcmp(values[i], "\1")) {
            out_char(out, values[i] ? 'u' : 'n');
        } else {
            out_char(out, 't');
            put_int(out, strlen(values[i]), 4);
            out_string(out, values[i]);
        }
    }
}

#endif
