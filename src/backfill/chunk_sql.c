/*
 * The statements of a chunk.
 *
 *     BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
 *     LOCK TABLE ONLY "s"."t" IN ACCESS SHARE MODE   before the snapshot: it sees this shape
 *     SELECT snapshot, position, pages, terms ...    what it sees; is the table as described?
 *     SELECT ... WHERE key > ... ORDER BY key LIMIT n
 *     COMMIT
 *
 * In ctid order all chunks are read in one snapshot, which is older than the lock. Whether the
 * table has changed since, the facts of a newer snapshot say, after the rows:
 *
 *     BEGIN ...; LOCK TABLE ...; SET TRANSACTION SNAPSHOT '...'; SELECT snapshot; SELECT ...; COMMIT
 *     BEGIN; LOCK TABLE ...; SELECT snapshot, position ...; COMMIT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "order.h"
#include "pg/terms.h"
#include "pg/wire.h"
#include "row/tuple.h"
#include "table.h"

static const char facts_name[] = "facts";

void table_name_sql(struct out *sql, const struct table_description *d)
{
    pg_quote_identifier(sql, d->relation->schema);
    out_char(sql, '.');
    pg_quote_identifier(sql, d->relation->name);
}

/* A column that is not wanted keeps its place, but is not read: fetching TOAST values is costly. */
static void add_columns(struct out *sql, const struct relation *relation)
{
    for (int i = 0; i < relation->column_count; i++) {
        out_string(sql, i ? "," : "");
        if (relation->columns[i].unwanted) {
            out_string(sql, "NULL");
        } else {
            pg_quote_identifier(sql, relation->columns[i].name);
        }
    }
}

static void lock_statement(struct out *request, const struct table *table)
{
    const struct table_description *d = table->description;
    struct out sql;
    out_init(&sql, 256);
    bool leaves = d->kind == 'p' && table->order->locks_leaves;
    out_string(&sql, leaves ? "LOCK TABLE " : "LOCK TABLE ONLY ");
    table_name_sql(&sql, d);
    out_string(&sql, " IN ACCESS SHARE MODE");
    wire_statement(request, out_text(&sql), NULL);
    out_free(&sql);
}

/*
 * The table is locked before a snapshot is taken: pages are counted as they are, whatever the
 * snapshot sees, and terms are as it sees them. Both are of the same file, since the lock keeps it
 * from being replaced.
 */
static void begin_statements(struct out *request, const struct table *table)
{
    wire_statement(request, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL);
    lock_statement(request, table);
}

static void import_statement(struct out *request, const struct backfill_task *task)
{
    struct out sql;
    out_init(&sql, 128);
    out_string(&sql, "SET TRANSACTION SNAPSHOT ");
    pg_quote_literal(&sql, task->base->exported, strlen(task->base->exported));
    wire_statement(request, out_text(&sql), NULL);
    wire_statement(request, "SELECT pg_catalog.txid_current_snapshot()::text", NULL);
    out_free(&sql);
}

/* Names of tables are $1, the publication is $2, and names of their keys' columns are $3. */
static void prepare_facts(struct out *request, const struct table *table)
{
    struct out sql;
    out_init(&sql, 16 * 1024);
    out_format(&sql, "SELECT %s,%s,", table->snapshot_sql, table->seen_sql);
    table->order->pages_sql(&sql, "w.oid");
    out_char(&sql, ',');
    terms_sql(&sql, "w.oid", "$2", "w.key", table->version);
    out_string(&sql, " FROM (SELECT u.n,pg_catalog.to_regclass(u.name) AS oid,"
                     "u.key::text[] AS key FROM unnest($1::text[],$3::text[])"
                     " WITH ORDINALITY u(name,key,n) OFFSET 0) w CROSS JOIN ");
    terms_from_sql(&sql, "w.oid", "$2", "w.key", table->version);
    out_string(&sql, " ORDER BY w.n");
    wire_prepare(request, facts_name, out_text(&sql));
    out_free(&sql);
}

static void add_names(struct out *names, struct out *keys, const struct table_description *d)
{
    struct out name;
    char **key = mem_zero((size_t)(d->key_count + 1) * sizeof *key);
    for (int k = 0; k < d->key_count; k++) {
        key[k] = (char *)d->relation->columns[d->key[k].column].name;
    }
    out_init(&name, 128);
    table_name_sql(&name, d);
    pg_array_add(names, out_text(&name));
    pg_array_add_names(keys, key);
    out_free(&name);
    free((void *)key);
}

/* Planned once a session: that takes longer than to run it. */
void table_facts_statement(struct out *request, const struct table *table,
                           const struct backfill_task *const *tasks, int count)
{
    struct out names, keys;
    if (table->prepared != table->order) {
        prepare_facts(request, table);
    }
    out_init(&names, 128);
    out_init(&keys, 128);
    pg_array_open(&names);
    pg_array_open(&keys);
    for (int i = 0; i < count; i++) {
        add_names(&names, &keys, tasks[i]->table);
    }
    pg_array_close(&names);
    pg_array_close(&keys);
    const char *const params[] = {out_text(&names), table->publication, out_text(&keys)};
    wire_execute(request, facts_name, params, 3, NULL);
    out_free(&names);
    out_free(&keys);
}

/*
 * The row is not older than the transaction of that id: both ages count back from the newest id,
 * through all 2^32 of them. Ids below 3 are of no transaction, and older than any.
 */
static void add_minimum(struct out *sql, uint32_t minimum_xid)
{
    static const char age[] = "(pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())"
                              "-%s)&4294967295";
    out_string(sql, " AND xmin::text::bigint>=3 AND (");
    out_format(sql, age, "xmin::text::bigint");
    out_string(sql, ")<=(");
    char minimum[16];
    snprintf(minimum, sizeof minimum, "%" PRIu32, minimum_xid);
    out_format(sql, age, minimum);
    out_char(sql, ')');
}

void table_rows_statement(struct out *request, const struct table *table,
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
        add_minimum(&sql, minimum_xid);
    }
    table->order->rows_sql(&sql, table, task, after, rows);
    wire_statement(request, out_text(&sql), table->relation);
    out_free(&sql);
}

void table_chunk_statements(struct out *request, const struct table *table,
                            const struct backfill_task *task, const struct key *after, int rows,
                            uint32_t minimum_xid)
{
    begin_statements(request, table);
    if (task_imports(task)) {
        import_statement(request, task);
    } else {
        table_facts_statement(request, table, &task, 1);
    }
    table_rows_statement(request, table, task, after, rows, minimum_xid);
    wire_statement(request, "COMMIT", NULL);
    if (task_imports(task)) {
        begin_statements(request, table);
        table_facts_statement(request, table, &task, 1);
        wire_statement(request, "COMMIT", NULL);
    }
}
