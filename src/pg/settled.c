/* Asking once more for the oids of the names. */
#include "settled.h"

#include "rows.h"
#include "stream_lists.h"

/* A row for each name. */
static const char oids_sql[] =
    "SELECT c.oid FROM unnest($1::text[], $2::text[]) WITH ORDINALITY w(schema_name, table_name, n)"
    " LEFT JOIN pg_namespace s ON s.nspname = w.schema_name"
    " LEFT JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = w.table_name ORDER BY w.n";

bool names_settled(struct pg *pg, const struct named_table *named, int count, bool *settled,
                   struct err *err)
{
    struct stream_lists lists;
    stream_lists_open(&lists);
    for (int i = 0; i < count; i++) {
        stream_lists_add(&lists, named[i].schema, named[i].table, NULL);
    }
    stream_lists_close(&lists);
    const char *params[] = {out_text(&lists.schemas), out_text(&lists.tables)};
    struct pg_rows *rows = pg_query(pg, oids_sql, 2, params, err);
    *settled = rows != NULL;
    for (int i = 0; rows && i < count; i++) {
        *settled &= rows_oid(rows, i, ROWS_VALUE) == named[i].oid;
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    stream_lists_free(&lists);
    return ok;
}

bool names_unsettled(struct err *err)
{
    return err_set(err, ERR_TRANSIENT,
                   "captured tables are dropped and created while they are looked at: try again");
}
