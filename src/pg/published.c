/* What a publication publishes. */
#include "catalogs.h"

static const char asked_sql[] =
    "published AS (SELECT g.* FROM pg_publication p"
    " CROSS JOIN LATERAL pg_get_publication_tables(p.pubname::text) g WHERE p.pubname = %s)";

/*
 * From version 16 on, that function waits for a lock of each published table, so that a table that
 * is locked would hold up questions about all others. So this reads the catalogs by the server's
 * rules: with publish_via_partition_root, what is named, but for partitions of what is named; else
 * what is named, and in the place of a partitioned table its leaves.
 *
 * In a CREATE PUBLICATION tables are named one by one, or by their schema, or are all. Version 19
 * has exceptions, whose rules are left to the function.
 */
static const char read_sql[] =
    "published AS ("
    "WITH pub AS MATERIALIZED (SELECT * FROM pg_publication WHERE pubname = %s),"
    " named(oid) AS MATERIALIZED ("
    "  SELECT r.prrelid FROM pub p JOIN pg_publication_rel r ON r.prpubid = p.oid"
    "  UNION SELECT c.oid FROM pub p JOIN pg_class c ON p.puballtables OR c.relnamespace IN"
    "   (SELECT n.pnnspid FROM pg_publication_namespace n WHERE n.pnpubid = p.oid)"
    "  WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= 16384) "
    "SELECT c.oid AS relid, r.prattrs AS attrs, r.prqual AS qual"
    " FROM pub p JOIN pg_class c ON c.relkind IN ('r', 'p', 'f')"
    " LEFT JOIN named m ON m.oid = c.oid"
    " LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid"
    "  AND NOT EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid"
    "   AND n.pnnspid = c.relnamespace)"
    " CROSS JOIN LATERAL (SELECT c.relispartition AND EXISTS (SELECT"
    "  FROM pg_partition_ancestors(c.oid) a(oid) JOIN named USING (oid) WHERE a.oid <> c.oid))"
    "  above(named)"
    " WHERE CASE WHEN p.puballtables THEN m.oid IS NOT NULL AND CASE WHEN p.pubviaroot"
    "   THEN NOT c.relispartition ELSE c.relkind = 'r' END"
    "  WHEN p.pubviaroot THEN m.oid IS NOT NULL AND NOT above.named"
    "  ELSE c.relkind <> 'p' AND (m.oid IS NOT NULL OR above.named) END)";

void published_sql(struct out *out, const char *publication, int version)
{
    bool read = version >= 160000 && version < 190000;
    out_format(out, read ? read_sql : asked_sql, publication);
}
