/*
 * One row by its key: under REPLICA IDENTITY DEFAULT a change of the key leaves out TOAST values
 * that it did not touch, and only the row at the new key has them now.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "row/tuple.h"
#include "service.h"

enum { VISIBLE_POLL_US = 20 * 1000 };

static void add_table(struct out *sql, const struct service *s, const struct question *q)
{
    const struct catalog_stream *stream = &s->config->catalog->streams[q->stream];
    out_string(sql, q->about->kind == 'p' ? "" : "ONLY ");
    pg_quote_identifier(sql, stream->schema);
    out_char(sql, '.');
    pg_quote_identifier(sql, stream->table);
}

static void add_key(struct out *sql, const struct question *q)
{
    const struct table_description *d = q->about;
    for (int k = 0; k < d->key_count; k++) {
        const struct key_operators *o = &d->key[k].operators;
        const struct key_column *value = &q->merge->key->columns[k];
        out_string(sql, k ? " AND r." : " WHERE r.");
        pg_quote_identifier(sql, d->relation->columns[d->key[k].column].name);
        out_format(sql, "::%s %s ", o->type, o->equal);
        pg_quote_literal(sql, value->text, value->len);
        out_format(sql, "::%s", o->type);
    }
}

/* Whether it has the type that the change was decoded with; text and varchar are alike. */
static void add_type_check(struct out *sql, const struct column *column)
{
    bool text = column->type_oid == OID_TEXT || column->type_oid == OID_VARCHAR;
    out_string(sql, " AND pg_catalog.pg_typeof(r.");
    pg_quote_identifier(sql, column->name);
    if (text) {
        out_format(sql, ")::oid IN (%u,%u)", OID_TEXT, OID_VARCHAR);
    } else {
        out_format(sql, ")::oid=%u", column->type_oid);
    }
}

static void add_type_checks(struct out *sql, const struct question *q)
{
    const struct relation *relation = q->merge->relation;
    const uint8_t *next = tuple_first(q->merge->lacks);
    for (int i = 0; i < relation->column_count; i++) {
        struct value value;
        next = tuple_wal_next(next, &value);
        if (value.kind == VALUE_UNCHANGED) {
            add_type_check(sql, &relation->columns[i]);
        }
    }
}

enum {
    ROW_SNAPSHOT,
    ROW_ALIKE,   /* whether the types are as before; null: there is no such row */
    ROW_COLUMNS, /* all of them, from here on */
};

static void row_sql(struct out *sql, const struct service *s, const struct question *q)
{
    const struct relation *relation = q->merge->relation;
    const uint8_t *next = tuple_first(q->merge->lacks);
    out_string(sql, "SELECT pg_catalog.txid_current_snapshot()::text,x.* FROM (SELECT) one "
                    "LEFT JOIN (SELECT true");
    add_type_checks(sql, q);
    for (int i = 0; i < relation->column_count; i++) {
        struct value value;
        next = tuple_wal_next(next, &value);
        out_string(sql, value.kind == VALUE_UNCHANGED ? ",r." : ",NULL");
        if (value.kind == VALUE_UNCHANGED) {
            pg_quote_identifier(sql, relation->columns[i].name);
        }
        out_format(sql, " AS c%d", i);
    }
    out_string(sql, " FROM ");
    add_table(sql, s, q);
    out_string(sql, " AS r");
    add_key(sql, q);
    out_string(sql, " LIMIT 1) x ON true");
}

/* The row in pgoutput's form. */
static uint8_t *tuple_of(const struct pg_rows *rows, int first, int columns)
{
    size_t size = 2;
    for (int i = 0; i < columns; i++) {
        size += 5 + pg_rows_len(rows, 0, first + i);
    }
    uint8_t *tuple = mem_alloc(size), *p = store16(tuple, (uint16_t)columns);
    for (int i = 0; i < columns; i++) {
        size_t len = pg_rows_len(rows, 0, first + i);
        if (pg_rows_null(rows, 0, first + i)) {
            *p++ = 'n';
            continue;
        }
        *p++ = 't';
        p = store32(p, (uint32_t)len);
        memcpy(p, pg_rows_value(rows, 0, first + i), len);
        p += len;
    }
    return tuple;
}

/* A commit may be in the stream before others see what it did. */
static bool is_visible(const struct pg_rows *rows, uint32_t xid)
{
    struct snapshot snapshot;
    if (!snapshot_parse(&snapshot, pg_rows_value(rows, 0, ROW_SNAPSHOT))) {
        return true;
    }
    bool visible = snapshot_sees(&snapshot, xid, 0);
    snapshot_free(&snapshot);
    return visible;
}

bool answer_row(struct service *s, struct question *q, struct err *err)
{
    struct merge_question *m = q->merge;
    struct out sql;
    struct pg_rows *rows;
    out_init(&sql, 512);
    row_sql(&sql, s, q);
    while ((rows = service_query(s, out_text(&sql), 0, NULL, err)) && !is_visible(rows, m->xid) &&
           !run_stopping(s->config->run)) {
        pg_rows_free(&rows);
        run_pause(s->config->run, VISIBLE_POLL_US);
    }
    bool ok = rows != NULL, found = ok && !pg_rows_null(rows, 0, ROW_ALIKE);
    bool alike = found && *pg_rows_value(rows, 0, ROW_ALIKE) == 't';
    if (alike) {
        m->row = tuple_of(rows, ROW_COLUMNS, m->relation->column_count);
    }
    q->stale = ok ? found && !alike : service_is_stale(s);
    pg_rows_free(&rows);
    out_free(&sql);
    return ok;
}
