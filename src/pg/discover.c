/* One query over the catalogs, read through a cursor; its rows are columns, gathered into tables.
 */
#include "pg/discover.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "catalogs.h"
#include "discover_filter.h"
#include "rows.h"

enum { KEY_COLUMNS = 32 }; /* the most that an index has (INDEX_MAX_KEYS), by far */

static const char tables_sql[] =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    "SELECT set_config(name, CASE name WHEN 'jit' THEN 'off' ELSE '1' END, true)"
    " FROM pg_settings WHERE name IN ('jit', 'cursor_tuple_fraction');"
    "DECLARE discovered NO SCROLL CURSOR FOR "
    "WITH keys AS (%s), key_columns AS ("
    " SELECT k.indrelid, u.attnum, u.position, k.indisprimary FROM keys k"
    " CROSS JOIN unnest(k.indkey) WITH ORDINALITY u(attnum, position)"
    " WHERE u.position <= k.width), %s "
    "SELECT c.oid,"
    " n.nspname,"
    " c.relname,"
    " td.description,"
    " a.attname,"
    " a.atttypid,"
    " a.atttypmod,"
    " NOT %s,"
    " cd.description,"
    " k.position,"
    " a.attndims,"
    " k.indisprimary,"
    " format_type(a.atttypid, a.atttypmod) "
    "FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " AND NOT %s "
    "LEFT JOIN key_columns k ON k.indrelid = c.oid AND k.attnum = a.attnum "
    "LEFT JOIN pg_description td ON td.objoid = c.oid AND td.objsubid = 0"
    " AND td.classoid = 'pg_class'::regclass "
    "LEFT JOIN pg_description cd ON cd.objoid = c.oid AND cd.objsubid = a.attnum"
    " AND cd.classoid = 'pg_class'::regclass "
    "WHERE c.relpersistence = 'p'"
    " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    " AND (%s) AND %s "
    "ORDER BY n.nspname, c.relname, a.attnum";

static const char readable_sql[] =
    "has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')";

enum {
    COL_OID,
    COL_SCHEMA,
    COL_TABLE,
    COL_TABLE_COMMENT,
    COL_NAME,
    COL_TYPE,
    COL_TYPMOD,
    COL_NULLABLE,
    COL_COMMENT,
    COL_POSITION,
    COL_DIMENSIONS,
    COL_PRIMARY,
    COL_DECLARED,
};

/* The table that is being gathered: its rows may come in two batches, so it keeps copies. */
struct gathering {
    struct arena arena;
    uint32_t oid; /* 0: none yet */
    struct discovered_table table;
    size_t column_cap;
    int key[KEY_COLUMNS];
    struct types *types;
    bool (*visit)(void *, const struct discovered_table *, struct err *);
    void *context;
};

static bool open_cursor(struct pg *pg, const struct discover_scope *scope, struct err *err)
{
    struct out sql, keys, published, filter, publication, uncaptured;
    const char *name = scope->config->publication;
    int version = pg_server_version(pg);
    out_init(&sql, 4096);
    out_init(&keys, 1024);
    out_init(&filter, 256);
    out_init(&publication, 64);
    pg_quote_literal(&publication, name, strlen(name));
    out_init(&uncaptured, 512);
    out_init(&published, 2048);
    published_sql(&published, out_text(&publication), version);
    keys_sql(&keys, out_text(&publication), version, "true");
    uncaptured_sql(&uncaptured, out_text(&publication), version);
    discover_filter_sql(&filter, scope, version);
    out_format(&sql, tables_sql, out_text(&keys), out_text(&published), not_null_sql(version),
               out_text(&uncaptured), scope->unreadable ? "true" : readable_sql, out_text(&filter));
    bool ok = pg_exec(pg, out_text(&sql), err);
    out_free(&sql);
    out_free(&keys);
    out_free(&published);
    out_free(&filter);
    out_free(&publication);
    out_free(&uncaptured);
    return ok;
}

static const char *keep(struct gathering *g, const struct pg_rows *rows, int row, int column)
{
    const char *value = pg_rows_value(rows, row, column);
    return value ? arena_string(&g->arena, value, pg_rows_len(rows, row, column)) : NULL;
}

/* Hand on the table that is complete, if any. */
static bool finish_table(struct gathering *g, struct err *err)
{
    if (!g->oid) {
        return true;
    }
    bool ok = g->visit(g->context, &g->table, err);
    g->oid = 0;
    return ok;
}

