/* What tells two shapes of a table apart, in a form that costs nothing to compare. */
#include <string.h>

#include "base/out.h"
#include "describe.h"

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

/* The table and, if it is partitioned, everything below. */
static const char tree_sql[] =
    "(WITH RECURSIVE tree(oid,kind) AS (SELECT c.oid,c.relkind FROM pg_catalog.pg_class c"
    " WHERE c.oid=%s UNION ALL SELECT c.oid,c.relkind FROM tree t"
    " JOIN pg_catalog.pg_inherits h ON h.inhparent=t.oid AND t.kind='p'"
    " JOIN pg_catalog.pg_class c ON c.oid=h.inhrelid) ";

/* A table begins in a file that has the number of its oid, and every rewrite makes a new one. */
void describe_storage_sql(struct out *sql, const char *oid)
{
    out_format(sql, tree_sql, oid);
    out_string(sql, "SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg("
                    "pg_catalog.pg_relation_filenode(oid)::text,',' ORDER BY oid),'')) FROM tree"
                    " WHERE kind='r' AND pg_catalog.pg_relation_filenode(oid)<>oid)");
}

/*
 * A partition is published by what publishes any of those that it is part of, too. Of several
 * entries the lowest tells, which is nearly always the oldest.
 */
static const char publisher_sql[] =
    "(WITH RECURSIVE line(oid,home,partition) AS"
    " (SELECT c.oid,c.relnamespace,c.relispartition FROM pg_catalog.pg_class c WHERE c.oid=%s"
    " UNION ALL SELECT c.oid,c.relnamespace,c.relispartition FROM line l"
    " JOIN pg_catalog.pg_inherits h ON h.inhrelid=l.oid AND l.partition"
    " JOIN pg_catalog.pg_class c ON c.oid=h.inhparent)"
    " SELECT pg_catalog.min(e.oid) FROM pg_catalog.pg_publication p"
    " CROSS JOIN LATERAL (SELECT p.oid WHERE p.puballtables"
    " UNION ALL SELECT r.oid FROM pg_catalog.pg_publication_rel r"
    " JOIN line l ON l.oid=r.prrelid WHERE r.prpubid=p.oid%s) e WHERE p.pubname=%s)";

void describe_publisher_sql(struct out *sql, const char *oid, const char *publication, int version)
{
    static const char schemas[] =
        " UNION ALL SELECT n.oid FROM pg_catalog.pg_publication_namespace n"
        " JOIN line l ON l.home=n.pnnspid WHERE n.pnpubid=p.oid";
    out_format(sql, publisher_sql, oid, version >= 150000 ? schemas : "", publication);
}

void describe_pages_sql(struct out *sql, const char *oid)
{
    out_format(sql, tree_sql, oid);
    out_string(sql, "SELECT coalesce(pg_catalog.max(pg_catalog.pg_relation_size(oid)),0)"
                    "/pg_catalog.current_setting('block_size')::int FROM tree WHERE kind='r')");
}
