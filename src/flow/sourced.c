/*
 * The schemas that were sent: one that is the same as before is not sent a second time.
 *
 * At the start they come from the server's catalogs, later from the relation that is printed next.
 * The stream knows a domain's columns by the domain alone: how long such a text may be is what it
 * was at the start.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "respond.h"
#include "sourced.h"

struct known_column {
    char *name;
    uint32_t type;
    int32_t typmod;
    bool key;
};

struct known {
    char *schema; /* as it was sent last; NULL: never */
    struct known_column *columns;
    int column_count;
};

struct sourced {
    enum flow_form form;
    int count;
    struct known bindings[];
};

struct sourced *sourced_new(enum flow_form form, int count)
{
    struct sourced *s = mem_zero(sizeof *s + (size_t)count * sizeof s->bindings[0]);
    s->form = form;
    s->count = count;
    return s;
}

void sourced_free(struct sourced **sourced)
{
    struct sourced *s = *sourced;
    *sourced = NULL;
    for (int i = 0; s && i < s->count; i++) {
        for (int c = 0; c < s->bindings[i].column_count; c++) {
            free(s->bindings[i].columns[c].name);
        }
        free(s->bindings[i].columns);
        free(s->bindings[i].schema);
    }
    free(s);
}

static void tell(struct sourced *s, struct out *out, int binding,
                 const struct discovered_table *table)
{
    struct known *known = &s->bindings[binding];
    struct out schema;
    out_init(&schema, 4096);
    sourced_schema(&schema, table);
    if (!known->schema || strcmp(known->schema, out_text(&schema)) != 0) {
        respond_schema(out, s->form, binding, &schema);
        free(known->schema);
        known->schema = mem_string(out_text(&schema));
    }
    out_free(&schema);
}

void sourced_begin(struct sourced *s, struct out *out, int binding,
                   const struct discovered_table *table)
{
    struct known *known = &s->bindings[binding];
    known->column_count = table->column_count;
    known->columns = mem_zero((size_t)(table->column_count + 1) * sizeof *known->columns);
    for (int i = 0; i < table->column_count; i++) {
        const struct discovered_column *column = &table->columns[i];
        known->columns[i] = (struct known_column){
            .name = mem_string(column->name), .type = column->type->oid, .typmod = column->typmod};
    }
    for (int k = 0; k < table->key_count; k++) {
        known->columns[table->key[k]].key = true;
    }
    tell(s, out, binding, table);
}

static const struct known_column *find(const struct known *known, const char *name)
{
    for (int i = 0; i < known->column_count; i++) {
        if (!strcmp(known->columns[i].name, name)) {
            return &known->columns[i];
        }
    }
    return NULL;
}

static struct discovered_column column_of(const struct column *column,
                                          const struct known_column *known)
{
    bool domain = column->type_oid != column->type->oid;
    bool same = known && known->type == column->type->oid;
    return (struct discovered_column){
        .name = column->name,
        .type = column->type,
        .typmod = !domain ? column->typmod
                  : same  ? known->typmod
                          : -1,
    };
}

void sourced_shape(struct sourced *s, struct out *out, const struct relation *relation)
{
    const struct known *known = &s->bindings[relation->stream];
    size_t room = (size_t)relation->column_count + 1;
    struct discovered_column *columns = mem_zero(room * sizeof *columns);
    int *key = mem_zero(room * sizeof *key), keys = 0;
    for (int i = 0; i < relation->column_count; i++) {
        const struct known_column *before = find(known, relation->columns[i].name);
        columns[i] = column_of(&relation->columns[i], before);
        if (before && before->key) {
            key[keys++] = i;
        }
    }
    struct discovered_table table = {
        .columns = columns,
        .column_count = relation->column_count,
        .key = key,
        .key_count = keys,
    };
    tell(s, out, relation->stream, &table);
    free(columns);
    free(key);
}
