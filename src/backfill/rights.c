/* Which privileges a role lacks to read a table. */
#include "rights.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool rights_name(struct pg *pg, const struct relation *relation, struct err *err)
{
    static const char sql[] =
        "SELECT pg_catalog.concat_ws('; ',"
        "CASE WHEN NOT pg_catalog.has_schema_privilege(n.oid,'USAGE') THEN"
        " pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I',n.nspname,current_user) END,"
        "CASE WHEN NOT pg_catalog.has_table_privilege(c.oid,'SELECT') THEN"
        " pg_catalog.format('GRANT SELECT ON TABLE %I.%I TO %I',n.nspname,c.relname,current_user)"
        " END) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace"
        " WHERE c.oid=$1::oid";
    struct err ignored = {0};
    if (strcmp(err->sqlstate, "42501") != 0 || !pg) {
        return false;
    }
    char *oid = mem_format("%" PRIu32, relation->oid);
    struct pg_rows *rows = pg_query(pg, sql, 1, (const char *const[]){oid}, &ignored);
    if (rows && pg_rows_count(rows) && *pg_rows_value(rows, 0, 0)) {
        err_suffix(err, "; run %s", pg_rows_value(rows, 0, 0));
    }
    pg_rows_free(&rows);
    free(oid);
    return false;
}
