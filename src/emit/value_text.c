/* Values that are strings in JSON: text itself, "char", bytea, uuid and network addresses. */
#include <string.h>

#include "emit/json.h"
#include "escape.h"
#include "hex.h"
#include "writers.h"

enum { PIECE = 3072 }; /* source bytes; a multiple of three, for base64 */

void string_text(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    json_quoted(out, data, len);
}

static char *copy_invalid(char *p, const char *s, const char *end)
{
    for (; s < end; s++) {
        p = *s & 0x80 ? escape_unit(p, (unsigned char)*s) : escape_copy(p, s, s + 1);
    }
    return p;
}

void write_invalid(struct out *out, const char *data, uint32_t len)
{
    const char *end = data + len;
    out_char(out, '"');
    while (data < end) {
        const char *stop = end - data < PIECE ? end : data + PIECE;
        char *p = out_reserve(out, ESCAPE_ROOM(PIECE));
        out_commit(out, copy_invalid(p, data, stop));
        data = stop;
    }
    out_char(out, '"');
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
void char_text(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len != 1 || !(*data & 0x80)) {
        json_quoted(out, data, len);
        return;
    }
    char text[OCTAL];
    octal_byte(text, *data);
    json_quoted(out, text, sizeof text);
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

static const char base64_digits[65] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static inline char *base64_group(char *p, unsigned a, unsigned b, unsigned c)
{
    unsigned bits = a << 16 | b << 8 | c;
    p[0] = base64_digits[bits >> 18];
    p[1] = base64_digits[bits >> 12 & 63];
    p[2] = base64_digits[bits >> 6 & 63];
    p[3] = base64_digits[bits & 63];
    return p + 4;
}

/* Padded at the end, so that only the last piece may be no multiple of three. */
static char *base64(char *p, const uint8_t *s, size_t len)
{
    for (; len >= 3; len -= 3, s += 3) {
        p = base64_group(p, s[0], s[1], s[2]);
    }
    if (len) {
        p = base64_group(p, s[0], len == 2 ? s[1] : 0, 0);
        memset(p - (3 - len), '=', 3 - len);
    }
    return p;
}

void bytea_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    const uint8_t *s = (const uint8_t *)data;
    out_char(out, '"');
    while (len) {
        uint32_t piece = len < PIECE ? len : PIECE;
        char *p = out_reserve(out, piece / 3 * 4 + 4);
        out_commit(out, base64(p, s, piece));
        s += piece;
        len -= piece;
    }
    out_char(out, '"');
}

/* Whether all of it is pairs of hexadecimal digits. */
static bool hex_check(const char *s, size_t len)
{
    unsigned bad = len % 2;
    for (size_t i = 0; i < len; i++) {
        bad |= !is_hex(s[i]);
    }
    return !bad;
}

static void hex_decode(uint8_t *to, const char *s, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (uint8_t)(hex_value(s[2 * i]) << 4 | hex_value(s[2 * i + 1]));
    }
}

/* bytea_output=hex: \x and two digits a byte. */
void bytea_text(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len < 2 || data[0] != '\\' || data[1] != 'x' || !hex_check(data + 2, len - 2)) {
        json_quoted(out, data, len);
        return;
    }
    const char *s = data + 2;
    uint8_t bytes[PIECE];
    out_char(out, '"');
    for (size_t left = len / 2 - 1; left;) {
        size_t piece = left < PIECE ? left : PIECE;
        hex_decode(bytes, s, piece);
        char *p = out_reserve(out, piece / 3 * 4 + 4);
        out_commit(out, base64(p, bytes, piece));
        s += 2 * piece;
        left -= piece;
    }
    out_char(out, '"');
}

void uuid_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    static const char hex[] = "0123456789abcdef";
    (void)type;
    if (len != 16) {
        write_invalid(out, data, len);
        return;
    }
    char *p = out_reserve(out, 38);
    *p++ = '"';
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }
        *p++ = hex[(uint8_t)data[i] >> 4];
        *p++ = hex[data[i] & 15];
    }
    *p++ = '"';
    out_commit(out, p);
}

/* inet leaves the prefix of a single host away; cidr never does. */
void inet_text(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (!len || memchr(data, '/', len)) {
        json_quoted(out, data, len);
        return;
    }
    out_char(out, '"');
    json_escaped(out, data, len);
    out_string(out, memchr(data, ':', len) ? "/128\"" : "/32\"");
}
