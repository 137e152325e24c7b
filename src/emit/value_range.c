/*
 * Ranges and multiranges of timestamps: PostgreSQL's text, with each bound in our look and without
 * the quotes that its blank asked for. Whatever else is in the text is shown as it is.
 */
#include <string.h>

#include "emit/json.h"
#include "writers.h"

/* Where the bound at `s` ends: quoted, or up to the next bracket or comma. */
static const char *bound_end(const char *s, const char *end)
{
    if (*s == '"') {
        const char *quote = memchr(s + 1, '"', (size_t)(end - s) - 1);
        return quote ? quote + 1 : end;
    }
    while (s < end && *s && !strchr("[](){},\"", *s)) {
        s++;
    }
    return s;
}

static void write_bound(struct out *out, const char *s, size_t len)
{
    char look[TIMESTAMP_LOOK];
    bool quoted = len >= 2 && s[0] == '"' && s[len - 1] == '"';
    char *end = quoted ? timestamp_look(look, s + 1, len - 2) : timestamp_look(look, s, len);
    if (end) {
        out_bytes(out, look, (size_t)(end - look));
    } else {
        json_escaped(out, s, len);
    }
}

char *timestamp_range_text(struct out *out, char *p, const struct type *type, const char *data,
                           uint32_t len)
{
    (void)type;
    const char *s = data, *end = data + len;
    out_commit(out, p);
    out_char(out, '"');
    while (s < end) {
        const char *stop = bound_end(s, end);
        if (stop > s) {
            write_bound(out, s, (size_t)(stop - s));
        } else {
            json_escaped(out, s, 1);
            stop = s + 1;
        }
        s = stop;
    }
    out_char(out, '"');
    return out_reserve(out, 0);
}
