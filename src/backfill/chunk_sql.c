/*
 * The statements of a chunk.
 *
 * BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
 * LOCK TABLE ONLY "s"."t" IN ACCESS SHARE MODE           before the snapshot: it sees this shape
 * SELECT txid_current_snapshot(), shape, pages, storage  what it sees; is the shape as described?
 * SELECT … WHERE key > … ORDER BY key LIMIT n            each column as binary or text
 * COMMIT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "pg/wire.h"
#include "row/tuple.h"
#include "table.h"

void table_name_sql(struct out *sql, const struct table_description *d)
{
    pg_quote_identifier(sql, d->relation->schema);
    out_char(sql, '.');
    pg_quote_identifier(sql, d->relation->name);
}

static void add_columns(struct out *sql, const struct relation *relation)
{
    for (int i = 0; i < relation->column_count; i++) {
        out_string(sql, i ? "," : "");
        pg_quote_identifier(sql, relation->columns[i].name);
    }
}

/* Order and comparison by the same collation, that of the key's index. */
void table_key_sql(struct out *sql, const struct table_description *d)
{
    for (int k = 0; k < d->key_count; k++) {
        out_string(sql, k ? "," : "");
        out_string(sql, "r.");
        pg_quote_identifier(sql, d->relation->columns[d->key[k].column].name);
        if (d->key[k].collation) {
            out_format(sql, " COLLATE %s", d->key[k].collation);
        }
    }
}

static void add_bound(struct out *sql, const struct table_description *d, const char *operator,
                      const struct key * key)
{
    out_string(sql, " AND (");
    table_key_sql(sql, d);
    out_format(sql, ")%s(", operator);
    for (int k = 0; k < key->count; k++) {
        out_string(sql, k ? "," : "");
        pg_quote_literal(sql, key->columns[k].text, key->columns[k].len);
    }
    out_char(sql, ')');
}

/*
 * By place, rows are read by page. Those that the first snapshot did not see are changes, and
 * come with the stream: their transactions lie between that snapshot's xmax and now, or were
 * running then.
 */
static void add_pages(struct out *sql, const struct table *table, const struct backfill_task *task,
                      const struct key *after, int rows)
{
    uint64_t first = table_first_page(after);
    out_format(sql, " AND ctid>='(%" PRIu64 ",0)'::tid AND ctid<'(%" PRIu64 ",0)'::tid", first,
               first + table_chunk_pages(table, rows));
    out_format(sql,
               " AND NOT ((xmin::text::bigint-%" PRIu64 "+4294967296)%%4294967296<"
               "pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())-%" PRIu64
               " AND xmin::text::bigint>=3)",
               task->owes->xmax & UINT32_MAX, task->owes->xmax);
    for (size_t i = 0; i < task->owes->xip_count; i++) {
        out_format(sql, " AND xmin<>'%" PRIu64 "'", task->owes->xip[i] & UINT32_MAX);
    }
}

/* The shape as it is now, to be compared with what was described. */
static void add_shape(struct out *sql, const struct table *table)
{
    const struct table_description *d = table->description;
    struct out name, oid, publication;
    out_init(&name, 128);
    out_init(&oid, 128);
    out_init(&publication, 128);
    table_name_sql(&name, d);
    out_string(&oid, "pg_catalog.to_regclass(");
    pg_quote_literal(&oid, name.data, name.len);
    out_char(&oid, ')');
    pg_quote_literal(&publication, table->publication, strlen(table->publication));
    describe_shape_sql(sql, out_text(&oid), out_text(&publication), table->version);
    out_free(&publication);
    out_free(&name);
    out_free(&oid);
}

/* By place: how far the pages go, and whether they still hold what they held. */
static void add_place(struct out *sql, const struct table *table)
{
    char oid[16];
    if (!table->description->by_place) {
        out_string(sql, ",0,NULL");
        return;
    }
    snprintf(oid, sizeof oid, "%" PRIu32, table->description->relation->oid);
    out_char(sql, ',');
    describe_pages_sql(sql, oid);
    out_char(sql, ',');
    describe_storage_sql(sql, oid);
}

static void lock_statement(struct out *request, const struct table *table)
{
    const struct table_description *d = table->description;
    bool leaves = d->kind == 'p' && d->by_place; /* no place in them may change either */
    struct out sql;
    out_init(&sql, 256);
    out_string(&sql, leaves ? "LOCK TABLE " : "LOCK TABLE ONLY ");
    table_name_sql(&sql, d);
    out_string(&sql, " IN ACCESS SHARE MODE");
    wire_statement(request, out_text(&sql), NULL);
    out_free(&sql);
}

/* Planned once: that takes longer than to run it. */
static void snapshot_statement(struct out *request, const struct table *table)
{
    static const char name[] = "facts";
    struct out sql;
    if (!table->prepared) {
        out_init(&sql, 4096);
        out_string(&sql, "SELECT pg_catalog.txid_current_snapshot()::text,");
        add_shape(&sql, table);
        add_place(&sql, table);
        wire_prepare(request, name, out_text(&sql));
        out_free(&sql);
    }
    wire_execute(request, name, NULL);
}

