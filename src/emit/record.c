/* Running printers: rows and changes to lines. */
#include "base/bytes.h"
#include "emit/json.h"
#include "emit/value.h"
#include "internal.h"
#include "row/tuple.h"
#include "word.h"
#include "writers.h"

static inline char *put(char *to, const struct literal *literal)
{
    return put_text(to, literal->text, literal->len);
}

static char *put_head(struct out *out, struct printer *p, int64_t now_ms)
{
    if (p->close) {
        out_hold(out);
    }
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

/* The mark of a value that could not be held, taken away and remembered. */
static inline char *take_lost(char *to, const struct printer *p, const struct field *field,
                              struct lost *lost)
{
    if (!field->lossy || to[-1] != ' ') {
        return to;
    }
    lost->fields[lost->count++] = (uint16_t)(field - p->fields);
    return to - 1;
}

static inline char *put_by(struct out *out, char *to, struct printer *p, const struct field *field,
                           value_writer *writer, const struct value *value)
{
    if (value->len > field->limit) {
        return put_cut(out, to, p, field, writer, value->data, value->len);
    }
    return writer(out, to, field->type, value->data, value->len);
}

static char *put_value(struct out *out, char *to, struct printer *p, const struct field *field,
                       const struct value *value)
{
    switch (value->kind) {
    case VALUE_TEXT: return put_by(out, to, p, field, field->text, value);
    case VALUE_BINARY: return put_by(out, to, p, field, field->binary, value);
    case VALUE_NULL:
    case VALUE_UNCHANGED: break;
    }
    return put_word(to, "null");
}

static inline void print_end(struct out *out, char *to, const struct printer *p,
                             const struct literal *end, const struct lost *lost)
{
    if (lost->count) {
        print_end_lost(out, to, p, end, lost);
    } else {
        out_commit(out, put(out_room(out, to, end->len + LITERAL_SLACK), end));
    }
    if (p->close) {
        p->close(out->data + out->hold, out->len - out->hold);
        out_release(out);
    }
}

/* _meta of a row has no comma before it in a row without columns. */
static void print_row_meta(struct out *out, char *to, const struct printer *p, uint64_t n,
                           bool first, const struct lost *lost)
{
    to = out_room(out, to, p->row_meta.len + JSON_INTEGER + LITERAL_SLACK);
    to = put_text(to, p->row_meta.text + first, p->row_meta.len - first);
    print_end(out, json_u64(to, n), p, &p->row_meta_end, lost);
}

void print_row(struct out *out, struct printer *p, const uint8_t *tuple, uint64_t n,
               uint64_t cursor, int64_t now_ms)
{
    bool first = true;
    struct lost lost;
    lost.count = 0;
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
                                      : put_by(out, to, p, f, f->copy, &value);
        to = take_lost(to, p, f, &lost);
    }
    if (p->airbyte.used) {
        to = put_airbyte_row(out, to, p, cursor, now_ms, &first);
    }
    if (p->airbyte.used && !p->airbyte.meta) {
        print_end(out, to, p, &p->end, &lost);
    } else {
        print_row_meta(out, to, p, n, first, &lost);
    }
}

/* Whether the old tuple of an event tells the value of a column. */
static inline bool is_told(const struct event *e, const struct field *f, const struct value *value)
{
    bool partial = e->old_kind == OLD_KEY || (e->relation && e->relation->partial_old);
    return value->kind != VALUE_NULL ? e->old_kind == OLD_ROW || f->identity : !partial;
}

/*
 * The columns of a new tuple; what it leaves unchanged comes from the old one where that has it,
 * and is absent otherwise. *first: whether nothing was printed.
 */
static char *put_new(struct out *out, char *to, struct printer *p, const struct event *e,
                     bool *first, struct lost *lost)
{
    const uint8_t *next = tuple_first(e->new_tuple);
    const uint8_t *old_next = e->old_tuple ? tuple_first(e->old_tuple) : NULL;
    for (const struct field *f = p->fields, *end = f + p->field_count; f < end; f++) {
        struct value value, old_value = {VALUE_UNCHANGED, 0, NULL};
        next = tuple_wal_next(next, &value);
        if (old_next) {
            old_next = tuple_wal_next(old_next, &old_value);
        }
        if (value.kind == VALUE_UNCHANGED && e->old_tuple && is_told(e, f, &old_value)) {
            value = old_value;
        }
        if (value.kind != VALUE_UNCHANGED && !f->hidden) {
            to = put_value(out, put_name(out, to, f, first), p, f, &value);
            to = take_lost(to, p, f, lost);
        }
    }
    return to;
}

