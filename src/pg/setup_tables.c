#include "setup_tables.h"

#include <string.h>

#include "catalogs.h"
#include "rows.h"

static const char tables_sql[] =
    "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'"
    "  AND n.nspname <> 'information_schema' AND NOT (n.nspname = $1 AND c.relname = $2)"
    "  AND ($3::text[] = '{}' OR n.nspname = ANY ($3::text[])) AND %s AND %s ORDER BY 1, 2";

enum { COL_SCHEMA, COL_TABLE };

static struct pg_rows *query(struct pg *pg, const struct config *config, struct err *err)
{
    struct out sql, schemas, publication, publishable;
    int version = pg_server_version(pg);
    out_init(&sql, sizeof tables_sql);
    out_init(&publication, 64);
    out_init(&publishable, 1024);
    out_init(&schemas, 64);
    pg_quote_literal(&publication, config->publication, strlen(config->publication));
    publishable_tree_sql(&publishable, out_text(&publication), version);
    offered_schemas(&schemas, config);
    out_format(&sql, tables_sql, offered_kind_sql(config, version), out_text(&publishable));
    const char *params[] = {config->watermarks_schema, config->watermarks_table,
                            out_text(&schemas)};
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 3, params, err);
    out_free(&sql);
    out_free(&schemas);
    out_free(&publication);
    out_free(&publishable);
    return rows;
}

struct catalog *setup_tables(struct pg *pg, const struct config *config, struct err *err)
{
    struct pg_rows *rows = query(pg, config, err);
    if (!rows) {
        return NULL;
    }
    struct catalog *catalog = mem_zero(sizeof *catalog);
    catalog->count = catalog->room = pg_rows_count(rows);
    catalog->streams = mem_zero((size_t)(catalog->count + 1) * sizeof *catalog->streams);
    for (int i = 0; i < catalog->count; i++) {
        catalog->streams[i].schema = rows_copy(rows, i, COL_SCHEMA);
        catalog->streams[i].table = rows_copy(rows, i, COL_TABLE);
    }
    pg_rows_free(&rows);
    return catalog;
}
