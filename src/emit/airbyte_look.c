/* What records of the Airbyte look have beside the columns. */
#include "emit/json.h"
#include "internal.h"
#include "writers.h"

enum { TIME_TEXT = 40 }; /* a quoted timestamp */

static char *put_member(char *to, const struct literal *name, const char *value, size_t len,
                        bool *first)
{
    if (!name->len) {
        return to;
    }
    to = put_text(to, name->text + *first, name->len - *first);
    *first = false;
    memcpy(to, value, len);
    return to + len;
}

/* `time` and `len`: of the change, quoted. */
static char *put_members(char *to, const struct airbyte_look *look, uint64_t cursor,
                         const char *time, size_t len, bool deleted, bool *first)
{
    char number[JSON_INTEGER];
    to = put_member(to, &look->lsn, number, (size_t)(json_u64(number, cursor) - number), first);
    to = put_member(to, &look->updated_at, time, len, first);
    return put_member(to, &look->deleted_at, deleted ? time : "null", deleted ? len : 4, first);
}

static size_t members_room(const struct airbyte_look *look)
{
    return look->lsn.len + look->updated_at.len + look->deleted_at.len + 3 * LITERAL_SLACK +
           JSON_INTEGER + 2 * TIME_TEXT;
}

char *put_airbyte_row(struct out *out, char *to, struct printer *p, uint64_t cursor, int64_t now_ms,
                      bool *first)
{
    struct airbyte_look *look = &p->airbyte;
    if (!look->len || look->cursor != cursor || look->now_ms != now_ms) {
        char time[TIME_TEXT];
        bool none = false;
        size_t len = (size_t)(timestamp_quote(time, now_ms * 1000) - time);
        look->cursor = cursor;
        look->now_ms = now_ms;
        look->len =
            (uint32_t)(put_members(look->text, look, cursor, time, len, false, &none) - look->text);
    }
    to = out_room(out, to, members_room(look));
    size_t comma = *first && look->len;
    *first = *first && !look->len;
    return put_text(to, look->text + comma, look->len - comma);
}

char *put_airbyte_change(struct out *out, char *to, const struct printer *p, const struct source *s,
                         uint64_t cursor, bool deleted, bool *first)
{
    to = out_room(out, to, members_room(&p->airbyte));
    return put_members(to, &p->airbyte, cursor, s->text.commit, s->text.commit_len, deleted, first);
}

void print_end_lost(struct out *out, char *to, const struct printer *p, const struct literal *end,
                    const struct lost *lost)
{
    size_t len = end->len - p->tail_len;
    out_commit(out, to);
    out_bytes(out, end->text, len);
    for (int i = 0; i < lost->count; i++) {
        const struct literal *name = &p->fields[lost->fields[i]].before; /* ,"name": */
        out_string(out, i ? ",{\"field\":" : ",\"meta\":{\"changes\":[{\"field\":");
        out_bytes(out, name->text + 1, name->len - 2);
        out_string(out, ",\"change\":\"NULLED\",\"reason\":\"SOURCE_SERIALIZATION_ERROR\"}");
    }
    out_string(out, "]}");
    out_bytes(out, end->text + len, p->tail_len);
}
