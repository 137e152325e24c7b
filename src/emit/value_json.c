/*
 * json and jsonb: the value itself, on one line.
 *
 * Of json, which PostgreSQL keeps as it was written, the grammar (RFC 8259) is checked in a first
 * pass, which also finds out whether anything must change: line breaks and tabs between tokens are
 * left out, and an escape of a lone surrogate becomes \ufffd. Most values are then copied. What is
 * not JSON is printed as a string.
 *
 * jsonb the server prints itself, from the parsed value: on one line, without lone surrogates. It
 * is copied as it comes.
 */
#include <string.h>

#include "base/json_grammar.h"
#include "emit/json.h"
#include "escape.h"
#include "hex.h"
#include "writers.h"

enum { UNIT = 6 }; /* length of \uXXXX */

struct scan {
    struct json_walk walk;
    bool surrogates; /* there are escapes of surrogates, of which some may stand alone */
};

/* At a backslash. */
static bool scan_escape(struct json_walk *w)
{
    const char *p = w->p;
    if (w->end - p < 2) {
        return false;
    }
    if (p[1] != 'u') {
        w->p += 2;
        return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL;
    }
    if (w->end - p < UNIT || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5])) {
        return false;
    }
    ((struct scan *)w)->surrogates |= (p[2] | 0x20) == 'd' && p[3] >= '8';
    w->p += UNIT;
    return true;
}

static bool scan_string(struct json_walk *w)
{
    w->p++;
    for (;;) {
        w->p = escape_find(w->p, w->end);
        if (w->p == w->end) {
            return false;
        }
        if (*w->p == '"') {
            w->p++;
            return true;
        }
        if (*w->p != '\\' || !scan_escape(w)) {
            return false;
        }
    }
}

static bool scan_number(struct json_walk *w)
{
    const char *at, *end = json_number_end(w->p, w->end, &at);
    w->p = end ? end : w->p;
    return end != NULL;
}

/* The unit of the \uXXXX at `p`, or 0 if none is there. */
static unsigned unit_at(const char *p, const char *end)
{
    if (end - p < UNIT || p[0] != '\\' || p[1] != 'u') {
        return 0;
    }
    return hex_value(p[2]) << 12 | hex_value(p[3]) << 8 | hex_value(p[4]) << 4 | hex_value(p[5]);
}

/* How long the escape at `p` is, a pair of surrogates being one; *lone: whether it is half a pair.
 */
static size_t escape_length(const char *p, const char *end, bool *lone)
{
    unsigned unit = unit_at(p, end);
    *lone = false;
    if (p[1] != 'u') {
        return 2;
    }
    if (unit >> 11 != 0xd800 >> 11) {
        return UNIT;
    }
    *lone = unit >= 0xdc00 || unit_at(p + UNIT, end) >> 10 != 0xdc00 >> 10;
    return *lone ? UNIT : 2 * UNIT;
}

/* At the quote that opens a string; returns where it ends. */
static const char *write_string(struct out *out, const char *p, const char *end)
{
    const char *from = p++;
    for (;;) {
        p = escape_find(p, end);
        if (*p == '"') {
            json_raw(out, from, (size_t)(p + 1 - from));
            return p + 1;
        }
        bool lone;
        size_t len = escape_length(p, end, &lone);
        if (lone) {
            json_raw(out, from, (size_t)(p - from));
            out_string(out, "\\ufffd");
            from = p + len;
        }
        p += len;
    }
}

/* Write valid JSON with its changes. */
static char *rewrite(struct out *out, char *p, const char *s, const char *end)
{
    out_commit(out, p);
    while (s < end) {
        const char *from = s;
        while (s < end && *s != '"' && (unsigned char)*s >= ' ') {
            s++;
        }
        json_raw(out, from, (size_t)(s - from));
        if (s < end && *s == '"') {
            s = write_string(out, s, end);
        } else if (s < end) {
            s++;
        }
    }
    return out_reserve(out, 0);
}

char *json_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    struct scan scan;
    scan.surrogates = false;
    if (!json_walk(&scan.walk, data, len, JSON_WALK_DEPTH, scan_string, scan_number)) {
        return json_quote(out, p, data, len);
    }
    return scan.walk.breaks || scan.surrogates ? rewrite(out, p, data, data + len)
                                               : json_copy(out, p, data, len);
}

/* A text that the server made of a parsed document is JSON: it is not checked again. */
char *jsonb_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return len ? json_copy(out, p, data, len) : json_quote(out, p, data, len);
}
