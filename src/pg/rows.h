/* Reading values of a result by type. The queries are those of this layer: NULL reads as 0. */
#ifndef PG_ROWS_H
#define PG_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/lsn.h"
#include "base/mem.h"
#include "pg/pg.h"

/* Columns are named by an enum beside the query; this is the name for a query of a single value. */
enum { ROWS_VALUE };

static inline const char *rows_text(const struct pg_rows *rows, int row, int column)
{
    const char *value = pg_rows_value(rows, row, column);
    return value ? value : "";
}

/* NULL stays NULL. */
static inline char *rows_copy(const struct pg_rows *rows, int row, int column)
{
    return mem_string(pg_rows_value(rows, row, column));
}

static inline bool rows_bool(const struct pg_rows *rows, int row, int column)
{
    return *rows_text(rows, row, column) == 't';
}

static inline int64_t rows_i64(const struct pg_rows *rows, int row, int column)
{
    return strtoll(rows_text(rows, row, column), NULL, 10);
}

static inline int rows_int(const struct pg_rows *rows, int row, int column)
{
    return (int)rows_i64(rows, row, column);
}

static inline uint32_t rows_oid(const struct pg_rows *rows, int row, int column)
{
    return (uint32_t)rows_i64(rows, row, column);
}

static inline uint64_t rows_lsn(const struct pg_rows *rows, int row, int column)
{
    uint64_t lsn;
    return lsn_parse(rows_text(rows, row, column), &lsn) ? lsn : 0;
}

#endif
