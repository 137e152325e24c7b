/* Strings of any length, a piece at a time. */
#include "emit/json.h"

#include "escape.h"

enum { PIECE = 4096 }; /* source bytes: six times that is reserved */

static inline size_t piece_of(size_t len)
{
    return len < PIECE ? len : PIECE;
}

void json_escaped(struct out *out, const char *s, size_t len)
{
    while (len) {
        size_t piece = piece_of(len);
        char *p = out_reserve(out, ESCAPE_ROOM(piece));
        out_commit(out, escape_copy(p, s, s + piece));
        s += piece;
        len -= piece;
    }
}

/* Nearly every string fits in one piece, and then has one look for room. */
char *json_quote(struct out *out, char *p, const char *s, size_t len)
{
    size_t piece = piece_of(len);
    p = out_room(out, p, ESCAPE_ROOM(piece) + 2);
    *p++ = '"';
    p = escape_copy(p, s, s + piece);
    *p = '"';
    if (piece == len) {
        return p + 1;
    }
    out_commit(out, p);
    json_escaped(out, s + piece, len - piece);
    p = out_reserve(out, 1);
    *p = '"';
    return p + 1;
}

void json_quoted(struct out *out, const char *s, size_t len)
{
    out_commit(out, json_quote(out, out_reserve(out, 0), s, len));
}

char *json_copy(struct out *out, char *p, const char *s, size_t len)
{
    do {
        size_t piece = piece_of(len);
        p = out_room(out, p, piece);
        memcpy(p, s, piece);
        p += piece;
        s += piece;
        len -= piece;
    } while (len);
    return p;
}

void json_raw(struct out *out, const char *s, size_t len)
{
    out_commit(out, json_copy(out, out_reserve(out, 0), s, len));
}
