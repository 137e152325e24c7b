/*
 * hstore, from its text, as an object:
 *
 *   [pair {", " pair}]    pair := quoted "=>" (quoted | "NULL")
 */
#include <string.h>

#include "emit/json.h"
#include "writers.h"

struct hstore {
    const char *p, *end;
};

static bool walk_word(struct hstore *hstore, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(hstore->end - hstore->p) < len || memcmp(hstore->p, word, len) != 0) {
        return false;
    }
    hstore->p += len;
    return true;
}

static bool walk_quoted(struct out *out, struct hstore *hstore)
{
    if (!walk_word(hstore, "\"")) {
        return false;
    }
    const char *s = hstore->p, *p = s;
    while (p < hstore->end && *p != '"') {
        p += *p == '\\' ? 2 : 1;
    }
    if (p >= hstore->end) {
        return false;
    }
    hstore->p = p + 1;
    if (out) {
        write_unquoted(out, s, (size_t)(p - s));
    }
    return true;
}

static bool walk_pair(struct out *out, struct hstore *hstore)
{
    if (!walk_quoted(out, hstore) || !walk_word(hstore, "=>")) {
        return false;
    }
    if (out) {
        out_char(out, ':');
    }
    if (walk_word(hstore, "NULL")) {
        if (out) {
            out_string(out, "null");
        }
        return true;
    }
    return walk_quoted(out, hstore);
}

/* Walk the whole text; with `out`, print its pairs. False if it is no hstore. */
static bool walk(struct out *out, struct hstore hstore)
{
    if (hstore.p == hstore.end) {
        return true;
    }
    while (walk_pair(out, &hstore)) {
        if (hstore.p == hstore.end) {
            return true;
        }
        if (!walk_word(&hstore, ", ")) {
            return false;
        }
        if (out) {
            out_char(out, ',');
        }
    }
    return false;
}

char *hstore_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    struct hstore hstore = {data, data + len};
    if (!walk(NULL, hstore)) {
        return json_quote(out, p, data, len);
    }
    out_commit(out, p);
    out_char(out, '{');
    walk(out, hstore);
    out_char(out, '}');
    return out_reserve(out, 0);
}
