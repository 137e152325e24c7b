/* Running printers: rows and changes to lines. */
#include <string.h>

#include "base/bytes.h"
#include "emit/json.h"
#include "emit/value.h"
#include "printer.h"
#include "row/tuple.h"
#include "word.h"

/* `len` bytes of `text`, behind which LITERAL_SLACK more can be read, and as many written: whole
 * blocks are cheaper to copy than what has any length. */
static inline char *put_text(char *to, const char *text, size_t len)
{
    size_t done = 0;
    do {
        memcpy(to + done, text + done, LITERAL_SLACK);
        done += LITERAL_SLACK;
    } while (done < len);
    return to + len;
}

static inline char *put(char *to, const struct literal *literal)
{
    return put_text(to, literal->text, literal->len);
}

static char *put_head(struct out *out, struct printer *p, int64_t now_ms)
{
    if (p->stamp_at && p->stamp_ms != now_ms) {
        json_i64(p->head + p->stamp_at, now_ms);
        p->stamp_ms = now_ms;
    }
    return put_text(out_reserve(out, p->head_len + LITERAL_SLACK), p->head, p->head_len);
}

/* ,"name": — but the first of an object has no comma before it. Behind it is room for a value. */
static inline char *put_name(struct out *out, char *to, const struct field *field, bool *first)
{
    to = out_room(out, to, field->before.len + LITERAL_SLACK + VALUE_ROOM);
    to = put_text(to, field->before.text + *first, field->before.len - *first);
    *first = false;
    return to;
}

static char *put_value(struct out *out, char *to, const struct field *field,
                       const struct value *value)
{
    switch (value->kind) {
    case VALUE_TEXT: return field->text(out, to, field->type, value->data, value->len);
    case VALUE_BINARY: return field->binary(out, to, field->type, value->data, value->len);
    case VALUE_NULL:
    case VALUE_UNCHANGED: break;
    }
    return put_word(to, "null");
}

/* _meta of a row has no comma before it in a row without columns. */
static char *put_row_meta(struct out *out, char *to, const struct printer *p, uint64_t n,
                          bool first)
{
    to = out_room(out, to, p->row_meta.len + JSON_INTEGER + p->row_meta_end.len + LITERAL_SLACK);
    to = put_text(to, p->row_meta.text + first, p->row_meta.len - first);
    return put(json_u64(to, n), &p->row_meta_end);
}

void print_row(struct out *out, struct printer *p, const uint8_t *tuple, uint64_t n, int64_t now_ms)
{
    bool first = true;
    const uint8_t *next = tuple_first(tuple);
    char *to = put_head(out, p, now_ms);
    for (const struct field *f = p->fields, *end = f + p->field_count; f < end; f++) {
        struct value value;
        next = tuple_row_next(next, &value);
        if (f->hidden) {
            continue;
        }
        to = put_name(out, to, f, &first);
        to = value.kind == VALUE_NULL ? put_word(to, "null")
                                      : f->copy(out, to, f->type, value.data, value.len);
    }
    out_commit(out, put_row_meta(out, to, p, n, first));
}

/* Whether the old tuple of an event tells the value of a column. */
static inline bool is_told(const struct event *e, const struct field *f, const struct value *value)
{
    return e->old_kind == OLD_ROW || (f->identity && value->kind != VALUE_NULL);
}

/*
 * The columns of a new tuple; what it leaves unchanged comes from the old one where that has it,
 * and is absent otherwise. *first: whether nothing was printed.
 */
static char *put_new(struct out *out, char *to, const struct printer *p, const struct event *e,
                     bool *first)
{
    const uint8_t *next = tuple_first(e->new_tuple);
    const uint8_t *old_next = e->old_tuple ? tuple_first(e->old_tuple) : NULL;
    for (const struct field *f = p->fields, *end = f + p->field_count; f < end; f++) {
        struct value value, old_value = {VALUE_UNCHANGED, 0, NULL};
        next = tuple_wal_next(next, &value);
        if (old_next) {
            old_next = tuple_wal_next(old_next, &old_value);
        }
        if (value.kind == VALUE_UNCHANGED && is_told(e, f, &old_value)) {
            value = old_value;
        }
        if (value.kind != VALUE_UNCHANGED && !f->hidden) {
            to = put_value(out, put_name(out, to, f, first), f, &value);
        }
    }
    return to;
}

