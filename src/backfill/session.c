/* Settings of our sessions beyond those that every connection pins. */
#include <string.h>

#include "backfill/backfill.h"

/*
 * A commit waits for our own disk, and for nobody else's: with `off` it would wait for the WAL
 * writer's next round before it came by in the stream, with `on` maybe for a standby that is away.
 */
bool backfill_prepare(struct pg *pg, struct err *err)
{
    return pg_exec(pg, "SET synchronous_commit=local", err);
}

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
