/* Values that are strings in JSON: text itself, "char", bytea, uuid and network addresses. */
#include <string.h>

#include "base/bytes.h"
#include "base64.h"
#include "emit/json.h"
#include "escape.h"
#include "hex.h"
#include "writers.h"

enum { PIECE = 3072 }; /* source bytes; a multiple of three: base64 is padded at its end alone */

char *string_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return json_quote(out, p, data, len);
}

static char *copy_invalid(char *p, const char *s, const char *end)
{
    for (; s < end; s++) {
        p = *s & 0x80 ? escape_unit(p, (unsigned char)*s) : escape_copy(p, s, s + 1);
    }
    return p;
}

char *write_invalid(struct out *out, char *p, const char *data, uint32_t len)
{
    const char *end = data + len;
    *p++ = '"';
    while (data < end) {
        const char *stop = end - data < PIECE ? end : data + PIECE;
        p = copy_invalid(out_room(out, p, ESCAPE_ROOM(PIECE) + 1), data, stop);
        data = stop;
    }
    *p++ = '"';
    return p;
}

void write_unquoted(struct out *out, const char *s, size_t len)
{
    const char *end = s + len;
    out_char(out, '"');
    while (s < end) {
        const char *backslash = memchr(s, '\\', (size_t)(end - s));
        if (!backslash) {
            json_escaped(out, s, (size_t)(end - s));
            break;
        }
        json_escaped(out, s, (size_t)(backslash - s));
        json_escaped(out, backslash + 1, 1);
        s = backslash + 2;
    }
    out_char(out, '"');
}

/*
 * A byte from 0x80 on is no UTF-8 by itself: print it as PostgreSQL 16 and later do, \ooo,
 * whichever server sent it. There is no binary writer, because the server recodes only the text.
 */
char *char_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len != 1 || !(*data & 0x80)) {
        return json_quote(out, p, data, len);
    }
    char text[OCTAL];
    octal_byte(text, *data);
    return json_quote(out, p, text, sizeof text);
}

char *octal_byte(char *p, char byte)
{
    unsigned c = (unsigned char)byte;
    p[0] = '\\';
    p[1] = (char)('0' + (c >> 6));
    p[2] = (char)('0' + (c >> 3 & 7));
    p[3] = (char)('0' + (c & 7));
    return p + OCTAL;
}

char *bytea_binary(struct out *out, char *p, const struct type *type, const char *data,
                   uint32_t len)
{
    (void)type;
    const uint8_t *s = (const uint8_t *)data;
    *p++ = '"';
    while (len) {
        uint32_t piece = len < PIECE ? len : PIECE;
        p = base64_encode(out_room(out, p, BASE64_LEN(piece) + 1), s, piece);
        s += piece;
        len -= piece;
    }
    *p++ = '"';
    return p;
}

/* bytea_output=hex: \x and two digits a byte. */
char *bytea_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len < 2 || data[0] != '\\' || data[1] != 'x' || !hex_check(data + 2, len - 2)) {
        return json_quote(out, p, data, len);
    }
    const char *s = data + 2;
    uint8_t bytes[PIECE];
    *p++ = '"';
    for (size_t left = len / 2 - 1; left;) {
        size_t piece = left < PIECE ? left : PIECE;
        hex_decode(bytes, s, piece);
        p = base64_encode(out_room(out, p, BASE64_LEN(piece) + 1), bytes, piece);
        s += 2 * piece;
        left -= piece;
    }
    *p++ = '"';
    return p;
}

/* Four bytes as eight digits, the first of each in the high end: a nibble in each byte, then letters. */
static inline uint64_t hex_eight(uint32_t bits)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word = bits;
    word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word | word << 4) & ones * 0x0f;
    return word + ones * '0' + ((word + ones * 6) >> 4 & ones) * ('a' - '0' - 10);
}

char *uuid_binary(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len != 16) {
        return write_invalid(out, p, data, len);
    }
    uint64_t middle = hex_eight(load32(data + 4)), last = hex_eight(load32(data + 8));
    store64(p + 1, hex_eight(load32(data)));
    store32(p + 10, (uint32_t)(middle >> 32));
    store32(p + 15, (uint32_t)middle);
    store32(p + 20, (uint32_t)(last >> 32));
    store32(p + 25, (uint32_t)last);
    store64(p + 29, hex_eight(load32(data + 12)));
    p[0] = p[37] = '"';
    p[9] = p[14] = p[19] = p[24] = '-';
    return p + 38;
}

/* inet leaves the prefix of a single host away; cidr never does. */
char *inet_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (!len || memchr(data, '/', len)) {
        return json_quote(out, p, data, len);
    }
    const char *prefix = memchr(data, ':', len) ? "/128\"" : "/32\"";
    p = json_quote(out, p, data, len) - 1; /* over the closing quote */
    return json_copy(out, p, prefix, strlen(prefix));
}
