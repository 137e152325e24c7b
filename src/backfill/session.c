/* The setting of a session that depends on the table, beyond those that every connection pins. */
#include <string.h>

#include "backfill/backfill.h"

/* Comparisons of the key must find the operators of its own types, wherever an extension put them.
 */
bool backfill_key_path(struct pg *pg, const struct table_description *d, struct err *err)
{
    struct out sql;
    out_init(&sql, 128);
    out_string(&sql, "SET search_path=pg_catalog");
    for (int k = 0; k < d->key_count; k++) {
        const struct type *type = d->relation->columns[d->key[k].column].type;
        if (strcmp(type->schema, "pg_catalog") != 0) {
            out_char(&sql, ',');
            pg_quote_identifier(&sql, type->schema);
        }
    }
    bool ok = pg_exec(pg, out_text(&sql), err);
    out_free(&sql);
    return ok;
}
