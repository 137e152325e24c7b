/* Describing a table for its worker, and choosing the form in which its columns are selected. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "emit/value.h"

static void forget(struct table *table)
{
    if (table->description) {
        tables_free(&table->description, 1);
    }
    free(table->fingerprint);
    table->fingerprint = NULL;
    table->relation = NULL;
}

void table_free(struct table *table)
{
    forget(table);
    for (size_t i = 0; i < table->relation_count; i++) {
        relation_free(&table->relations[i]);
    }
    free((void *)table->relations);
    *table = (struct table){0};
}

void table_fingerprint_sql(struct out *sql, const struct table_description *d)
{
    struct out name;
    out_init(&name, 128);
    pg_quote_identifier(&name, d->relation->schema);
    out_char(&name, '.');
    pg_quote_identifier(&name, d->relation->name);
    out_string(sql, "(SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ',"
                    "a.attrelid,a.attnum,a.attname,a.atttypid,a.atttypmod),',' ORDER BY a.attnum))"
                    " FROM pg_catalog.pg_attribute a WHERE a.attrelid=pg_catalog.to_regclass(");
    pg_quote_literal(sql, name.data, name.len);
    out_string(sql, ") AND a.attnum>0 AND NOT a.attisdropped)");
    out_free(&name);
}

static char *read_fingerprint(struct pg *pg, const struct table_description *d, struct err *err)
{
    struct out sql;
    out_init(&sql, 512);
    out_string(&sql, "SELECT ");
    table_fingerprint_sql(&sql, d);
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 0, NULL, err);
    out_free(&sql);
    if (!rows) {
        return NULL;
    }
    char *fingerprint = mem_string(pg_rows_value(rows, 0, 0));
    pg_rows_free(&rows);
    return fingerprint ? fingerprint : mem_string("");
}

/* Types whose binary form is their text. */
static bool is_text(const struct type *type)
{
    return type->oid == OID_TEXT || type->oid == OID_VARCHAR || type->oid == OID_BPCHAR ||
           type->oid == OID_NAME || type->class == TYPE_ENUM || !strcmp(type->name, "citext");
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
        column->text = !is_text(column->type) && (server || !is_short_binary(column->type));
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

static bool describe_once(struct table *table, struct pg *pg, struct types *types,
                          const struct backfill *backfill, int stream, struct err *err)
{
    struct catalog one = {&backfill->catalog->streams[stream], 1, false};
    forget(table);
    if (!tables_describe(pg, types, backfill->config, &one, &table->description, err)) {
        return false;
    }
    table->fingerprint = read_fingerprint(pg, table->description, err);
    return table->fingerprint != NULL;
}

bool table_describe(struct table *table, struct pg *pg, struct types *types,
                    const struct backfill *backfill, int stream, struct err *err)
{
    char *before = NULL;
    bool ok = true, stands = false;
    while (ok && !stands) {
        free(before);
        before = mem_string(table->fingerprint);
        ok = describe_once(table, pg, types, backfill, stream, err);
        stands = ok && before && !strcmp(before, table->fingerprint);
    }
    free(before);
    if (!ok) {
        return false;
    }
    const struct table_description *d = table->description;
    table->without_key = d->key_count == 0;
    table->relation = add_relation(table, d->relation);
    table->row_bytes = d->row_estimate > 0 ? (double)d->bytes / (double)d->row_estimate : 0;
    choose_forms(table);
    return true;
}

int table_chunk_rows(const struct table *table, int most, size_t bytes)
{
    double rows = table->row_bytes > 1 ? (double)bytes / table->row_bytes : 1000;
    return rows < 1 ? 1 : rows > most ? most : (int)rows;
}
