/* Writing strings. Documents are written by those who know their members. */
#include <stdint.h>
#include <stdio.h>

#include "base/utf8.h"
#include "json/json.h"

/* The letter that follows the backslash, or 0 where there is no short escape. */
static char short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\': return c;
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return '\0';
    }
}

/* Write the character at `p` and return how many bytes it took. */
static size_t write_character(struct out *out, const char *p, const char *end)
{
    size_t len = utf8_len(p, end);
    char letter = short_escape(*p);
    if (!len) {
        out_string(out, "\xEF\xBF\xBD");
        return 1;
    }
    if (letter) {
        out_char(out, '\\');
        out_char(out, letter);
    } else if ((unsigned char)*p < 0x20) {
        out_format(out, "\\u%04x", (unsigned)*p);
    } else {
        out_bytes(out, p, len);
    }
    return len;
}

void json_write_string(struct out *out, const char *text, size_t len)
{
    const char *end = text + len;
    out_char(out, '"');
    while (text < end) {
        text += write_character(out, text, end);
    }
    out_char(out, '"');
}

void json_write_strings(struct out *out, char *const *strings)
{
    out_char(out, '[');
    for (char *const *s = strings; *s; s++) {
        if (s > strings) {
            out_char(out, ',');
        }
        json_write_string(out, *s, strlen(*s));
    }
    out_char(out, ']');
}