/* Of an old tuple that holds the identity alone the other columns are null: they are not known. */
static char *put_old(struct out *out, char *to, struct printer *p, const struct event *e,
                     bool *first, struct lost *lost)
{
    const uint8_t *next = tuple_first(e->old_tuple);
    for (const struct field *f = p->fields, *end = f + p->field_count; f < end; f++) {
        struct value value;
        next = tuple_wal_next(next, &value);
        if (is_told(e, f, &value) && !f->hidden) {
            to = put_value(out, put_name(out, to, f, first), p, f, &value);
            to = take_lost(to, p, f, lost);
        }
    }
    return to;
}

#define META ",\"_meta\":{\"op\":\"?\",\"source\":{\"ts_ms\":"

/* ,"_meta":{"op":"u","source":{…} */
static char *put_meta(struct out *out, char *to, const struct printer *p, char op,
                      const struct source *s, bool first)
{
    enum { LEN = sizeof META - 1, OP = sizeof ",\"_meta\":{\"op\":\"" - 1 };
    static const char start[LEN + 1 + LITERAL_SLACK] = META;
    to = out_room(out, to,
                  sizeof start + sizeof s->text + JSON_INTEGER + p->schema_table.len +
                      p->source_end.len + LITERAL_SLACK);
    char *after = put_text(to, start + first, LEN - first);
    to[OP - first] = op;
    to = put_text(after, s->text.time, s->text.time_len);
    *to++ = ',';
    to = put(to, &p->schema_table);
    to = put_text(to, s->text.previous, s->text.previous_len);
    *to++ = ',';
    to = json_u64(to, s->lsn);
    to = put_text(to, s->text.end, s->text.end_len);
    return put(to, &p->source_end);
}

/* In it nothing is said of what is lost. */
static char *put_before(struct out *out, char *to, struct printer *p, const struct event *e)
{
    static const char start[] = ",\"before\":{";
    bool first = true;
    struct lost lost;
    lost.count = 0;
    to = put_word(out_room(out, to, sizeof start), start);
    to = out_room(out, put_old(out, to, p, e, &first, &lost), 1);
    *to = '}';
    return to + 1;
}

/* What follows the columns of a change's record. */
static void print_change_end(struct out *out, char *to, struct printer *p, char op,
                             const struct event *e, const struct source *source, bool first,
                             const struct lost *lost)
{
    if (p->airbyte.used) {
        uint64_t cursor = source->cursor - (op == 'd' && e->kind == EVENT_MOVE);
        to = put_airbyte_change(out, to, p, source, cursor, op == 'd', &first);
    }
    if (!p->airbyte.used || p->airbyte.meta) {
        to = put_meta(out, to, p, op, source, first);
        to = op == 'u' && e->old_tuple ? put_before(out, to, p, e) : to;
    }
    print_end(out, to, p, &p->end, lost);
}

static void print_new(struct out *out, struct printer *p, char op, const struct event *e,
                      const struct source *source, int64_t now_ms)
{
    bool first = true;
    struct lost lost;
    lost.count = 0;
    char *to = put_new(out, put_head(out, p, now_ms), p, e, &first, &lost);
    print_change_end(out, to, p, op, e, source, first, &lost);
}

static void print_deleted(struct out *out, struct printer *p, const struct event *e,
                          const struct source *source, int64_t now_ms)
{
    bool first = true;
    struct lost lost;
    lost.count = 0;
    char *to = put_old(out, put_head(out, p, now_ms), p, e, &first, &lost);
    print_change_end(out, to, p, 'd', e, source, first, &lost);
}

/* A record without columns: its source alone. */
static void print_truncated(struct out *out, struct printer *p, const struct source *source,
                            int64_t now_ms)
{
    struct lost lost;
    lost.count = 0;
    char *to = put_head(out, p, now_ms);
    print_end(out, put_meta(out, to, p, 't', source, true), p, &p->end, &lost);
}

void print_patch(struct out *out, struct printer *p, const struct patch *patch, uint64_t cursor,
                 int64_t now_ms)
{
    struct source source;
    struct event e = {.kind = EVENT_INSERT, .lsn = patch->lsn};
    e.new_tuple = patch->tuple;
    source_begin(&source, &patch->txn, patch->previous_commit);
    source.lsn = patch->lsn;
    source.cursor = cursor;
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
    case EVENT_TRUNCATE: print_truncated(out, p, source, now_ms); return 1;
    default: return 0;
    }
}

void record_begin(struct out *out, struct printer *p, int64_t now_ms)
{
    out_commit(out, put_head(out, p, now_ms));
}

void record_end(struct out *out, struct printer *p, char op, const struct source *source)
{
    struct lost lost;
    lost.count = 0;
    char *to = put_meta(out, out_reserve(out, LITERAL_SLACK), p, op, source, false);
    print_end(out, to, p, &p->end, &lost);
}
