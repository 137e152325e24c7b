/* What tells two shapes of a table apart, in a form that costs nothing to compare. */
#include <string.h>

#include "base/out.h"
#include "pg/describe.h"

static void add_published(struct out *sql, const char *oid, const char *publication)
{
    out_format(sql,
               "||(SELECT coalesce(pg_catalog.md5(pg_catalog.string_agg("
               "pg_catalog.concat_ws(' ',g.prattrs,g.prqual),',')),'')"
               " FROM pg_catalog.pg_publication_rel g JOIN pg_catalog.pg_publication p"
               " ON p.oid=g.prpubid WHERE g.prrelid=%s AND p.pubname=",
               oid);
    pg_quote_literal(sql, publication, strlen(publication));
    out_char(sql, ')');
}

void describe_shape_sql(struct out *sql, const char *oid, const char *publication)
{
    out_format(sql,
               "((SELECT coalesce(pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ',"
               "a.attrelid,a.attnum,a.attname,a.atttypid,a.atttypmod),',' ORDER BY a.attnum)),'')"
               " FROM pg_catalog.pg_attribute a WHERE a.attrelid=%s"
               " AND a.attnum>0 AND NOT a.attisdropped)",
               oid);
    if (publication) {
        add_published(sql, oid, publication);
    }
    out_char(sql, ')');
}
