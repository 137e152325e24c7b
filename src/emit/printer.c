/* Compiling printers. */
#include "printer.h"

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

static void compile_field(struct printer *p, struct field *field, const struct column *column)
{
    size_t start = mark(p);
    out_char(&p->literals, ',');
    add_text(p, column->name);
    out_char(&p->literals, ':');
    field->before = since(p, start);
    field->type = column->type;
    field->identity = column->identity;
    field->hidden = !strcmp(column->name, "_meta");
    field->text = value_text_writer(column->type);
    field->binary = value_binary_writer(column->type);
    field->binary = field->binary ? field->binary : field->text;
    field->copy = column->text ? field->text : field->binary;
}

/* The stamp's digits are written over when the time has moved on. */
static void compile_head(struct printer *p, const struct frame *frame)
{
    size_t head = strlen(frame->head), neck = frame->neck ? strlen(frame->neck) : 0;
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

static void compile_meta(struct printer *p, const struct frame *frame, const char *schema,
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

    start = mark(p);
    out_string(&p->literals, "\"schema\":");
    add_text(p, schema);
    out_string(&p->literals, ",\"table\":");
    add_text(p, table);
    out_string(&p->literals, ",\"loc\":[");
    p->schema_table = since(p, start);
}

struct printer *printer_new(const struct relation *relation, const struct frame *frame,
                            const char *schema, const char *table)
{
    size_t fields = (size_t)relation->column_count;
    struct printer *p = mem_zero(sizeof *p + fields * sizeof p->fields[0]);
    out_init(&p->literals, 1024);
    p->field_count = relation->column_count;
    compile_head(p, frame);
    compile_meta(p, frame, schema, table);
    for (int i = 0; i < p->field_count; i++) {
        compile_field(p, &p->fields[i], &relation->columns[i]);
    }
    memset(out_reserve(&p->literals, LITERAL_SLACK), 0, LITERAL_SLACK);
    for (int i = 0; i < p->field_count; i++) {
        fix(p, &p->fields[i].before);
    }
    struct literal *all[] = {&p->row_meta, &p->row_meta_end, &p->schema_table, &p->source_end,
                             &p->end};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        fix(p, all[i]);
    }
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
