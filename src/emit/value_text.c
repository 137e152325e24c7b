/* Values that are strings in JSON: text itself, "char", bytea, uuid and network addresses. */
#include <string.h>

#include "base/bytes.h"
#include "emit/json.h"
#include "escape.h"
#include "hex.h"
#include "writers.h"

enum { PIECE = 3072 }; /* source bytes; a multiple of three, for base64 */

#define BASE64_ROOM(n) ((size_t)(n) / 3 * 4 + 4)

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

char *bytea_binary(struct out *out, char *p, const struct type *type, const char *data,
                   uint32_t len)
{
    (void)type;
    const uint8_t *s = (const uint8_t *)data;
    *p++ = '"';
    while (len) {
        uint32_t piece = len < PIECE ? len : PIECE;
        p = base64(out_room(out, p, BASE64_ROOM(piece) + 1), s, piece);
        s += piece;
        len -= piece;
    }
    *p++ = '"';
    return p;
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
        p = base64(out_room(out, p, BASE64_ROOM(piece) + 1), bytes, piece);
        s += 2 * piece;
        left -= piece;
    }
    *p++ = '"';
    return p;
}

/* Four bytes as eight digits, a nibble of `bits` in each byte of the word. */
static inline char *hex_four(char *p, uint32_t bits)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word = bits;
    word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word | word << 4) & ones * 0x0f;
    word += ones * '0' + ((word + ones * 6) >> 4 & ones) * ('a' - '0' - 10);
    return store64(p, word);
}

char *uuid_binary(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    char digits[32], *d = digits;
    (void)type;
    if (len != 16) {
        return write_invalid(out, p, data, len);
    }
    for (int i = 0; i < 16; i += 4) {
        d = hex_four(d, load32(data + i));
    }
    p[0] = p[37] = '"';
    memcpy(p + 1, digits, 8);
    memcpy(p + 10, digits + 8, 4);
    memcpy(p + 15, digits + 12, 4);
    memcpy(p + 20, digits + 16, 4);
    memcpy(p + 25, digits + 20, 12);
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
