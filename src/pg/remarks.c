/*
 * A table that others inherit from has its own rows alone: those of its children, as a hypertable's
 * are, come under their names. A foreign table that is a partition sends no changes. And a row filter
 * leaves out what it does not let through.
 */
#include "pg/remarks.h"

#include <stdlib.h>

#include "catalogs.h"
#include "rows.h"

/* `wanted`: what is captured, or would be offered. Children that are wanted themselves count not. */
static const char remarks_sql[] =
    "WITH RECURSIVE wanted AS ("
    " SELECT c.oid, c.relkind, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE CASE WHEN $1::text[] IS NULL THEN %s AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'"
    "   AND n.nspname <> 'information_schema'"
    "   AND ($3::text[] = '{}' OR n.nspname = ANY ($3::text[]))"
    "  ELSE EXISTS (SELECT FROM unnest($1::text[], $2::text[]) u(s, t)"
    "   WHERE u.s = n.nspname AND u.t = c.relname) END"
    "), tree(root, oid) AS ("
    " SELECT w.oid, h.inhrelid FROM wanted w JOIN pg_inherits h ON h.inhparent = w.oid"
    " UNION SELECT t.root, h.inhrelid FROM tree t JOIN pg_inherits h ON h.inhparent = t.oid"
    "), below AS ("
    " SELECT t.root, c.relkind, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name"
    " FROM tree t JOIN wanted w ON w.oid = t.root JOIN pg_class c ON c.oid = t.oid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE CASE WHEN w.relkind = 'p' THEN c.relkind = 'f'"
    "  ELSE c.relkind = 'r' AND pg_relation_size(c.oid) > 0"
    "   AND ($1::text[] IS NULL OR c.oid NOT IN (SELECT oid FROM wanted)) END"
    ") "
    "SELECT w.relkind, w.name, count(*), array_to_string((array_agg(b.name ORDER BY b.name))[1:5],"
    " ', ') FROM wanted w JOIN below b ON b.root = w.oid GROUP BY 1, 2 ORDER BY 2";

/* From version 15 on. What it calls is the server's own: the server allows nothing else. */
static const char filters_sql[] =
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(p.pubname),"
    " quote_ident(pg_get_userbyid(p.pubowner)), pg_get_expr(g.qual, g.relid)"
    " FROM pg_publication p CROSS JOIN LATERAL pg_get_publication_tables(p.pubname::text) g"
    " JOIN pg_class c ON c.oid = g.relid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE p.pubname = $4 AND g.qual IS NOT NULL AND CASE WHEN $1::text[] IS NULL"
    " THEN $3::text[] = '{}' OR n.nspname = ANY ($3::text[])"
    " ELSE EXISTS (SELECT FROM unnest($1::text[], $2::text[]) u(s, t)"
    "  WHERE u.s = n.nspname AND u.t = c.relname) END ORDER BY 1";

static struct pg_rows *query(struct pg *pg, const struct config *config,
                             const struct catalog *catalog, bool filters, struct err *err)
{
    struct out sql, schemas, tables, offered;
    out_init(&sql, sizeof remarks_sql);
    out_init(&schemas, 64);
    out_init(&tables, 64);
    out_init(&offered, 64);
    array_open(&schemas);
    array_open(&tables);
    array_open(&offered);
    for (int i = 0; catalog && i < catalog->count; i++) {
        array_add(&schemas, catalog->streams[i].schema);
        array_add(&tables, catalog->streams[i].table);
    }
    for (char *const *schema = config->discover_schemas; schema && *schema; schema++) {
        array_add(&offered, *schema);
    }
    array_close(&schemas);
    array_close(&tables);
    array_close(&offered);
    out_format(&sql, remarks_sql, offered_kind_sql(config, pg_server_version(pg)));
    const char *params[] = {catalog ? out_text(&schemas) : NULL, out_text(&tables),
                            out_text(&offered), config->publication};
    struct pg_rows *rows =
        pg_query(pg, filters ? filters_sql : out_text(&sql), filters ? 4 : 3, params, err);
    out_free(&sql);
    out_free(&schemas);
    out_free(&tables);
    out_free(&offered);
    return rows;
}

static char *line_of(const struct pg_rows *rows, int row)
{
    bool root = *rows_text(rows, row, 0) == 'p', more = rows_int(rows, row, 2) > 5;
    return mem_format(root
                          ? "table %s has foreign tables as partitions, whose changes are not "
                            "replicated: %s%s"
                          : "rows of tables that inherit from %s are not captured with it: capture "
                            "these by their own names (%s%s)",
                      rows_text(rows, row, 1), rows_text(rows, row, 3), more ? " and others" : "");
}

static char *filter_line_of(const struct pg_rows *rows, int row)
{
    return mem_format("the publication %s, which is of user %s, leaves out rows of table %s: only "
                      "those are captured for which %s",
                      rows_text(rows, row, 1), rows_text(rows, row, 2), rows_text(rows, row, 0),
                      rows_text(rows, row, 3));
}

bool tables_remark(struct pg *pg, const struct config *config, const struct catalog *catalog,
                   void (*visit)(void *context, const char *line), void *context, struct err *err)
{
    bool ok = true;
    for (int filters = 0; ok && filters <= (pg_server_version(pg) >= 150000); filters++) {
        struct pg_rows *rows = query(pg, config, catalog, filters, err);
        for (int row = 0; rows && row < pg_rows_count(rows); row++) {
            char *line = filters ? filter_line_of(rows, row) : line_of(rows, row);
            visit(context, line);
            free(line);
        }
        ok = rows != NULL;
        pg_rows_free(&rows);
    }
    return ok;
}
