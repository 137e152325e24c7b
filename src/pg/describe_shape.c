/* Expressions for several queries: the entries that publish a table, and its number of pages. */
#include <string.h>

#include "base/out.h"
#include "catalogs.h"
#include "describe.h"

/*
 * A partition is also published by entries of its ancestors. An entry is one of a table or of a
 * schema, or the publication itself, where it is for all tables (but those that it names). OFFSET 0
 * keeps the planner from reading all entries of a publication for one. Of several entries the
 * lowest oid is taken, which is nearly always the oldest entry's. ALTER TABLE ... SET SCHEMA writes
 * again on which schema the table depends.
 */
static const char entries_sql[] =
    "(WITH RECURSIVE line(oid,home,partition) AS"
    " (SELECT c.oid,c.relnamespace,c.relispartition FROM pg_catalog.pg_class c WHERE c.oid=%s"
    " UNION ALL SELECT c.oid,c.relnamespace,c.relispartition FROM line l"
    " JOIN pg_catalog.pg_inherits h ON h.inhrelid=l.oid AND l.partition"
    " JOIN pg_catalog.pg_class c ON c.oid=h.inhparent)"
    " SELECT pg_catalog.min(e.oid)::text AS published_by,"
    "coalesce(pg_catalog.left(pg_catalog.md5(pg_catalog.string_agg(coalesce(e.limits,''),','"
    " ORDER BY e.oid)),16),'') AS limits,pg_catalog.string_agg(e.home,'.' ORDER BY e.oid) AS home"
    " FROM pg_catalog.pg_publication p"
    " CROSS JOIN LATERAL (SELECT p.oid,NULL::text AS limits,NULL::text AS home"
    " WHERE p.puballtables AND NOT EXISTS (SELECT FROM line l JOIN pg_catalog.pg_publication_rel r"
    " ON r.prrelid=l.oid AND r.prpubid=p.oid WHERE %s)"
    " UNION ALL SELECT r.oid,%s,NULL FROM line l CROSS JOIN LATERAL"
    " (SELECT * FROM pg_catalog.pg_publication_rel r WHERE r.prrelid=l.oid AND r.prpubid=p.oid"
    " AND NOT %s OFFSET 0) r%s) e WHERE p.pubname=%s)";

void describe_entries_sql(struct out *sql, const char *oid, const char *publication, int version)
{
    static const char schemas[] =
        " UNION ALL SELECT n.oid,NULL,(SELECT d.xmin::text FROM pg_catalog.pg_depend d"
        " WHERE d.classid=1259 AND d.objid=l.oid AND d.objsubid=0 AND d.refclassid=2615 LIMIT 1)"
        " FROM pg_catalog.pg_publication_namespace n"
        " JOIN line l ON l.home=n.pnnspid WHERE n.pnpubid=p.oid";
    bool newer = version >= 150000; /* has schemas, lists of columns and row filters */
    const char *excepted = excepted_sql(version);
    out_format(sql, entries_sql, oid, excepted,
               newer ? "nullif(pg_catalog.concat_ws(' ',r.prattrs,r.prqual),'')" : "NULL", excepted,
               newer ? schemas : "", publication);
}

void describe_pages_sql(struct out *sql, const char *oid)
{
    out_format(
        sql,
        "(WITH RECURSIVE tree(oid,kind) AS (SELECT c.oid,c.relkind FROM pg_catalog.pg_class c"
        " WHERE c.oid=%s UNION ALL SELECT c.oid,c.relkind FROM tree t"
        " JOIN pg_catalog.pg_inherits h ON h.inhparent=t.oid AND t.kind='p'"
        " JOIN pg_catalog.pg_class c ON c.oid=h.inhrelid) "
        "SELECT coalesce(pg_catalog.max(pg_catalog.pg_relation_size(oid)),0)"
        "/pg_catalog.current_setting('block_size')::int FROM tree WHERE kind='r')",
        oid);
}
