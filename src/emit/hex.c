/* Runs of hexadecimal digits. */
#include "hex.h"

#include <string.h>

enum { VECTOR = 16 };

typedef uint8_t digits __attribute__((vector_size(VECTOR)));
typedef uint16_t pairs __attribute__((vector_size(VECTOR))); /* the first digit is the low byte */
typedef uint8_t decoded __attribute__((vector_size(VECTOR / 2)));

static inline digits load_digits(const char *s)
{
    digits v;
    memcpy(&v, s, sizeof v);
    return v;
}

/* All bits of what is no digit. */
static inline digits not_hex(digits v)
{
    return (digits)((v - '0' >= 10) & ((v | 32) - 'a' >= 6));
}

static inline decoded decode_pairs(digits v)
{
    pairs values = (pairs)((v & 15) + ((digits)(v > '9') & 9));
    return __builtin_convertvector(values << 4 | values >> 8, decoded);
}

bool hex_check(const char *s, size_t len)
{
    digits bad = {0};
    size_t i = 0;
    for (; len - i >= VECTOR; i += VECTOR) {
        bad |= not_hex(load_digits(s + i));
    }
    uint64_t found[VECTOR / sizeof(uint64_t)];
    memcpy(found, &bad, sizeof found);
    bool valid = !(found[0] | found[1]) && len % 2 == 0;
    for (; i < len; i++) {
        valid &= is_hex(s[i]);
    }
    return valid;
}

void hex_decode(uint8_t *to, const char *s, size_t count)
{
    size_t i = 0;
    for (; count - i >= VECTOR / 2; i += VECTOR / 2) {
        decoded bytes = decode_pairs(load_digits(s + 2 * i));
        memcpy(to + i, &bytes, sizeof bytes);
    }
    for (; i < count; i++) {
        to[i] = (uint8_t)(hex_value(s[2 * i]) << 4 | hex_value(s[2 * i + 1]));
    }
}
