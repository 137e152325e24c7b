/*
 * A table that others inherit from is captured with its own rows alone: the rows of its children (a
 * hypertable's chunks, for example) come under their own names. A foreign table that is a partition
 * sends no changes. A row filter leaves rows out. The server runs functions when it plans to read a
 * table. And a capture that counts as a standby holds up commits.
 */
#include "pg/remarks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalogs.h"
#include "rows.h"
#include "stream_lists.h"

/* The tables that are captured, or would be shown by discover. */
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

/* Children that are wanted themselves do not count. */
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
    "SELECT w.relkind,"
    " w.name,"
    " count(*),"
    " array_to_string((array_agg(b.name ORDER BY b.name))[1:5], ', ')"
    " FROM wanted w JOIN below b ON b.root = w.oid GROUP BY 1, 2 ORDER BY 2";

enum { CHILDREN_KIND, CHILDREN_TABLE, CHILDREN_COUNT, CHILDREN_NAMES };

static void children_write(struct out *sql, const char *offered, int version)
{
    (void)version;
    out_format(sql, children_sql, offered);
}

static char *children_line(const struct pg_rows *rows, int row)
{
    bool root = *rows_text(rows, row, CHILDREN_KIND) == 'p';
    return mem_format(root
                          ? "table %s has foreign tables as partitions, whose changes are not "
                            "replicated: %s%s"
                          : "rows of tables that inherit from %s are not captured with it: capture "
                            "these by their own names (%s%s)",
                      rows_text(rows, row, CHILDREN_TABLE), rows_text(rows, row, CHILDREN_NAMES),
                      rows_int(rows, row, CHILDREN_COUNT) > 5 ? " and others" : "");
}

/* From version 15 on. The server allows only built-in functions in it. */
static const char filters_sql[] =
    "WITH %s SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
    " quote_ident(p.pubname),"
    " quote_ident(pg_get_userbyid(p.pubowner)),"
    " pg_get_expr(g.qual, g.relid)"
    " FROM pg_publication p CROSS JOIN published g"
    " JOIN pg_class c ON c.oid = g.relid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE p.pubname = $4 AND g.qual IS NOT NULL AND CASE WHEN $1::text[] IS NULL"
    " THEN $3::text[] = '{}' OR n.nspname = ANY ($3::text[])"
    " ELSE EXISTS (SELECT FROM unnest($1::text[], $2::text[]) u(s, t)"
    "  WHERE u.s = n.nspname AND u.t = c.relname) END ORDER BY 1";

enum { FILTER_TABLE, FILTER_PUBLICATION, FILTER_OWNER, FILTER_CONDITION };

static void filters_write(struct out *sql, const char *offered, int version)
{
    struct out published;
    (void)offered;
    out_init(&published, 2048);
    published_sql(&published, "$4", version);
    out_format(sql, filters_sql, out_text(&published));
    out_free(&published);
}

static char *filter_line(const struct pg_rows *rows, int row)
{
    return mem_format("the publication %s, which is of user %s, leaves out rows of table %s: only "
                      "those are captured for which %s",
                      rows_text(rows, row, FILTER_PUBLICATION), rows_text(rows, row, FILTER_OWNER),
                      rows_text(rows, row, FILTER_TABLE), rows_text(rows, row, FILTER_CONDITION));
}

/*
 * When the server plans a query it works out what is constant in the expressions of a table's
 * indexes, statistics, checks and partition key, so that functions there run with the reader's
 * rights.
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
    " f.oid::regprocedure,"
    " quote_ident(o.rolname),"
    " quote_ident(current_user)"
    " FROM wanted w JOIN objects x ON x.root = w.oid"
    " JOIN pg_depend d ON d.classid = x.class AND d.objid = x.oid"
    " LEFT JOIN pg_operator p ON d.refclassid = 'pg_operator'::regclass AND p.oid = d.refobjid"
    " JOIN pg_proc f ON f.oid ="
    "  CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid ELSE p.oprcode END"
    " JOIN pg_roles o ON o.oid = f.proowner"
    " WHERE NOT o.rolsuper AND o.rolname <> current_user"
    " GROUP BY f.oid, o.rolname ORDER BY 2";

enum { FUNCTION_TABLES, FUNCTION_NAME, FUNCTION_OWNER, FUNCTION_READER };

static void functions_write(struct out *sql, const char *offered, int version)
{
    (void)version;
    out_format(sql, functions_sql, offered);
}

static char *function_line(const struct pg_rows *rows, int row)
{
    const char *name = rows_text(rows, row, FUNCTION_NAME);
    const char *reader = rows_text(rows, row, FUNCTION_READER);
    return mem_format(
        "function %s of user %s is called by an index, statistics, a check or the "
        "partition key of a table (%s): the server may run it with the rights of user "
        "%s when the table is read: see that it does what you expect, and run ALTER "
        "FUNCTION %s OWNER TO %s",
        name, rows_text(rows, row, FUNCTION_OWNER), rows_text(rows, row, FUNCTION_TABLES), reader,
        name, reader);
}

/* The sender of a logical slot counts as a standby, by its application name, except at a standby. */
static const char synchronous_sql[] =
    "SELECT current_setting('synchronous_standby_names')"
    " WHERE current_setting('synchronous_standby_names') ~ '[*]' AND NOT pg_is_in_recovery()";

