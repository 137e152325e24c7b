/* Compiling printers. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "emit/json.h"

enum { STAMP_DIGITS = 13 };

/* Literals are collected in one buffer, which moves while it grows: first as offsets, made pointers
 * at the end. */
static size_t mark(const struct printer *p)
{
    return p->literals.len;
}

static struct literal since(const struct printer *p, size_t start)
{
    return (struct literal){(const char *)(uintptr_t)start, p->literals.len - start};
}

static void fix(const struct printer *p, struct literal *literal)
{
    literal->text = p->literals.data + (uintptr_t)literal->text;
}

static void add_text(struct printer *p, const char *s)
{
    json_quoted(&p->literals, s, strlen(s));
}

static bool is_in(const char *const *names, const char *name)
{
    for (; names && *names; names++) {
        if (!strcmp(*names, name)) {
            return true;
        }
    }
    return false;
}

static bool is_key(const struct relation *relation, int column)
{
    for (int k = 0; k < relation->key_count; k++) {
        if (relation->key[k] == column) {
            return true;
        }
    }
    return false;
}

static bool is_chosen(const struct frame *frame, const char *name)
{
    return !frame->columns || is_in(frame->columns, name);
}

static bool is_own(const char *name)
{
    return !strcmp(name, AIRBYTE_LSN) || !strcmp(name, AIRBYTE_UPDATED_AT) ||
           !strcmp(name, AIRBYTE_DELETED_AT);
}

static bool is_hidden(const struct relation *relation, const struct frame *frame, int column)
{
    const char *name = relation->columns[column].name;
    bool chosen = is_chosen(frame, name) || is_key(relation, column);
    return !strcmp(name, "_meta") || (frame->airbyte && (is_own(name) || !chosen));
}

static struct value_writers writers_of(const struct frame *frame, const struct type *type)
{
    return frame->airbyte
               ? value_airbyte_writers(type)
               : (struct value_writers){value_text_writer(type), value_binary_writer(type), false};
}

/* A key that is cut could be another row's. */
static bool is_whole(const struct relation *relation, int column)
{
    return is_key(relation, column) ||
           (relation->identity != 'f' && relation->columns[column].identity);
}

static void compile_field(struct printer *p, const struct relation *relation, int i,
                          const struct frame *frame)
{
    struct field *field = &p->fields[i];
    const struct column *column = &relation->columns[i];
    struct value_writers writers = writers_of(frame, column->type);
    size_t start = mark(p);
    out_char(&p->literals, ',');
    add_text(p, column->name);
    out_char(&p->literals, ':');
    field->before = since(p, start);
    field->type = column->type;
    field->name = column->name;
    field->hidden = is_hidden(relation, frame, i);
    field->limit = cut_limit(column->type, is_whole(relation, i) ? 0 : frame->value_limit);
    field->identity = column->identity;
    field->lossy = writers.lossy;
    field->text = writers.text;
    field->binary = writers.binary ? writers.binary : writers.text;
    field->copy = column->text ? field->text : field->binary;
}

/* The stamp's digits are written over when the time has moved on. */
static void compile_head(struct printer *p, const struct frame *frame)
{
    size_t head = frame->head_len ? frame->head_len : strlen(frame->head);
    size_t neck = frame->neck ? strlen(frame->neck) : 0;
    size_t stamp = frame->neck ? STAMP_DIGITS : 0;
    p->head_len = head + stamp + neck + 1;
    p->head = mem_zero(p->head_len + LITERAL_SLACK);
    memcpy(p->head, frame->head, head);
    memset(p->head + head, '0', stamp);
    if (neck) {
        memcpy(p->head + head + stamp, frame->neck, neck);
    }
    p->head[p->head_len - 1] = '{';
    p->stamp_at = stamp ? head : 0;
}

/* _meta of a backfilled row up to its number, and what comes after it. The latter is also that of
 * changes. */
