/* Whether what is written to the watermarks table arrives in the stream. */
#include <stdlib.h>

#include "catalogs.h"
#include "pg/prerequisites.h"
#include "rows.h"

/* Takes no lock on a table. NULL: it arrives. Names are quoted as in SQL. */
static const char look_sql[] =
    "SELECT CASE WHEN c.oid IS NULL THEN 'is gone: start the capture again'"
    " WHEN c.relpersistence <> 'p' THEN 'is unlogged: run ALTER TABLE ' || $4 || ' SET LOGGED'"
    " WHEN EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid)"
    "  OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)"
    "  THEN 'has a trigger or a rule: drop it'"
    " WHEN p.puballtables AND EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid"
    "   AND r.prrelid = c.oid AND %s) THEN 'is left out of the publication: take it out of its "
    "EXCEPT"
    " list'"
    " WHEN NOT p.puballtables AND NOT %s AND NOT EXISTS (SELECT FROM pg_publication_rel r"
    "   WHERE r.prpubid = p.oid AND r.prrelid = c.oid) THEN 'is not in the publication: run ALTER"
    " PUBLICATION ' || $5 || ' ADD TABLE ONLY ' || $4"
    " WHEN NOT p.puballtables AND NOT %s AND %s THEN 'is published without some of its rows or"
    " columns: run ALTER PUBLICATION ' || $5 || ' DROP TABLE ' || $4 || '; ALTER PUBLICATION '"
    "  || $5 || ' ADD TABLE ONLY ' || $4"
    " END FROM pg_publication p LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = "
    "c.relnamespace)"
    " ON n.nspname = $1 AND c.relname = $2 WHERE p.pubname = $3";

/* From version 15 on. */
static const char by_schema_sql[] =
    "EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid"
    " AND s.pnnspid = c.relnamespace)";
static const char limited_sql[] =
    "EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid"
    " AND (r.prqual IS NOT NULL OR NOT (SELECT array_agg(a.attnum) FROM pg_attribute a"
    "  WHERE a.attrelid = c.oid AND a.attname IN ('slot', 'watermark')) <@ r.prattrs::int2[]))";

bool watermarks_come(struct pg *pg, const struct config *config, struct err *err)
{
    bool is_15 = pg_server_version(pg) >= 150000;
    const char *by_schema = is_15 ? by_schema_sql : "false";
    char *table = sql_table(config->watermarks_schema, config->watermarks_table);
    char *publication = sql_name(config->publication);
    struct out sql;
    out_init(&sql, 2048);
    out_format(&sql, look_sql, excepted_sql(pg_server_version(pg)), by_schema, by_schema,
               is_15 ? limited_sql : "false");
    const char *params[] = {config->watermarks_schema, config->watermarks_table,
                            config->publication, table, publication};
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 5, params, err);
    bool ok = rows != NULL;
    if (ok && pg_rows_count(rows) && !pg_rows_null(rows, 0, ROWS_VALUE)) {
        ok = err_set(err, ERR_CONFIG, "watermarks do not arrive: their table %s %s", table,
                     rows_text(rows, 0, ROWS_VALUE));
    }
    pg_rows_free(&rows);
    out_free(&sql);
    free(publication);
    free(table);
    return ok;
}