/* Of an old tuple that holds the identity alone the other columns are null: they are not known. */
static char *put_old(struct out *out, char *to, const struct printer *p, const struct event *e,
                     bool *first)
{
    const uint8_t *next = tuple_first(e->old_tuple);
    for (const struct field *f = p->fields, *end = f + p->field_count; f < end; f++) {
        struct value value;
        next = tuple_wal_next(next, &value);
        if (is_told(e, f, &value) && !f->hidden) {
            to = put_value(out, put_name(out, to, f, first), f, &value);
        }
    }
    return to;
}

void source_begin(struct source *s, const struct txn *txn, uint64_t previous_commit)
{
    s->txn = *txn;
    s->previous_commit = previous_commit;
    s->text.time_len = (uint32_t)(json_i64(s->text.time, txn->commit_us / 1000) - s->text.time);
    s->text.previous_len =
        (uint32_t)(json_u64(s->text.previous, previous_commit) - s->text.previous);
    char *end = json_u64(put_word(s->text.end, ","), txn->final_lsn);
    end = json_u64(put_word(end, "],\"txid\":"), txn->xid);
    s->text.end_len = (uint32_t)(end - s->text.end);
}

/* ,"_meta":{"op":"u","source":{…} */
static char *put_meta(struct out *out, char *to, const struct printer *p, char op,
                      const struct source *s, bool first)
{
    static const char start[] = ",\"_meta\":{\"op\":\"?\",\"source\":{\"ts_ms\":";
    to = out_room(out, to,
                  sizeof start + sizeof s->text + JSON_INTEGER + p->schema_table.len +
                      p->source_end.len + LITERAL_SLACK);
    memcpy(to, start + first, sizeof start - 1 - first);
    to[sizeof ",\"_meta\":{\"op\":\"" - 1 - first] = op;
    to = put_text(to + sizeof start - 1 - first, s->text.time, s->text.time_len);
    *to++ = ',';
    to = put(to, &p->schema_table);
    to = put_text(to, s->text.previous, s->text.previous_len);
    *to++ = ',';
    to = json_u64(to, s->lsn);
    to = put_text(to, s->text.end, s->text.end_len);
    return put(to, &p->source_end);
}

static char *put_before(struct out *out, char *to, const struct printer *p, const struct event *e)
{
    static const char start[] = ",\"before\":{";
    bool first = true;
    to = put_word(out_room(out, to, sizeof start), start);
    to = out_room(out, put_old(out, to, p, e, &first), 1);
    *to = '}';
    return to + 1;
}

static void put_end(struct out *out, char *to, const struct printer *p)
{
    out_commit(out, put(out_room(out, to, p->end.len + LITERAL_SLACK), &p->end));
}

static void print_new(struct out *out, struct printer *p, char op, const struct event *e,
                      const struct source *source, int64_t now_ms)
{
    bool first = true;
    char *to = put_new(out, put_head(out, p, now_ms), p, e, &first);
    to = put_meta(out, to, p, op, source, first);
    if (op == 'u' && e->old_tuple) {
        to = put_before(out, to, p, e);
    }
    put_end(out, to, p);
}

static void print_deleted(struct out *out, struct printer *p, const struct event *e,
                          const struct source *source, int64_t now_ms)
{
    bool first = true;
    char *to = put_old(out, put_head(out, p, now_ms), p, e, &first);
    put_end(out, put_meta(out, to, p, 'd', source, first), p);
}

void print_patch(struct out *out, struct printer *p, const struct patch *patch, int64_t now_ms)
{
    struct source source;
    struct event e = {.kind = EVENT_INSERT, .lsn = patch->lsn};
    e.new_tuple = patch->tuple;
    source_begin(&source, &patch->txn, patch->previous_commit);
    source.lsn = patch->lsn;
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
