/*
 * Where a large table is cut into ranges: at keys of rows found on a sample of its pages, at equal
 * distances in key order. Rows of one page often have neighbouring keys, and each row of the sample
 * has to be sorted: so some rows of each page are enough.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "table.h"

enum {
    SAMPLE_PAGES = 400, /* enough for ranges that differ by a few percent */
    SAMPLE_ROWS = 4000, /* of them */
};

static double sample_percent(const struct table_description *d)
{
    double percent = 100.0 * SAMPLE_PAGES * PAGE_BYTES / (double)(d->bytes ? d->bytes : 1);
    return percent > 100 ? 100 : percent;
}

static double sample_share(const struct table_description *d)
{
    double rows = d->row_estimate > 0 ? (double)d->row_estimate * sample_percent(d) / 100 : 0;
    return rows > SAMPLE_ROWS ? SAMPLE_ROWS / rows : 1;
}

/* The rows of the sample at which the next of `ranges` equal parts begins, but for the first. */
static void bounds_sql(struct out *sql, const struct table_description *d, int ranges)
{
    out_string(sql, "SELECT * FROM (SELECT ");
    for (int k = 0; k < d->key_count; k++) {
        pg_quote_identifier(sql, d->relation->columns[d->key[k].column].name);
        out_char(sql, ',');
    }
    out_string(sql, "pg_catalog.row_number() OVER (ORDER BY ");
    table_order_sql(sql, d);
    out_string(sql, ") AS n,pg_catalog.count(*) OVER () AS total FROM ");
    out_string(sql, d->kind == 'p' ? "" : "ONLY ");
    table_name_sql(sql, d);
    out_format(
        sql, " AS r TABLESAMPLE SYSTEM (%.6f) WHERE pg_catalog.random()<=%.6f AND (%s)) AS sample(",
        sample_percent(d), sample_share(d), d->row_filter ? d->row_filter : "true");
    for (int k = 0; k < d->key_count; k++) {
        out_format(sql, "c%d,", k);
    }
    out_format(sql, "n,total) WHERE n>1 AND (n-1)*%d/total<>(n-2)*%d/total ORDER BY n", ranges,
               ranges);
}

static struct key *key_of(const struct pg_rows *rows, int row, int columns)
{
    struct key *key = key_new(columns);
    for (int k = 0; k < columns; k++) {
        key_set(key, k, pg_rows_value(rows, row, k), pg_rows_len(rows, row, k));
    }
    return key;
}

bool backfill_bounds(struct pg *pg, const struct table_description *d, int ranges,
                     struct key ***bounds, int *count, struct err *err)
{
    struct out sql;
    out_init(&sql, 1024);
    bounds_sql(&sql, d, ranges);
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 0, NULL, err);
    out_free(&sql);
    if (!rows) {
        return err_prefix(err, "cutting %s into ranges: ",
                          stream_label(d->relation->schema, d->relation->name).s);
    }
    *count = pg_rows_count(rows);
    *bounds = mem_zero((size_t)(*count + 1) * sizeof **bounds);
    for (int i = 0; i < *count; i++) {
        (*bounds)[i] = key_of(rows, i, d->key_count);
    }
    pg_rows_free(&rows);
    return true;
}
