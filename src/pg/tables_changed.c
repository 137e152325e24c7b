/* Looking at what was described again: one query, a row for each table that is not as it was. */
#include "catalogs.h"
#include "pg/describe.h"
#include "rows.h"

static const char changed_sql[] =
    "WITH now AS ("
    " SELECT n.nspname, c.relname, c.oid FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "), published AS ("
    " SELECT schemaname, tablename FROM pg_catalog.pg_publication_tables WHERE pubname = $4"
    ") "
    "SELECT w.n - 1, now.oid IS NULL, now.oid <> w.oid "
    "FROM ROWS FROM (unnest($1::text[]), unnest($2::text[]), unnest($3::oid[]))"
    " WITH ORDINALITY w(s, t, oid, n)"
    " LEFT JOIN now ON now.nspname = w.s AND now.relname = w.t"
    " LEFT JOIN published p ON p.schemaname = w.s AND p.tablename = w.t "
    "WHERE now.oid IS DISTINCT FROM w.oid OR p.tablename IS NULL";

static struct pg_rows *query(struct pg *pg, const struct config *config,
                             const struct catalog *catalog, const struct table_description *tables,
                             struct err *err)
{
    struct out schemas, names, oids;
    out_init(&schemas, 256);
    out_init(&names, 256);
    out_init(&oids, 256);
    array_open(&schemas);
    array_open(&names);
    array_open(&oids);
    for (int i = 0; i < catalog->count; i++) {
        array_add(&schemas, catalog->streams[i].schema);
        array_add(&names, catalog->streams[i].table);
        out_format(&oids, i ? ",%u" : "%u", tables[i].relation->oid);
    }
    array_close(&schemas);
    array_close(&names);
    array_close(&oids);
    const char *params[] = {out_text(&schemas), out_text(&names), out_text(&oids),
                            config->publication};
    struct pg_rows *rows = pg_query(pg, changed_sql, 4, params, err);
    out_free(&schemas);
    out_free(&names);
    out_free(&oids);
    return rows;
}

bool tables_changed(struct pg *pg, const struct config *config, const struct catalog *catalog,
                    const struct table_description *tables,
                    void (*visit)(void *, int stream, enum table_change), void *context,
                    struct err *err)
{
    struct pg_rows *rows = query(pg, config, catalog, tables, err);
    for (int row = 0; rows && row < pg_rows_count(rows); row++) {
        int stream = rows_int(rows, row, 0);
        const struct table_description *table = &tables[stream];
        if (rows_bool(rows, row, 1)) {
            visit(context, stream, TABLE_GONE);
        } else if (rows_bool(rows, row, 2)) {
            visit(context, stream, TABLE_REPLACED);
        } else if (table->kind != 'p' || table->via_root) {
            visit(context, stream, TABLE_UNPUBLISHED);
        }
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}
