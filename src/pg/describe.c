/*
 * Reading what the catalogs say of the captured tables: two queries, whatever the number of tables.
 * That of their columns: describe_columns.c
 */
#include "describe.h"
#include "pg/terms.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalogs.h"
#include "rows.h"
#include "settled.h"
#include "stream_lists.h"

/*
 * One row a stream, NULLs for a table that is not there. `tree` is the table and, if it is
 * partitioned, everything below: sizes are those of the leaves.
 */
static const char tables_sql[] =
    "WITH RECURSIVE " WANTED_SQL ", %s, " TREE_SQL ", leaves AS ("
    " SELECT t.root, c.oid, c.reltuples, c.relpages,"
    "  CASE WHEN c.relkind = 'r' THEN pg_relation_size(c.oid) END AS bytes,"
    "  CASE WHEN c.reltoastrelid <> 0 THEN pg_relation_size(c.reltoastrelid) ELSE 0 END AS toast,"
    "  EXISTS (SELECT FROM published g WHERE g.relid = c.oid) AS published"
    " FROM tree t JOIN pg_class c ON c.oid = t.oid WHERE c.relkind <> 'p'"
    "), sizes AS ("
    " SELECT l.root, sum(l.bytes) AS bytes, sum(l.toast) AS toast, max(l.bytes) AS most,"
    "  bool_and(l.published) AS published,"
    "  sum(CASE WHEN l.relpages > 0 AND l.reltuples >= 0"
    "   THEN l.reltuples / l.relpages * l.bytes / current_setting('block_size')::float8"
    "   WHEN l.bytes = 0 THEN 0 END) AS estimate"
    " FROM leaves l GROUP BY l.root) "
    "SELECT w.oid,"
    " w.relkind,"
    " w.relreplident,"
    " w.relispartition,"
    " g.relid IS NOT NULL,"
    " coalesce(z.published, true),"
    " round(z.estimate),"
    " z.bytes,"
    " z.bytes + z.toast,"
    " z.most / current_setting('block_size')::int8,"
    " %s,"
    " w.key IS NOT NULL AND NOT EXISTS (SELECT FROM pg_index i WHERE %s) "
    "FROM wanted w "
    "LEFT JOIN published g ON g.relid = w.oid "
    "LEFT JOIN sizes z ON z.root = w.oid "
    "ORDER BY w.n";

enum {
    COL_OID,
    COL_KIND,
    COL_IDENTITY,
    COL_PARTITION,
    COL_PUBLISHED,
    COL_LEAVES_PUBLISHED,
    COL_ESTIMATE,
    COL_BYTES,
    COL_ALL_BYTES,
    COL_PAGES,
    COL_FILTER,
    COL_KEY_REPEATS,
};

static struct pg_rows *query_tables(struct pg *pg, const struct config *config,
                                    const struct catalog *catalog, struct err *err)
{
    struct stream_lists lists;
    struct out sql, published, within;
    bool filters = pg_server_version(pg) >= 150000; /* of rows */
    stream_lists_open(&lists);
    stream_lists_add_catalog(&lists, catalog);
    stream_lists_close(&lists);
    out_init(&sql, sizeof tables_sql);
    out_init(&published, 2048);
    out_init(&within, 512);
    published_sql(&published, "$3", pg_server_version(pg));
    index_within_sql(&within, "w.oid", "w.key", "$3", pg_server_version(pg));
    out_format(&sql, tables_sql, out_text(&published),
               filters ? "pg_get_expr(g.qual, g.relid)" : "NULL", out_text(&within));
    const char *params[] = {out_text(&lists.schemas), out_text(&lists.tables), config->publication,
                            out_text(&lists.keys)};
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 4, params, err);
    out_free(&sql);
    out_free(&published);
    out_free(&within);
    stream_lists_free(&lists);
    return rows;
}

static bool check_table(const struct pg_rows *rows, int row, struct err *err)
{
    char kind = *rows_text(rows, row, COL_KIND);
    if (!kind) {
        return err_set(err, ERR_CONFIG,
                       "the table does not exist: correct the catalog, or create the table");
    }
    if (kind != 'r' && kind != 'p') {
        return err_set(err, ERR_CONFIG,
                       "it is %s: only ordinary and partitioned tables can be captured",
                       kind_name(kind));
    }
    return true;
}