static void add_order(struct out *sql, const struct table *table, const struct backfill_task *task,
                      const struct key *after, int rows)
{
    const struct table_description *d = table->description;
    if (after) {
        add_bound(sql, d, ">", after);
    }
    if (task->until) {
        add_bound(sql, d, "<=", task->until);
    }
    out_string(sql, " ORDER BY ");
    table_key_sql(sql, d);
    out_format(sql, " LIMIT %d", rows);
}

static void rows_statement(struct out *request, const struct table *table,
                           const struct backfill_task *task, const struct key *after, int rows,
                           uint32_t minimum_xid)
{
    const struct table_description *d = table->description;
    struct out sql;
    out_init(&sql, 4096);
    out_string(&sql, "SELECT ");
    add_columns(&sql, table->relation);
    out_string(&sql, d->kind == 'p' ? " FROM " : " FROM ONLY ");
    table_name_sql(&sql, d);
    out_format(&sql, " AS r WHERE (%s)", d->row_filter ? d->row_filter : "true");
    if (table->filter) {
        out_format(&sql, " AND (%s\n)", table->filter); /* it may end in a comment */
    }
    if (minimum_xid) {
        out_format(&sql, " AND (xmin::text::bigint-%" PRIu32 "+4294967296)%%4294967296<2147483648",
                   minimum_xid);
    }
    if (d->by_place) {
        add_pages(&sql, table, task, after, rows);
    } else {
        add_order(&sql, table, task, after, rows);
    }
    wire_statement(request, out_text(&sql), table->relation);
    out_free(&sql);
}

void table_chunk_statements(struct out *request, const struct table *table,
                            const struct backfill_task *task, const struct key *after, int rows,
                            uint32_t minimum_xid)
{
    wire_statement(request, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL);
    lock_statement(request, table);
    snapshot_statement(request, table);
    rows_statement(request, table, task, after, rows, minimum_xid);
    wire_statement(request, "COMMIT", NULL);
}

/* "(page,0)" */
uint64_t table_first_page(const struct key *after)
{
    return after ? strtoull(after->columns[0].text + 1, NULL, 10) : 0;
}

uint64_t table_chunk_pages(const struct table *table, int rows)
{
    const struct table_description *d = table->description;
    double per_page = 100;
    if (d->pages > 0 && d->row_estimate > 0) {
        per_page = (double)d->row_estimate / (double)d->pages;
    } else if (d->pages > 0 && d->kind == 'p') {
        per_page *= (double)d->bytes / PAGE_BYTES / (double)d->pages; /* a page of each partition */
    }
    double pages = rows / (per_page < 1 ? 1 : per_page);
    return pages < 1 ? 1 : (uint64_t)pages;
}

struct key *table_page_key(uint64_t page)
{
    struct key *key = key_new(1);
    char *text = mem_format("(%" PRIu64 ",0)", page);
    key_set(key, 0, text, strlen(text));
    free(text);
    return key;
}

static void set_integer(struct key *key, int k, const struct value *value)
{
    int64_t number = value->len == 2   ? (int16_t)load16(value->data)
                     : value->len == 4 ? (int32_t)load32(value->data)
                                       : (int64_t)load64(value->data);
    char *text = mem_format("%" PRId64, number);
    key_set(key, k, text, strlen(text));
    free(text);
}

static void set_uuid(struct key *key, int k, const struct value *value)
{
    char text[37], *p = text;
    for (int i = 0; i < 16; i++) {
        p += snprintf(p, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                      (uint8_t)value->data[i]);
    }
    key_set(key, k, text, 36);
}

/* Of the binary forms that are not text: how long they are; 0: of any length. */
static uint32_t fixed_length(uint32_t oid)
{
    switch (oid) {
    case OID_BOOL: return 1;
    case OID_INT2: return 2;
    case OID_INT4:
    case OID_OID: return 4;
    case OID_INT8: return 8;
    case OID_UUID: return 16;
    default: return 0;
    }
}

/* False if the value is not of its type's length. */
static bool set_key(struct key *key, int k, const struct column *column, const struct value *value)
{
    uint32_t oid = column->text ? OID_TEXT : column->type->oid;
    if (fixed_length(oid) && fixed_length(oid) != value->len) {
        return false;
    }
    switch (oid) {
    case OID_INT2:
    case OID_INT4:
    case OID_INT8: set_integer(key, k, value); break;
    case OID_OID: {
        char *text = mem_format("%" PRIu32, load32(value->data));
        key_set(key, k, text, strlen(text));
        free(text);
        break;
    }
    case OID_BOOL: key_set(key, k, *value->data ? "t" : "f", 1); break;
    case OID_UUID: set_uuid(key, k, value); break;
    default: key_set(key, k, value->data, value->len);
    }
    return true;
}

struct key *table_row_key(const struct table *table, const uint8_t *tuple)
{
    const struct table_description *d = table->description;
    struct key *key = key_new(d->key_count);
    const uint8_t *next = tuple_first(tuple);
    bool good = true;
    for (int i = 0; i < table->relation->column_count; i++) {
        struct value value;
        next = tuple_row_next(next, &value);
        for (int k = 0; k < d->key_count; k++) {
            if (d->key[k].column == i && value.kind != VALUE_NULL) {
                good &= set_key(key, k, &table->relation->columns[i], &value);
            }
        }
    }
    if (!good) {
        key_free(&key);
    }
    return key;
}
