/* Reading the columns of the captured tables. */
#include <stdlib.h>

#include "base/mem.h"
#include "catalogs.h"
#include "describe.h"
#include "rows.h"

/*
 * Of each table the columns that are published, in order. The collation is that of the key's index
 * where the column is in the key: in it the index can be read in order, and in it the key is
 * unique.
 */
static const char columns_sql[] =
    "WITH keys AS (%s), %s "
    "SELECT w.n,"
    " a.attname,"
    " a.atttypid,"
    " a.atttypmod,"
    " c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i"
    "  CROSS JOIN unnest(i.indkey) WITH ORDINALITY u(attnum, position)"
    "  WHERE i.indrelid = c.oid AND u.attnum = a.attnum AND u.position <= %s"
    "  AND (c.relreplident = 'd' AND i.indisprimary AND i.indimmediate"
    "   OR c.relreplident = 'i' AND i.indisreplident)),"
    " k.position,"
    " NOT %s,"
    " CASE WHEN l.oid IS NOT NULL"
    "  THEN quote_ident(s.nspname) || '.' || quote_ident(l.collname) END,"
    " getdatabaseencoding() IN ('UTF8', 'LATIN1', 'SQL_ASCII') AND CASE l.collprovider"
    "  WHEN 'c' THEN l.collcollate IN ('C', 'POSIX') WHEN 'b' THEN true"
    "  WHEN 'd' THEN (SELECT %s FROM pg_database d WHERE d.datname = current_database())"
    "  ELSE false END,"
    " k.class "
    "FROM unnest($1::oid[]) WITH ORDINALITY w(oid, n) "
    "JOIN pg_class c ON c.oid = w.oid "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "LEFT JOIN published g ON g.relid = c.oid "
    "LEFT JOIN LATERAL (SELECT u.position, u.class, x.coll FROM keys k"
    " CROSS JOIN unnest(k.indkey, k.indcollation, k.indclass) WITH ORDINALITY"
    "  u(attnum, coll, class, position)"
    " CROSS JOIN LATERAL (SELECT nullif(u.coll, 0)) x(coll)"
    " WHERE k.indrelid = c.oid AND u.attnum = a.attnum AND u.position <= k.width) k ON true "
    "LEFT JOIN pg_collation l ON l.oid = coalesce(k.coll, a.attcollation) "
    "LEFT JOIN pg_namespace s ON s.oid = l.collnamespace "
    "WHERE %s "
    "ORDER BY w.n, a.attnum";

enum {
    COLUMN_TABLE,
    COLUMN_NAME,
    COLUMN_TYPE,
    COLUMN_TYPMOD,
    COLUMN_IDENTITY,
    COLUMN_POSITION,
    COLUMN_NULLABLE,
    COLUMN_COLLATION,
    COLUMN_BYTES_COLLATION,
    COLUMN_CLASS,
};

/* Whether the database's own collation compares bytes. */
static const char *database_order_sql(int version)
{
    return version >= 150000 ? "d.datlocprovider = 'b' OR d.datlocprovider = 'c' AND d.datcollate "
                               "IN ('C', 'POSIX')"
                             : "d.datcollate IN ('C', 'POSIX')";
}

static void write_columns_sql(struct out *sql, int version)
{
    struct out keys, published, filter;
    out_init(&keys, 1024);
    out_init(&published, 2048);
    out_init(&filter, 256);
    keys_sql(&keys, "$2", version, "i.indrelid = ANY ($1::oid[])");
    published_sql(&published, "$2", version);
    out_string(&filter, version >= 150000 ? "CASE WHEN g.attrs IS NOT NULL"
                                            " THEN a.attnum = ANY (g.attrs::int2[]) ELSE NOT "
                                          : "NOT ");
    uncaptured_sql(&filter, "$2", version);
    out_string(&filter, version >= 150000 ? " END" : "");
    out_format(sql, columns_sql, out_text(&keys), out_text(&published), key_width_sql(version),
               not_null_sql(version), database_order_sql(version), out_text(&filter));
    out_free(&keys);
    out_free(&published);
    out_free(&filter);
}

static struct pg_rows *query_columns(struct pg *pg, const struct config *config,
                                     const struct reading *readings, int count, struct err *err)
{
    struct out sql, oids;
    out_init(&sql, 4096);
    out_init(&oids, 256);
    write_columns_sql(&sql, pg_server_version(pg));
    pg_array_open(&oids);
    for (int i = 0; i < count; i++) {
        out_format(&oids, i ? ",%u" : "%u", readings[i].oid);
    }
    pg_array_close(&oids);
    const char *params[] = {out_text(&oids), config->publication};
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 2, params, err);
    out_free(&sql);
    out_free(&oids);
    return rows;
}

static void take_column(struct column *column, struct column_facts *facts,
                        const struct pg_rows *rows, int row)
{
    column->name = rows_copy(rows, row, COLUMN_NAME);
    column->type_oid = rows_oid(rows, row, COLUMN_TYPE);
    column->typmod = rows_int(rows, row, COLUMN_TYPMOD);
    column->identity = rows_bool(rows, row, COLUMN_IDENTITY);
    facts->position = rows_int(rows, row, COLUMN_POSITION);
    facts->nullable = rows_bool(rows, row, COLUMN_NULLABLE);
    facts->collation = rows_copy(rows, row, COLUMN_COLLATION);
    facts->bytes_collation = rows_bool(rows, row, COLUMN_BYTES_COLLATION);
    facts->operator_class = rows_oid(rows, row, COLUMN_CLASS);
}

/* Build the relation of table `n` (from 1) from its rows, which begin at *row. */
static struct relation *take_relation(const struct catalog_stream *stream, struct reading *reading,
                                      const struct pg_rows *rows, int n, int *row)
{
    int first = *row;
    while (*row < pg_rows_count(rows) && rows_int(rows, *row, COLUMN_TABLE) == n) {
        ++*row;
    }
    struct relation *relation = relation_new(*row - first);
    relation->oid = reading->oid;
    relation->schema = mem_string(stream->schema);
    relation->name = mem_string(stream->table);
    relation->identity = reading->identity;
    reading->facts = mem_zero((size_t)relation->column_count * sizeof *reading->facts);
    for (int i = 0; i < relation->column_count; i++) {
        take_column(&relation->columns[i], &reading->facts[i], rows, first + i);
    }
    return relation;
}

bool describe_columns(struct pg *pg, const struct config *config, const struct catalog *catalog,
                      struct table_description *tables, struct reading *readings, struct err *err)
{
    struct pg_rows *rows = query_columns(pg, config, readings, catalog->count, err);
    int row = 0;
    for (int i = 0; rows && i < catalog->count; i++) {
        tables[i].relation = take_relation(&catalog->streams[i], &readings[i], rows, i + 1, &row);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}
