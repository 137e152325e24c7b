/* Asking once more for the oids of the names. */
#include "settled.h"

#include "catalogs.h"
#include "rows.h"

bool names_settled(struct pg *pg, const struct named_table *named, int count, bool *settled,
                   struct err *err)
{
    static const char sql[] =
        "SELECT c.oid FROM unnest($1::text[], $2::text[]) WITH ORDINALITY w(schema_name, "
        "table_name, n) LEFT JOIN pg_namespace s ON s.nspname = w.schema_name"
        " LEFT JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = w.table_name ORDER BY w.n";
    struct out schemas, tables;
    out_init(&schemas, 256);
    out_init(&tables, 256);
    pg_array_open(&schemas);
    pg_array_open(&tables);
    for (int i = 0; i < count; i++) {
        pg_array_add(&schemas, named[i].schema);
        pg_array_add(&tables, named[i].table);
    }
    pg_array_close(&schemas);
    pg_array_close(&tables);
    const char *params[] = {out_text(&schemas), out_text(&tables)};
    struct pg_rows *rows = pg_query(pg, sql, 2, params, err);
    *settled = rows != NULL;
    for (int i = 0; rows && i < count; i++) {
        *settled &= rows_oid(rows, i, 0) == named[i].oid;
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    out_free(&schemas);
    out_free(&tables);
    return ok;
}

bool names_unsettled(struct err *err)
{
    return err_set(err, ERR_TRANSIENT,
                   "captured tables are dropped and created while they are looked at: try again");
}
