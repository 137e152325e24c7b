/* One query over the catalogs, read through a cursor; its rows are columns, gathered into tables.
 */
#include "pg/discover.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "catalogs.h"
#include "rows.h"

enum { KEY_COLUMNS = 32 }; /* the most that an index has (INDEX_MAX_KEYS), by far */

static const char tables_sql[] =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    "SELECT set_config(name, CASE name WHEN 'jit' THEN 'off' ELSE '1' END, true)"
    " FROM pg_settings WHERE name IN ('jit', 'cursor_tuple_fraction');"
    "DECLARE discovered NO SCROLL CURSOR FOR "
    "WITH keys AS (%s), key_columns AS ("
    " SELECT k.indrelid, u.attnum, u.position FROM keys k"
    " CROSS JOIN unnest(k.indkey) WITH ORDINALITY u(attnum, position)"
    " WHERE u.position <= k.width) "
    "SELECT c.oid, n.nspname, c.relname, td.description, a.attname, a.atttypid, a.atttypmod,"
    " NOT %s, cd.description, k.position, a.attndims "
    "FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " AND NOT %s "
    "LEFT JOIN key_columns k ON k.indrelid = c.oid AND k.attnum = a.attnum "
    "LEFT JOIN pg_description td ON td.objoid = c.oid AND td.objsubid = 0"
    " AND td.classoid = 'pg_class'::regclass "
    "LEFT JOIN pg_description cd ON cd.objoid = c.oid AND cd.objsubid = a.attnum"
    " AND cd.classoid = 'pg_class'::regclass "
    "WHERE %s AND c.relpersistence = 'p'"
    " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    " AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')"
    " AND %s "
    "ORDER BY n.nspname, c.relname, a.attnum";

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
};

/* The table in the making: its rows may come in two batches, so it keeps copies. */
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

static void open_array(struct out *list)
{
    out_init(list, 128);
    array_open(list);
}

/* Close a list and append it as a literal. */
static void write_array(struct out *out, struct out *list)
{
    array_close(list);
    pg_quote_literal(out, list->data, list->len);
    out_string(out, "::text[]");
    out_free(list);
}

static void write_schemas(struct out *out, char *const *schemas)
{
    struct out list;
    open_array(&list);
    for (; *schemas; schemas++) {
        array_add(&list, *schemas);
    }
    out_string(out, " AND n.nspname = ANY (");
    write_array(out, &list);
    out_char(out, ')');
}

static void write_tables(struct out *out, const struct catalog *only)
{
    struct out schemas, tables;
    open_array(&schemas);
    open_array(&tables);
    for (int i = 0; i < only->count; i++) {
        array_add(&schemas, only->streams[i].schema);
        array_add(&tables, only->streams[i].table);
    }
    out_string(out, " AND (n.nspname, c.relname) IN (SELECT * FROM unnest(");
    write_array(out, &schemas);
    out_string(out, ", ");
    write_array(out, &tables);
    out_string(out, "))");
}

/* Which tables are wanted by name. */
static void write_filter(struct out *out, const struct config *config, const struct catalog *only)
{
    out_string(out, "NOT (n.nspname = ");
    pg_quote_literal(out, config->watermarks_schema, strlen(config->watermarks_schema));
    out_string(out, " AND c.relname = ");
    pg_quote_literal(out, config->watermarks_table, strlen(config->watermarks_table));
    out_char(out, ')');
    if (only) {
        write_tables(out, only);
    } else if (config->discover_schemas && config->discover_schemas[0]) {
        write_schemas(out, config->discover_schemas);
    }
}

static bool open_cursor(struct pg *pg, const struct config *config, const struct catalog *only,
                        struct err *err)
{
    struct out sql, keys, filter;
    int version = pg_server_version(pg);
    out_init(&sql, 4096);
    out_init(&keys, 1024);
    out_init(&filter, 256);
    keys_sql(&keys, version, "true");
    write_filter(&filter, config, only);
    out_format(&sql, tables_sql, out_text(&keys), not_null_sql(version), generated_sql(version),
               only ? "c.relkind IN ('r', 'p')" : offered_kind_sql(config, version),
               out_text(&filter));
    bool ok = pg_exec(pg, out_text(&sql), err);
    out_free(&sql);
    out_free(&keys);
    out_free(&filter);
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
        .labels = types_labels(g->types, oid),
    };
    if (position > 0 && position <= KEY_COLUMNS) {
        g->key[position - 1] = table->column_count;
        table->key_count++;
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

bool tables_discover(struct pg *pg, struct types *types, const struct config *config,
                     const struct catalog *only,
                     bool (*visit)(void *, const struct discovered_table *, struct err *),
                     void *context, struct err *err)
{
    struct err ignored;
    struct gathering g = {.types = types, .visit = visit, .context = context};
    arena_init(&g.arena, 16 << 10);
    bool ok = open_cursor(pg, config, only, err) && read_cursor(&g, pg, err);
    if (!pg_exec(pg, "ROLLBACK", ok ? err : &ignored)) {
        ok = false;
    }
    arena_free(&g.arena);
    free(g.table.columns);
    return ok;
}