static void compile_row_meta(struct printer *p, const struct frame *frame, const char *schema,
                             const char *table)
{
    size_t start = mark(p);
    out_string(&p->literals, ",\"_meta\":{\"op\":\"c\",\"source\":{\"schema\":");
    add_text(p, schema);
    out_string(&p->literals, ",\"snapshot\":true,\"table\":");
    add_text(p, table);
    out_string(&p->literals, ",\"loc\":[-1,");
    p->row_meta = since(p, start);

    start = mark(p);
    out_string(&p->literals, ",0]");
    size_t tag = mark(p);
    if (frame->tag) {
        out_string(&p->literals, ",\"tag\":");
        add_text(p, frame->tag);
    }
    out_char(&p->literals, '}');
    p->source_end = since(p, tag);
    size_t end = mark(p);
    out_string(&p->literals, "}}");
    out_string(&p->literals, frame->tail);
    p->end = since(p, end);
    p->row_meta_end = since(p, start);
}

static void compile_meta(struct printer *p, const struct frame *frame, const char *schema,
                         const char *table)
{
    p->tail_len = strlen(frame->tail);
    compile_row_meta(p, frame, schema, table);
    size_t start = mark(p);
    out_string(&p->literals, "\"schema\":");
    add_text(p, schema);
    out_string(&p->literals, ",\"table\":");
    add_text(p, table);
    out_string(&p->literals, ",\"loc\":[");
    p->schema_table = since(p, start);
}

/* ,"name": if it was chosen. */
static struct literal member(struct printer *p, const struct frame *frame, const char *name)
{
    size_t start = mark(p);
    if (frame->airbyte && is_chosen(frame, name)) {
        out_char(&p->literals, ',');
        add_text(p, name);
        out_char(&p->literals, ':');
    }
    return since(p, start);
}

/* Without _meta both ends are that of the data alone. */
static void compile_airbyte(struct printer *p, const struct frame *frame)
{
    struct airbyte_look *look = &p->airbyte;
    look->used = frame->airbyte;
    look->meta = frame->airbyte && is_chosen(frame, "_meta");
    look->lsn = member(p, frame, AIRBYTE_LSN);
    look->updated_at = member(p, frame, AIRBYTE_UPDATED_AT);
    look->deleted_at = member(p, frame, AIRBYTE_DELETED_AT);
    if (look->used && !look->meta) {
        size_t start = mark(p);
        out_char(&p->literals, '}');
        out_string(&p->literals, frame->tail);
        p->end = since(p, start);
    }
}

struct printer *printer_new(const struct relation *relation, const struct frame *frame,
                            const char *schema, const char *table)
{
    size_t fields = (size_t)relation->column_count;
    struct printer *p = mem_zero(sizeof *p + fields * sizeof p->fields[0]);
    out_init(&p->literals, 1024);
    p->field_count = relation->column_count;
    p->close = frame->close;
    p->cut = frame->cut;
    p->cut_context = frame->cut_context;
    p->stream = relation->stream;
    compile_head(p, frame);
    compile_meta(p, frame, schema, table);
    compile_airbyte(p, frame);
    for (int i = 0; i < p->field_count; i++) {
        compile_field(p, relation, i, frame);
    }
    memset(out_reserve(&p->literals, LITERAL_SLACK), 0, LITERAL_SLACK);
    for (int i = 0; i < p->field_count; i++) {
        fix(p, &p->fields[i].before);
    }
    struct literal *all[] = {
        &p->row_meta, &p->row_meta_end, &p->schema_table,       &p->source_end,
        &p->end,      &p->airbyte.lsn,  &p->airbyte.updated_at, &p->airbyte.deleted_at};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        fix(p, all[i]);
    }
    return p;
}

struct printer *printer_copy(const struct printer *first)
{
    size_t size = sizeof *first + (size_t)first->field_count * sizeof first->fields[0];
    struct printer *p = mem_alloc(size);
    memcpy(p, first, size);
    p->head = mem_alloc(p->head_len + LITERAL_SLACK);
    memcpy(p->head, first->head, p->head_len + LITERAL_SLACK);
    p->literals = (struct out){0};
    return p;
}

void printer_free(struct printer **printer)
{
    if (*printer) {
        out_free(&(*printer)->literals);
        free((*printer)->head);
        free(*printer);
        *printer = NULL;
    }
}
