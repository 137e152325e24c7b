/* Running printers: rows and changes to lines. */
#include <string.h>

#include "base/bytes.h"
#include "emit/json.h"
#include "printer.h"
#include "row/tuple.h"

/* `len` bytes of `text`, behind which LITERAL_SLACK more can be read: whole blocks are cheaper to
 * copy than what has any length. */
static inline void put_text(struct out *out, const char *text, size_t len)
{
    char *to = out_reserve(out, len + LITERAL_SLACK);
    size_t done = 0;
    do {
        memcpy(to + done, text + done, LITERAL_SLACK);
        done += LITERAL_SLACK;
    } while (done < len);
    out_commit(out, to + len);
}

static inline void put(struct out *out, const struct literal *literal)
{
    put_text(out, literal->text, literal->len);
}

static void put_head(struct out *out, struct printer *p, int64_t now_ms)
{
    if (p->stamp_at && p->stamp_ms != now_ms) {
        json_i64(p->head + p->stamp_at, now_ms);
        p->stamp_ms = now_ms;
    }
    put_text(out, p->head, p->head_len);
}

/* ,"name": — but the first of an object has no comma before it. */
static inline void put_name(struct out *out, const struct field *field, bool *first)
{
    put_text(out, field->before.text + *first, field->before.len - *first);
    *first = false;
}

static void put_value(struct out *out, const struct field *field, const struct value *value)
{
    switch (value->kind) {
    case VALUE_TEXT: field->text(out, field->type, value->data, value->len); return;
    case VALUE_BINARY: field->binary(out, field->type, value->data, value->len); return;
    case VALUE_NULL:
    case VALUE_UNCHANGED: break;
    }
    out_bytes(out, "null", 4);
}

/* After the last column: _meta has no comma before it in a row without columns. */
static void put_after_columns(struct out *out, const struct literal *literal, bool first)
{
    put_text(out, literal->text + first, literal->len - first);
}

void print_row(struct out *out, struct printer *p, const uint8_t *tuple, uint64_t n, int64_t now_ms)
{
    bool first = true;
    const uint8_t *next = tuple_first(tuple);
    put_head(out, p, now_ms);
    for (const struct field *f = p->fields, *end = f + p->field_count; f < end; f++) {
        struct value value;
        next = tuple_row_next(next, &value);
        if (f->hidden) {
            continue;
        }
        put_name(out, f, &first);
        if (value.kind == VALUE_NULL) {
            out_bytes(out, "null", 4);
        } else {
            f->copy(out, f->type, value.data, value.len);
        }
    }
    put_after_columns(out, &p->row_meta, first);
    out_commit(out, json_u64(out_reserve(out, JSON_INTEGER), n));
    put(out, &p->row_meta_end);
}

/*
 * The columns of a new tuple; what it leaves unchanged comes from the old one where that has it,
 * and is absent otherwise. Returns whether nothing was printed.
 */
static bool put_new(struct out *out, const struct printer *p, const uint8_t *tuple,
                    const uint8_t *old, enum old_kind old_kind)
{
    bool first = true;
    const uint8_t *next = tuple_first(tuple), *old_next = old ? tuple_first(old) : NULL;
    for (const struct field *f = p->fields, *end = f + p->field_count; f < end; f++) {
        struct value value, old_value = {VALUE_UNCHANGED, 0, NULL};
        next = tuple_wal_next(next, &value);
        if (old) {
            old_next = tuple_wal_next(old_next, &old_value);
        }
        if (value.kind == VALUE_UNCHANGED && (old_kind == OLD_ROW || f->identity)) {
            value = old_value;
        }
        if (value.kind != VALUE_UNCHANGED && !f->hidden) {
            put_name(out, f, &first);
            put_value(out, f, &value);
        }
    }
    return first;
}

/* Of an old tuple that holds the identity alone the other columns are null: they are not known. */
static bool put_old(struct out *out, const struct printer *p, const uint8_t *old,
                    enum old_kind old_kind)
{
    bool first = true;
    const uint8_t *next = tuple_first(old);
    for (const struct field *f = p->fields, *end = f + p->field_count; f < end; f++) {
        struct value value;
        next = tuple_wal_next(next, &value);
        if ((old_kind == OLD_ROW || f->identity) && !f->hidden) {
            put_name(out, f, &first);
            put_value(out, f, &value);
        }
    }
    return first;
}

static char *put_number(char *to, char before, uint64_t number)
{
    *to++ = before;
    return json_u64(to, number);
}

/* ,"_meta":{"op":"u","source":{…} */
static void put_meta(struct out *out, const struct printer *p, char op, const struct source *s,
                     bool first)
{
    static const char start[] = ",\"_meta\":{\"op\":\"?\",\"source\":{\"ts_ms\":";
    char *to = out_reserve(out, sizeof start + 6 * JSON_INTEGER + p->schema_table.len);
    memcpy(to, start + first, sizeof start - 1 - first);
    to[sizeof ",\"_meta\":{\"op\":\"" - 1 - first] = op;
    to = json_i64(to + sizeof start - 1 - first, s->txn.commit_us / 1000);
    *to++ = ',';
    memcpy(to, p->schema_table.text, p->schema_table.len);
    to = json_u64(to + p->schema_table.len, s->previous_commit);
    to = put_number(to, ',', s->lsn);
    to = put_number(to, ',', s->txn.final_lsn);
    memcpy(to, "],\"txid\":", 9);
    to = json_u64(to + 9, s->txn.xid);
    out_commit(out, to);
    put(out, &p->source_end);
}

static void print_new(struct out *out, struct printer *p, char op, const struct event *e,
                      const struct source *source, int64_t now_ms)
{
    put_head(out, p, now_ms);
    bool first = put_new(out, p, e->new_tuple, e->old_tuple, e->old_kind);
    put_meta(out, p, op, source, first);
    if (op == 'u' && e->old_tuple) {
        out_string(out, ",\"before\":{");
        put_old(out, p, e->old_tuple, e->old_kind);
        out_char(out, '}');
    }
    put(out, &p->end);
}

static void print_deleted(struct out *out, struct printer *p, const struct event *e,
                          const struct source *source, int64_t now_ms)
{
    put_head(out, p, now_ms);
    bool first = put_old(out, p, e->old_tuple, e->old_kind);
    put_meta(out, p, 'd', source, first);
    put(out, &p->end);
}

void print_patch(struct out *out, struct printer *p, const struct patch *patch, int64_t now_ms)
{
    struct source source = {patch->txn, patch->lsn, patch->previous_commit};
    struct event e = {.kind = EVENT_INSERT, .lsn = patch->lsn};
    e.new_tuple = patch->tuple;
    print_new(out, p, 'c', &e, &source, now_ms);
}

int print_change(struct out *out, struct printer *p, const struct event *e,
                 const struct source *source, int64_t now_ms)
{
    switch (e->kind) {
    case EVENT_INSERT: print_new(out, p, 'c', e, source, now_ms); return 1;
    case EVENT_UPDATE: print_new(out, p, 'u', e, source, now_ms); return 1;
    case EVENT_DELETE: print_deleted(out, p, e, source, now_ms); return 1;
    case EVENT_MOVE:
        print_deleted(out, p, e, source, now_ms);
        print_new(out, p, 'c', e, source, now_ms);
        return 2;
    default: return 0;
    }
}
