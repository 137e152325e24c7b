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

/* Nearly every string fits in one piece, and then has one reservation. */
void json_quoted(struct out *out, const char *s, size_t len)
{
    size_t piece = piece_of(len);
    char *p = out_reserve(out, ESCAPE_ROOM(piece) + 2);
    *p++ = '"';
    p = escape_copy(p, s, s + piece);
    *p = '"';
    if (piece == len) {
        out_commit(out, p + 1);
        return;
    }
    out_commit(out, p);
    json_escaped(out, s + piece, len - piece);
    out_char(out, '"');
}

void json_raw(struct out *out, const char *s, size_t len)
{
    while (len) {
        size_t piece = piece_of(len);
        out_bytes(out, s, piece);
        s += piece;
        len -= piece;
    }
}
