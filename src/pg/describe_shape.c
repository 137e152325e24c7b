/* What tells two shapes of a table apart, in a form that costs nothing to compare. */
#include "base/out.h"
#include "pg/describe.h"

void describe_shape_sql(struct out *sql, const char *oid)
{
    out_format(sql,
               "(SELECT coalesce(pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ',"
               "a.attrelid,a.attnum,a.attname,a.atttypid,a.atttypmod),',' ORDER BY a.attnum)),'')"
               " FROM pg_catalog.pg_attribute a WHERE a.attrelid=%s"
               " AND a.attnum>0 AND NOT a.attisdropped)",
               oid);
}