static bool take_table(struct table_description *table, struct reading *reading,
                       const struct pg_rows *rows, int row, struct err *err)
{
    if (!check_table(rows, row, err)) {
        return false;
    }
    reading->oid = rows_oid(rows, row, COL_OID);
    reading->identity = *rows_text(rows, row, COL_IDENTITY);
    table->kind = *rows_text(rows, row, COL_KIND);
    table->partition = rows_bool(rows, row, COL_PARTITION);
    table->via_root = table->kind == 'p' && rows_bool(rows, row, COL_PUBLISHED);
    reading->published = rows_bool(rows, row, COL_PUBLISHED) ||
                         (table->kind == 'p' && rows_bool(rows, row, COL_LEAVES_PUBLISHED));
    table->row_filter = rows_copy(rows, row, COL_FILTER);
    table->key_repeats = rows_bool(rows, row, COL_KEY_REPEATS);
    table->row_estimate =
        pg_rows_null(rows, row, COL_ESTIMATE) ? -1 : rows_i64(rows, row, COL_ESTIMATE);
    table->bytes = rows_i64(rows, row, COL_BYTES);
    table->all_bytes = rows_i64(rows, row, COL_ALL_BYTES);
    table->pages = rows_i64(rows, row, COL_PAGES);
    return true;
}

static bool fail_stream(const struct catalog_stream *stream, struct err *err)
{
    err_prefix(err, "table %s: ", stream_label(stream->schema, stream->table).s);
    return err_stream(err, stream->schema, stream->table);
}

static bool read_tables(struct pg *pg, const struct config *config, const struct catalog *catalog,
                        struct table_description *tables, struct reading *readings, struct err *err)
{
    struct pg_rows *rows = query_tables(pg, config, catalog, err);
    bool ok = rows != NULL;
    for (int i = 0; ok && i < catalog->count; i++) {
        ok = take_table(&tables[i], &readings[i], rows, i, err) ||
             fail_stream(&catalog->streams[i], err);
    }
    pg_rows_free(&rows);
    return ok;
}

/* All types of all tables at once; then each column finds its own. */
static bool resolve_types(struct types *types, struct pg *pg, struct table_description *tables,
                          int count, struct err *err)
{
    size_t oid_count = 0, cap = 0;
    uint32_t *oids = NULL;
    for (int i = 0; i < count; i++) {
        const struct relation *relation = tables[i].relation;
        oids = mem_grow_array(oids, &cap, oid_count + (size_t)relation->column_count, sizeof *oids);
        for (int j = 0; j < relation->column_count; j++) {
            oids[oid_count++] = relation->columns[j].type_oid;
        }
    }
    bool ok = types_load(types, pg, oids, oid_count, err);
    for (int i = 0; ok && i < count; i++) {
        ok = types_resolve(types, pg, tables[i].relation, err);
        types_list_user(types, tables[i].relation, &tables[i].types);
    }
    free(oids);
    return ok;
}

static void add_problem(struct problems *problems, const struct catalog_stream *stream,
                        struct err *err)
{
    size_t first = problems->count;
    fail_stream(stream, err);
    problems_add(problems, err->message);
    problems_concern(problems, first, stream->schema, stream->table);
}

static void find_unpublished(const struct config *config, const struct catalog *catalog,
                             const struct table_description *tables, const struct reading *readings,
                             struct problems *problems)
{
    for (int i = 0; i < catalog->count; i++) {
        struct err err;
        if (!readings[i].published) {
            err_set(&err, ERR_CONFIG, "the table is not published by publication \"%s\"%s",
                    config->publication,
                    tables[i].partition
                        ? " under its own name: it is a partition; capture the table it is part of"
                        : "");
            add_problem(problems, &catalog->streams[i], &err);
        }
    }
}

static void choose_keys(const struct catalog *catalog, struct table_description *tables,
                        const struct reading *readings, struct problems *problems)
{
    for (int i = 0; i < catalog->count; i++) {
        struct err err;
        if (!key_choose(&tables[i], readings[i].facts, &catalog->streams[i], &err)) {
            add_problem(problems, &catalog->streams[i], &err);
        }
    }
}

static bool is_wanted(const struct table_description *table, int column, char *const *names)
{
    for (int k = 0; k < table->key_count; k++) {
        if (table->key[k].column == column) {
            return true;
        }
    }
    while (*names && strcmp(*names, table->relation->columns[column].name) != 0) {
        names++;
    }
    return *names != NULL;
}

/* The columns of the key are always wanted. */
static void choose_columns(const struct catalog *catalog, struct table_description *tables)
{
    for (int i = 0; i < catalog->count; i++) {
        for (int j = 0; catalog->streams[i].columns && j < tables[i].relation->column_count; j++) {
            tables[i].relation->columns[j].unwanted =
                !is_wanted(&tables[i], j, catalog->streams[i].columns);
        }
    }
}

struct unordered {
    const struct catalog *catalog;
    struct problems *problems;
};

static void add_unordered(void *context, int table, struct err *err)
{
    const struct unordered *unordered = context;
    add_problem(unordered->problems, &unordered->catalog->streams[table], err);
}

static void readings_free(struct reading *readings, const struct table_description *tables,
                          int count)
{
    for (int i = 0; i < count; i++) {
        for (int j = 0; readings[i].facts && j < tables[i].relation->column_count; j++) {
            free(readings[i].facts[j].collation);
        }
        free(readings[i].facts);
    }
    free(readings);
}

