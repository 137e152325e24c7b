/*
 * Composites: PostgreSQL's text. Inside it a "char" from 0x80 on may stand as the byte that it is
 * (before version 16), which is no UTF-8 by itself: it is printed as char_text does, \ooo.
 */
#include "base/utf8.h"
#include "emit/json.h"
#include "writers.h"

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
