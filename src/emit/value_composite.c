/*
 * Composites: PostgreSQL's text. Inside it a "char" from 0x80 on may stand as the byte that it is
 * (before version 16), which is no UTF-8 by itself: it is printed as char_text does, \ooo.
 */
#include "emit/json.h"
#include "writers.h"

/* How long the UTF-8 sequence of a byte from 0x80 on is; 1: it begins none. */
static size_t sequence_length(const uint8_t *u, size_t left)
{
    size_t len = *u < 0xc2 ? 1 : *u < 0xe0 ? 2 : *u < 0xf0 ? 3 : *u < 0xf5 ? 4 : 1;
    if (len > left) {
        return 1;
    }
    for (size_t i = 1; i < len; i++) {
        if (u[i] >> 6 != 2) {
            return 1;
        }
    }
    bool bad = (*u == 0xe0 && u[1] < 0xa0) || (*u == 0xed && u[1] > 0x9f) ||
               (*u == 0xf0 && u[1] < 0x90) || (*u == 0xf4 && u[1] > 0x8f);
    return bad ? 1 : len;
}

/* The first byte that is not part of UTF-8. */
static const char *utf8_end(const char *s, const char *end)
{
    while (s < end) {
        if (*s & 0x80) {
            size_t len = sequence_length((const uint8_t *)s, (size_t)(end - s));
            if (len == 1) {
                break;
            }
            s += len;
        } else {
            s++;
        }
    }
    return s;
}

char *composite_text(struct out *out, char *p, const struct type *type, const char *data,
                     uint32_t len)
{
    (void)type;
    const char *s = data, *end = data + len;
    out_commit(out, p);
    out_char(out, '"');
    while (s < end) {
        const char *stop = utf8_end(s, end);
        json_escaped(out, s, (size_t)(stop - s));
        if (stop < end) {
            char octal[OCTAL];
            json_escaped(out, octal, (size_t)(octal_byte(octal, *stop++) - octal));
        }
        s = stop;
    }
    out_char(out, '"');
    return out_reserve(out, 0);
}