/* Read the terms, by the keys that were chosen. */
static bool read_terms(struct pg *pg, const struct config *config, const struct catalog *catalog,
                       struct table_description *tables, struct err *err)
{
    size_t count = (size_t)catalog->count;
    char ***keys = mem_zero((count + 1) * sizeof *keys);
    struct terms *terms = mem_zero((count + 1) * sizeof *terms);
    uint64_t lsn;
    for (size_t i = 0; i < count; i++) {
        keys[i] = mem_zero((size_t)(tables[i].key_count + 1) * sizeof **keys);
        for (int k = 0; k < tables[i].key_count; k++) {
            keys[i][k] = (char *)tables[i].relation->columns[tables[i].key[k].column].name;
        }
    }
    bool ok = terms_look(pg, config, catalog, (char *const *const *)keys, terms, &lsn, err);
    for (size_t i = 0; i < count; i++) {
        free((void *)keys[i]);
        tables[i].terms = terms[i];
    }
    free((void *)keys);
    free(terms);
    return ok;
}

/* All in one snapshot. Terms are read only for tables that can be captured. */
static bool read_catalogs(struct pg *pg, struct types *types, const struct config *config,
                          const struct catalog *catalog, struct table_description *tables,
                          bool with_terms, struct problems *problems, struct err *err)
{
    struct err ignored;
    size_t count = (size_t)catalog->count, first = problems->count;
    struct unordered unordered = {catalog, problems};
    struct reading *readings = mem_zero(count * sizeof *readings);
    bool ok = pg_exec(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err) &&
              read_tables(pg, config, catalog, tables, readings, err) &&
              describe_columns(pg, config, catalog, tables, readings, err) &&
              resolve_types(types, pg, tables, catalog->count, err);
    if (ok) {
        if (with_terms) {
            find_unpublished(config, catalog, tables, readings, problems);
        }
        choose_keys(catalog, tables, readings, problems);
        choose_columns(catalog, tables);
        ok = describe_operators(pg, tables, catalog->count, add_unordered, &unordered, err) &&
             (!with_terms || problems->count > first ||
              read_terms(pg, config, catalog, tables, err));
    }
    readings_free(readings, tables, catalog->count);
    return pg_exec(pg, "ROLLBACK", ok ? err : &ignored) && ok;
}

static bool is_settled(struct pg *pg, const struct catalog *catalog,
                       const struct table_description *tables, bool *settled, struct err *err)
{
    struct named_table *named = mem_zero((size_t)catalog->count * sizeof *named);
    for (int i = 0; i < catalog->count; i++) {
        const struct catalog_stream *stream = &catalog->streams[i];
        uint32_t oid = tables[i].relation ? tables[i].relation->oid : 0;
        named[i] = (struct named_table){stream->schema, stream->table, oid};
    }
    bool ok = names_settled(pg, named, catalog->count, settled, err);
    free(named);
    return ok;
}

/* A problem is reported only if the names are still those of the same tables. */
static bool describe(struct pg *pg, struct types *types, const struct config *config,
                     const struct catalog *catalog, struct table_description **tables,
                     bool with_terms, struct problems *problems, struct err *err)
{
    size_t first = problems->count;
    for (int looks = 0; looks < SETTLED_LOOKS; looks++) {
        bool settled = true;
        *tables = mem_zero((size_t)catalog->count * sizeof **tables);
        bool ok = read_catalogs(pg, types, config, catalog, *tables, with_terms, problems, err) &&
                  (problems->count == first || is_settled(pg, catalog, *tables, &settled, err));
        if (ok && settled) {
            return true;
        }
        tables_free(tables, catalog->count);
        if (!ok) {
            return false;
        }
        problems_forget(problems, first);
    }
    return names_unsettled(err);
}

bool tables_describe(struct pg *pg, struct types *types, const struct config *config,
                     const struct catalog *catalog, struct table_description **tables,
                     struct problems *problems, struct err *err)
{
    return describe(pg, types, config, catalog, tables, true, problems, err);
}

bool tables_check_keys(struct pg *pg, const struct config *config, const struct catalog *catalog,
                       struct problems *problems, struct err *err)
{
    struct table_description *tables;
    struct types *types = types_new();
    bool ok = describe(pg, types, config, catalog, &tables, false, problems, err);
    tables_free(&tables, catalog->count);
    types_free(&types);
    return ok;
}

void tables_free(struct table_description **tables, int count)
{
    for (int i = 0; *tables && i < count; i++) {
        struct table_description *table = &(*tables)[i];
        for (int j = 0; j < table->key_count; j++) {
            free(table->key[j].collation);
            key_operators_free(&table->key[j].operators);
        }
        free(table->key);
        free(table->row_filter);
        free(table->unsent_key);
        terms_clear(&table->terms);
        user_types_clear(&table->types);
        relation_free(&table->relation);
    }
    free(*tables);
    *tables = NULL;
}
