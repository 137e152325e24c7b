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

#include "emit/json.h"
#include "escape.h"
#include "hex.h"
#include "writers.h"

enum {
    DEPTH_MAX = 1 << 16, /* deeper than PostgreSQL's stack lets json be */
    UNIT = 6,            /* length of \uXXXX */
};

struct scan {
    const char *p, *end;
    bool change; /* something must be left out or replaced */
    uint32_t depth;
    uint64_t objects[DEPTH_MAX / 64]; /* a bit for each open bracket: whether it is an object's */
};

static inline bool at(const struct scan *scan, char c)
{
    return scan->p < scan->end && *scan->p == c;
}

static inline void skip_space(struct scan *scan)
{
    for (; scan->p < scan->end && (unsigned char)*scan->p <= ' '; scan->p++) {
        if (*scan->p != ' ') {
            if (*scan->p != '\n' && *scan->p != '\r' && *scan->p != '\t') {
                return;
            }
            scan->change = true;
        }
    }
}

/* At a backslash. */
static bool scan_escape(struct scan *scan)
{
    const char *p = scan->p;
    if (scan->end - p < 2) {
        return false;
    }
    if (p[1] != 'u') {
        scan->p += 2;
        return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL;
    }
    if (scan->end - p < UNIT || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5])) {
        return false;
    }
    scan->change |= (p[2] | 0x20) == 'd' && p[3] >= '8'; /* a surrogate, perhaps a lone one */
    scan->p += UNIT;
    return true;
}

static bool scan_string(struct scan *scan)
{
    if (!at(scan, '"')) {
        return false;
    }
    scan->p++;
    for (;;) {
        scan->p = escape_find(scan->p, scan->end);
        if (at(scan, '"')) {
            scan->p++;
            return true;
        }
        if (!at(scan, '\\') || !scan_escape(scan)) {
            return false;
        }
    }
}

static bool scan_word(struct scan *scan, const char *word, size_t len)
{
    if ((size_t)(scan->end - scan->p) < len || memcmp(scan->p, word, len) != 0) {
        return false;
    }
    scan->p += len;
    return true;
}

static bool scan_number(struct scan *scan)
{
    const char *end = number_end(scan->p, scan->end);
    if (end) {
        scan->p = end;
    }
    return end != NULL;
}

static bool scan_name(struct scan *scan)
{
    skip_space(scan);
    if (!scan_string(scan)) {
        return false;
    }
    skip_space(scan);
    if (!at(scan, ':')) {
        return false;
    }
    scan->p++;
    return true;
}

enum step {
    STEP_BAD,
    STEP_VALUE, /* a value must follow */
    STEP_AFTER, /* a value has ended */
};

static inline bool in_object(const struct scan *scan)
{
    uint32_t top = scan->depth - 1;
    return scan->objects[top / 64] >> (top % 64) & 1;
}

/* At the bracket that opens an array or an object. */
static enum step scan_open(struct scan *scan)
{
    uint32_t top = scan->depth;
    bool object = *scan->p == '{';
    if (top == DEPTH_MAX) {
        return STEP_BAD;
    }
    scan->depth++;
    uint64_t *word = &scan->objects[top / 64], lower = top % 64 ? *word : 0;
    uint64_t bit = UINT64_C(1) << top % 64;
    *word = object ? lower | bit : lower & ~bit;
    scan->p++;
    skip_space(scan);
    if (at(scan, object ? '}' : ']')) {
        return STEP_AFTER; /* which closes it */
    }
    return !object || scan_name(scan) ? STEP_VALUE : STEP_BAD;
}

static enum step scan_value(struct scan *scan)
{
    bool good;
    skip_space(scan);
    if (scan->p == scan->end) {
        return STEP_BAD;
    }
    switch (*scan->p) {
    case '{':
    case '[': return scan_open(scan);
    case '"': good = scan_string(scan); break;
    case 't': good = scan_word(scan, "true", 4); break;
    case 'f': good = scan_word(scan, "false", 5); break;
    case 'n': good = scan_word(scan, "null", 4); break;
    default: good = scan_number(scan);
    }
    return good ? STEP_AFTER : STEP_BAD;
}

/* Inside an array or object, behind a value. */
static enum step scan_after(struct scan *scan)
{
    bool object = in_object(scan);
    skip_space(scan);
    if (at(scan, ',')) {
        scan->p++;
        return !object || scan_name(scan) ? STEP_VALUE : STEP_BAD;
    }
    if (at(scan, object ? '}' : ']')) {
        scan->p++;
        scan->depth--;
        return STEP_AFTER;
    }
    return STEP_BAD;
}

static bool scan_document(struct scan *scan)
{
    enum step step = STEP_VALUE;
    do {
        step = step == STEP_VALUE ? scan_value(scan) : scan_after(scan);
    } while (step == STEP_VALUE || (step == STEP_AFTER && scan->depth));
    skip_space(scan);
    return step == STEP_AFTER && scan->p == scan->end;
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
    struct scan scan; /* not cleared: bits above `depth` are never read */
    scan.p = data;
    scan.end = data + len;
    scan.change = false;
    scan.depth = 0;
    if (!scan_document(&scan)) {
        return json_quote(out, p, data, len);
    }
    return scan.change ? rewrite(out, p, data, data + len) : json_copy(out, p, data, len);
}

/* A text that the server made of a parsed document is JSON: it is not checked again. */
char *jsonb_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return len ? json_copy(out, p, data, len) : json_quote(out, p, data, len);
}