static void begin_table(struct gathering *g, const struct pg_rows *rows, int row)
{
    struct discovered_column *columns = g->table.columns;
    arena_reset(&g->arena);
    g->oid = rows_oid(rows, row, COL_OID);
    g->table = (struct discovered_table){
        .schema = keep(g, rows, row, COL_SCHEMA),
        .name = keep(g, rows, row, COL_TABLE),
        .comment = keep(g, rows, row, COL_TABLE_COMMENT),
        .columns = columns,
        .key = g->key,
    };
}

static void add_column(struct gathering *g, const struct pg_rows *rows, int row)
{
    struct discovered_table *table = &g->table;
    uint32_t oid = rows_oid(rows, row, COL_TYPE);
    int position = rows_int(rows, row, COL_POSITION);
    table->columns = mem_grow_array(table->columns, &g->column_cap, (size_t)table->column_count + 1,
                                    sizeof *table->columns);
    table->columns[table->column_count] = (struct discovered_column){
        .name = keep(g, rows, row, COL_NAME),
        .type = types_find(g->types, oid),
        .typmod = types_modifier(g->types, oid, rows_int(rows, row, COL_TYPMOD)),
        .dimensions = rows_int(rows, row, COL_DIMENSIONS),
        .nullable = rows_bool(rows, row, COL_NULLABLE),
        .comment = keep(g, rows, row, COL_COMMENT),
        .declared = keep(g, rows, row, COL_DECLARED),
        .labels = types_labels(g->types, oid),
    };
    if (position > 0 && position <= KEY_COLUMNS) {
        g->key[position - 1] = table->column_count;
        table->key_count++;
        table->key_primary = rows_bool(rows, row, COL_PRIMARY);
    }
    table->column_count++;
}

static bool take_row(struct gathering *g, const struct pg_rows *rows, int row, struct err *err)
{
    if (rows_oid(rows, row, COL_OID) != g->oid) {
        if (!finish_table(g, err)) {
            return false;
        }
        begin_table(g, rows, row);
    }
    if (!pg_rows_null(rows, row, COL_NAME)) { /* a table may have no columns */
        add_column(g, rows, row);
    }
    return true;
}

/* The types of one batch of columns, asked for at once. */
static bool load_types(struct types *types, struct pg *pg, const struct pg_rows *rows,
                       struct err *err)
{
    size_t count = (size_t)pg_rows_count(rows);
    uint32_t *oids = mem_alloc(count * sizeof *oids);
    for (size_t i = 0; i < count; i++) {
        oids[i] = rows_oid(rows, (int)i, COL_TYPE);
    }
    bool ok = types_load(types, pg, oids, count, err);
    free(oids);
    return ok;
}

/* Read the cursor to its end. */
static bool read_cursor(struct gathering *g, struct pg *pg, struct err *err)
{
    for (bool ok = true, more = true; more;) {
        struct pg_rows *rows = pg_query(pg, "FETCH 2000 FROM discovered", 0, NULL, err);
        ok = rows && load_types(g->types, pg, rows, err);
        for (int row = 0; ok && row < pg_rows_count(rows); row++) {
            ok = take_row(g, rows, row, err);
        }
        more = ok && pg_rows_count(rows) > 0;
        pg_rows_free(&rows);
        if (!ok) {
            return false;
        }
    }
    return finish_table(g, err);
}

static bool discover(struct pg *pg, struct types *types, const struct discover_scope *scope,
                     bool (*visit)(void *, const struct discovered_table *, struct err *),
                     void *context, struct err *err)
{
    struct err ignored;
    struct gathering g = {.types = types, .visit = visit, .context = context};
    arena_init(&g.arena, 16 << 10);
    bool ok = open_cursor(pg, scope, err) && read_cursor(&g, pg, err);
    if (!pg_exec(pg, "ROLLBACK", ok ? err : &ignored)) {
        ok = false;
    }
    arena_free(&g.arena);
    free(g.table.columns);
    return ok;
}

bool tables_discover(struct pg *pg, struct types *types, const struct config *config,
                     const struct catalog *only,
                     bool (*visit)(void *, const struct discovered_table *, struct err *),
                     void *context, struct err *err)
{
    struct discover_scope scope = {.config = config, .only = only};
    return discover(pg, types, &scope, visit, context, err);
}

bool tables_discover_all(struct pg *pg, struct types *types, const struct config *config,
                         bool (*visit)(void *, const struct discovered_table *, struct err *),
                         void *context, struct err *err)
{
    struct discover_scope scope = {.config = config, .unreadable = true};
    return discover(pg, types, &scope, visit, context, err);
}

bool tables_discover_bindable(struct pg *pg, struct types *types, const struct config *config,
                              bool (*visit)(void *, const struct discovered_table *, struct err *),
                              void *context, struct err *err)
{
    struct discover_scope scope = {.config = config, .bindable = true};
    return discover(pg, types, &scope, visit, context, err);
}
