/* Describing a table for its worker, and choosing the form in which its columns are selected. */
#include "table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "emit/value.h"
#include "order.h"
#include "pg/position.h"

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->relation_count; i++) {
        relation_free(&table->relations[i]);
    }
    free((void *)table->relations);
    *table = (struct table){0};
}

static bool is_short_binary(const struct type *type)
{
    return type->oid == OID_INT2 || type->oid == OID_INT4 || type->oid == OID_INT8 ||
           type->oid == OID_OID || type->oid == OID_BOOL || type->oid == OID_UUID;
}

/* Key columns come in a form that the merger can compare with the stream's text. */
static void choose_forms(struct table *table)
{
    const struct table_description *d = table->description;
    bool server = false;
    for (int i = 0; i < table->relation->column_count; i++) {
        struct column *column = &table->relation->columns[i];
        column->text = !value_prefers_binary(column->type);
    }
    for (int k = 0; k < d->key_count; k++) {
        server |= !d->key[k].bytewise;
    }
    for (int k = 0; k < d->key_count; k++) {
        struct column *column = &table->relation->columns[d->key[k].column];
        column->text = server || !is_short_binary(column->type);
    }
}

static struct relation *add_relation(struct table *table, const struct relation *from)
{
    struct relation *relation = relation_new(from->column_count);
    table->relations = mem_grow_array((void *)table->relations, &table->relation_cap,
                                      table->relation_count + 1, sizeof *table->relations);
    table->relations[table->relation_count++] = relation;
    relation->oid = from->oid;
    relation->schema = mem_string(from->schema);
    relation->name = mem_string(from->name);
    relation->identity = from->identity;
    for (int i = 0; i < from->column_count; i++) {
        relation->columns[i] = from->columns[i];
        relation->columns[i].name = mem_string(from->columns[i].name);
    }
    return relation;
}

void table_take(struct table *table, const struct pg *pg, const struct config *config,
                const struct table_description *d)
{
    table->publication = config->publication;
    table->version = pg_server_version(pg);
    table->snapshot_sql = snapshot_sql(pg);
    table->seen_sql = seen_position_sql(pg);
    if (table->description == d) {
        return;
    }
    table->description = d;
    table->order = chunk_order_of(d);
    table->relation = add_relation(table, d->relation);
    table->rows_most = 0;
    table->row_bytes = d->row_estimate > 0 ? (double)d->all_bytes / (double)d->row_estimate : 0;
    choose_forms(table);
}

int table_chunk_rows(const struct table *table, int most, size_t bytes)
{
    double rows = table->row_bytes > 1 ? (double)bytes / table->row_bytes : 1000;
    most = table->rows_most && table->rows_most < most ? table->rows_most : most;
    return rows < 1 ? 1 : rows > most ? most : (int)rows;
}

void table_learn_time(struct table *table, int rows, int64_t took_us, int64_t limit_us)
{
    if (took_us > limit_us) {
        table->rows_most = (int)((double)rows * (double)limit_us / (double)took_us) + 1;
    } else if (took_us < limit_us / 2 && table->rows_most) {
        table->rows_most = table->rows_most > INT_MAX / 2 ? 0 : table->rows_most * 2;
    }
}