enum { SYNCHRONOUS_NAMES };

static void synchronous_write(struct out *sql, const char *offered, int version)
{
    (void)offered;
    (void)version;
    out_string(sql, synchronous_sql);
}

static char *synchronous_line(const struct pg_rows *rows, int row)
{
    return mem_format(
        "synchronous_standby_names is '%s', whose * counts this capture as a standby: "
        "each COMMIT may wait until the consumer of the capture has acknowledged it: "
        "name the standbys instead, with ALTER SYSTEM SET synchronous_standby_names "
        "and SELECT pg_reload_conf()",
        rows_text(rows, row, SYNCHRONOUS_NAMES));
}

/* In the order in which they are asked. */
static const struct remark {
    const char *about;
    void (*write)(struct out *sql, const char *offered, int version); /* offered_kind_sql */
    char *(*line)(const struct pg_rows *, int row);                   /* owned */
    int params, since; /* how many of query()'s; and the server's version */
} remarks[] = {
    {"tables that inherit from others", children_write, children_line, 3, 0},
    {"functions of other users", functions_write, function_line, 3, 0},
    {"row filters", filters_write, filter_line, 4, 150000},
    {"synchronous standbys", synchronous_write, synchronous_line, 0, 0},
};

/* $1 and $2: the streams, or NULL; $3: the schemas that discover shows; $4: the publication. */
static struct pg_rows *query(struct pg *pg, const struct config *config,
                             const struct catalog *catalog, const struct remark *remark,
                             struct err *err)
{
    struct stream_lists lists;
    struct out sql, offered;
    out_init(&sql, 2048);
    out_init(&offered, 64);
    stream_lists_open(&lists);
    stream_lists_add_catalog(&lists, catalog);
    stream_lists_close(&lists);
    offered_schemas(&offered, config);
    int version = pg_server_version(pg);
    remark->write(&sql, offered_kind_sql(config, version), version);
    const char *params[] = {catalog ? out_text(&lists.schemas) : NULL, out_text(&lists.tables),
                            out_text(&offered), config->publication};
    struct pg_rows *rows = pg_query(pg, out_text(&sql), remark->params, params, err);
    stream_lists_free(&lists);
    out_free(&sql);
    out_free(&offered);
    return rows;
}

/* A table that another session has locked keeps neither a check nor a capture waiting: some
 * functions in these queries lock the tables that they are about. */
#define BEGIN_SQL "BEGIN READ ONLY; SET LOCAL lock_timeout='1s'"

static bool was_locked(const struct pg *pg)
{
    return !strcmp(pg_sqlstate(pg), "55P03");
}

static bool visit_each(struct pg *pg, const struct config *config, const struct catalog *catalog,
                       const struct remark *remark, void (*visit)(void *context, const char *line),
                       void *context, struct err *err)
{
    struct pg_rows *rows = query(pg, config, catalog, remark, err);
    for (int row = 0; rows && row < pg_rows_count(rows); row++) {
        char *line = remark->line(rows, row);
        visit(context, line);
        free(line);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    if (!ok && was_locked(pg)) {
        char *line = mem_format("%s were not looked for: a table is locked", remark->about);
        visit(context, line);
        free(line);
        ok = pg_exec(pg, "ROLLBACK; " BEGIN_SQL, err);
    }
    return ok;
}

bool tables_remark(struct pg *pg, const struct config *config, const struct catalog *catalog,
                   void (*visit)(void *context, const char *line), void *context, struct err *err)
{
    struct err ignored;
    bool ok = pg_exec(pg, BEGIN_SQL, err);
    for (size_t i = 0; ok && i < sizeof remarks / sizeof *remarks; i++) {
        ok = pg_server_version(pg) < remarks[i].since ||
             visit_each(pg, config, catalog, &remarks[i], visit, context, err);
    }
    return pg_exec(pg, ok ? "COMMIT" : "ROLLBACK", ok ? err : &ignored) && ok;
}
