/*
 * A table that others inherit from has its own rows alone: those of its children, as a hypertable's
 * are, come under their names. A foreign table that is a partition sends no changes. A row filter
 * leaves out what it does not let through. And the server runs functions when it plans to read a table.
 */
#include "pg/remarks.h"

#include <stdlib.h>

#include "catalogs.h"
#include "rows.h"

/* What is captured, or would be offered. */
#define WANTED                                                                                     \
    "WITH RECURSIVE wanted AS ("                                                                   \
    " SELECT c.oid, c.relkind, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name"    \
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"                               \
    " WHERE CASE WHEN $1::text[] IS NULL THEN %s AND c.relpersistence = 'p' AND n.nspname !~ "     \
    "'^pg_'"                                                                                       \
    "   AND n.nspname <> 'information_schema'"                                                     \
    "   AND ($3::text[] = '{}' OR n.nspname = ANY ($3::text[]))"                                   \
    "  ELSE EXISTS (SELECT FROM unnest($1::text[], $2::text[]) u(s, t)"                            \
    "   WHERE u.s = n.nspname AND u.t = c.relname) END"                                            \
    ")"

/* Children that are wanted themselves count not. */
static const char children_sql[] = WANTED
    ", tree(root, oid) AS ("
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

/*
 * When the server plans a query it works out what is constant in the expressions of a table's indexes,
 * statistics, checks and partition key, so that functions there run with the rights of who reads.
 */
static const char functions_sql[] = WANTED
    ", tree(root, oid) AS ("
    " SELECT oid, oid FROM wanted"
    " UNION SELECT t.root, h.inhrelid FROM tree t JOIN pg_class p ON p.oid = t.oid"
    "  JOIN pg_inherits h ON h.inhparent = t.oid WHERE p.relkind = 'p'"
    "), objects AS ("
    " SELECT t.root, 'pg_class'::regclass AS class, i.indexrelid AS oid"
    "  FROM tree t JOIN pg_index i ON i.indrelid = t.oid"
    " UNION ALL SELECT root, 'pg_class', oid FROM tree"
    " UNION ALL SELECT t.root, 'pg_statistic_ext', s.oid"
    "  FROM tree t JOIN pg_statistic_ext s ON s.stxrelid = t.oid"
    " UNION ALL SELECT t.root, 'pg_constraint', k.oid"
    "  FROM tree t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'c'"
    ") "
    "SELECT array_to_string((array_agg(DISTINCT w.name ORDER BY w.name))[1:5], ', ')"
    "  || CASE WHEN count(DISTINCT w.name) > 5 THEN ' and others' ELSE '' END,"
    " f.oid::regprocedure, quote_ident(o.rolname), quote_ident(current_user)"
    " FROM wanted w JOIN objects x ON x.root = w.oid"
    " JOIN pg_depend d ON d.classid = x.class AND d.objid = x.oid"
    " LEFT JOIN pg_operator p ON d.refclassid = 'pg_operator'::regclass AND p.oid = d.refobjid"
    " JOIN pg_proc f ON f.oid ="
    "  CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid ELSE p.oprcode END"
    " JOIN pg_roles o ON o.oid = f.proowner"
    " WHERE NOT o.rolsuper AND o.rolname <> current_user"
    " GROUP BY f.oid, o.rolname ORDER BY 2";

enum remark { REMARK_CHILDREN, REMARK_FUNCTIONS, REMARK_FILTERS };

static void write_sql(struct out *sql, enum remark remark, const char *offered)
{
    switch (remark) {
    case REMARK_CHILDREN: out_format(sql, children_sql, offered); return;
    case REMARK_FUNCTIONS: out_format(sql, functions_sql, offered); return;
    case REMARK_FILTERS: out_string(sql, filters_sql); return;
    }
}

static struct pg_rows *query(struct pg *pg, const struct config *config,
                             const struct catalog *catalog, enum remark remark, struct err *err)
{
    struct out sql, schemas, tables, offered;
    out_init(&sql, 2048);
    out_init(&schemas, 64);
    out_init(&tables, 64);
    out_init(&offered, 64);
    pg_array_open(&schemas);
    pg_array_open(&tables);
    pg_array_open(&offered);
    for (int i = 0; catalog && i < catalog->count; i++) {
        pg_array_add(&schemas, catalog->streams[i].schema);
        pg_array_add(&tables, catalog->streams[i].table);
    }
    for (char *const *schema = config->discover_schemas; schema && *schema; schema++) {
        pg_array_add(&offered, *schema);
    }
    pg_array_close(&schemas);
    pg_array_close(&tables);
    pg_array_close(&offered);
    write_sql(&sql, remark, offered_kind_sql(config, pg_server_version(pg)));
    const char *params[] = {catalog ? out_text(&schemas) : NULL, out_text(&tables),
                            out_text(&offered), config->publication};
    struct pg_rows *rows =
        pg_query(pg, out_text(&sql), remark == REMARK_FILTERS ? 4 : 3, params, err);
    out_free(&sql);
    out_free(&schemas);
    out_free(&tables);
    out_free(&offered);
    return rows;
}

static char *children_line(const struct pg_rows *rows, int row)
{
    bool root = *rows_text(rows, row, 0) == 'p', more = rows_int(rows, row, 2) > 5;
    return mem_format(root
                          ? "table %s has foreign tables as partitions, whose changes are not "
                            "replicated: %s%s"
                          : "rows of tables that inherit from %s are not captured with it: capture "
                            "these by their own names (%s%s)",
                      rows_text(rows, row, 1), rows_text(rows, row, 3), more ? " and others" : "");
}

static char *line_of(const struct pg_rows *rows, int row, enum remark remark)
{
    const char *first = rows_text(rows, row, 0), *second = rows_text(rows, row, 1);
    const char *third = rows_text(rows, row, 2), *fourth = rows_text(rows, row, 3);
    switch (remark) {
    case REMARK_CHILDREN: return children_line(rows, row);
    case REMARK_FUNCTIONS:
        return mem_format("function %s of user %s is called by an index, statistics, a check or "
                          "the partition key of a table (%s): the server may run it with the "
                          "rights of user %s when the table is read: see that it does what you "
                          "expect, and run ALTER FUNCTION %s OWNER TO %s",
                          second, third, first, fourth, second, fourth);
    case REMARK_FILTERS:
        return mem_format("the publication %s, which is of user %s, leaves out rows of table %s: "
                          "only those are captured for which %s",
                          second, third, first, fourth);
    }
    return NULL;
}

bool tables_remark(struct pg *pg, const struct config *config, const struct catalog *catalog,
                   void (*visit)(void *context, const char *line), void *context, struct err *err)
{
    bool ok = true;
    int last = pg_server_version(pg) >= 150000 ? REMARK_FILTERS : REMARK_FUNCTIONS;
    for (int remark = REMARK_CHILDREN; ok && remark <= last; remark++) {
        struct pg_rows *rows = query(pg, config, catalog, (enum remark)remark, err);
        for (int row = 0; rows && row < pg_rows_count(rows); row++) {
            char *line = line_of(rows, row, (enum remark)remark);
            visit(context, line);
            free(line);
        }
        ok = rows != NULL;
        pg_rows_free(&rows);
    }
    return ok;
}
