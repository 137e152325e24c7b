/* SQL of the terms of a table's key. */
#include "terms_key.h"

#include "catalogs.h"

void terms_key_sql(struct out *sql, const char *oid, const char *publication, const char *key,
                   int version)
{
    out_format(sql,
               "(SELECT coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(k.name)||CASE"
               " WHEN a.attnum IS NULL THEN ' missing' WHEN NOT %s THEN ' nullable'"
               " ELSE ' '||a.attnum END,"
               "',' ORDER BY k.n)||CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_index i WHERE ",
               not_null_sql(version));
    index_within_sql(sql, oid, key, publication, version);
    out_format(sql,
               ") THEN '' ELSE ' not unique' END,'')"
               " FROM unnest(%s) WITH ORDINALITY k(name,n) LEFT JOIN pg_catalog.pg_attribute a"
               " ON a.attrelid=%s AND a.attname=k.name AND a.attnum>0 AND NOT a.attisdropped)",
               key, oid);
}

/* An expression for a collation `c`: its identity, and the version that the server now has of
 * it. */
static const char *collation_sql(int version)
{
    return version >= 150000
               ? "CASE WHEN c=100 THEN 'default '||coalesce((SELECT"
                 " pg_catalog.pg_database_collation_actual_version(d.oid)"
                 " FROM pg_catalog.pg_database d WHERE d.datname=pg_catalog.current_database()),'')"
                 " WHEN c<>0 THEN c||' '||coalesce(pg_catalog.pg_collation_actual_version(c),'')"
                 " ELSE '' END"
               : "CASE WHEN c<>0 THEN c||' '||coalesce(pg_catalog.pg_collation_actual_version(c),"
                 "'') ELSE '' END";
}

/* The type of column `a`; of a domain, the innermost base type. */
static const char base_type_sql[] =
    "(SELECT CASE WHEN b.typbasetype=0 THEN b.oid ELSE (WITH RECURSIVE d(oid,base) AS ("
    "SELECT b.oid,b.typbasetype UNION ALL SELECT t.oid,t.typbasetype FROM d"
    " JOIN pg_catalog.pg_type t ON t.oid=d.base) SELECT d.oid FROM d WHERE d.base=0) END"
    " FROM pg_catalog.pg_type b WHERE b.oid=a.atttypid)";

/* The index by which the key is read, as keys_sql chooses it. */
static void add_index(struct out *sql, const char *oid, const char *publication, const char *key,
                      int version)
{
    out_format(sql,
               "(SELECT pg_catalog.concat_ws('|',(SELECT pg_catalog.string_agg("
               "(SELECT o.opcfamily::text FROM pg_catalog.pg_opclass o WHERE o.oid=u.c),' '"
               " ORDER BY u.p) FROM unnest(i.indclass) WITH ORDINALITY u(c,p)),"
               "(SELECT pg_catalog.string_agg(%s,' ' ORDER BY u.p)"
               " FROM unnest(i.indcollation) WITH ORDINALITY u(c,p)))"
               " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid=i.indexrelid"
               " WHERE ",
               collation_sql(version));
    index_within_sql(sql, oid, key, publication, version);
    out_format(sql, " ORDER BY i.indisprimary DESC,i.indisreplident DESC,%s,ic.relname LIMIT 1)",
               key_width_sql(version));
}

/* The key's columns, as `a`, in the key's order. */
static void add_columns_of(struct out *sql, const char *oid, const char *key)
{
    out_format(sql,
               " FROM unnest(%s) WITH ORDINALITY k(name,n) JOIN pg_catalog.pg_attribute a"
               " ON a.attrelid=%s AND a.attname=k.name AND a.attnum>0 AND NOT a.attisdropped",
               key, oid);
}

/*
 * The types that users have defined among those that the key's values consist of: of columns,
 * domains, arrays, attributes of row types, and ranges. The server's own have oids below 16384, and
 * never change.
 */
static void add_user_types(struct out *sql, const char *oid, const char *key, int version)
{
    out_string(sql, "WITH RECURSIVE types(oid) AS (SELECT a.atttypid");
    add_columns_of(sql, oid, key);
    out_format(sql,
               " WHERE a.atttypid>=16384 UNION SELECT x.oid FROM types s"
               " JOIN pg_catalog.pg_type t ON t.oid=s.oid CROSS JOIN LATERAL ("
               "SELECT t.typbasetype UNION ALL SELECT t.typelem UNION ALL"
               " SELECT m.atttypid FROM pg_catalog.pg_attribute m WHERE m.attrelid=t.typrelid"
               " AND m.attnum>0 AND NOT m.attisdropped UNION ALL"
               " SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid=t.oid%s"
               ") x(oid) WHERE x.oid>=16384) ",
               version >= 140000 ? " UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range r"
                                   " WHERE r.rngmultitypid=t.oid"
                                 : "");
}

/* Types that are ordered alike count as the same: see key_types_alike(). The columns are read once
 * for all. */
void terms_order_sql(struct out *sql, const char *oid, const char *publication, const char *key,
                     int version)
{
    out_format(sql,
               "(SELECT pg_catalog.left(pg_catalog.md5(pg_catalog.concat_ws('/',"
               "pg_catalog.string_agg(pg_catalog.concat_ws(' ',CASE"
               " WHEN x.base IN (20,21,23) THEN 20 WHEN x.base=1043 THEN 25 ELSE x.base END,"
               "(SELECT %s FROM (SELECT a.attcollation) y(c))),'|' ORDER BY k.n),",
               collation_sql(version));
    add_index(sql, oid, publication, key, version);
    out_string(sql, ",within.ordered)),16)");
    add_columns_of(sql, oid, key);
    out_format(sql, " CROSS JOIN LATERAL %s x(base))", base_type_sql);
}

/* Nearly all keys have types of the server alone: for them the search costs more than all else.
 * OFFSET: else it would be made once for each of the two. */
void terms_within_sql(struct out *sql, const char *oid, const char *key, int version)
{
    const char *collation = collation_sql(version);
    out_string(sql, "(SELECT w.found[1] AS ordered,coalesce(w.found[2],'') AS written"
                    " FROM (SELECT CASE WHEN EXISTS (SELECT");
    add_columns_of(sql, oid, key);
    out_string(sql, " WHERE a.atttypid>=16384) THEN (");
    add_user_types(sql, oid, key, version);
    out_format(sql,
               "SELECT ARRAY[pg_catalog.string_agg(pg_catalog.concat_ws(' ',"
               "(SELECT pg_catalog.string_agg(%s,' ' ORDER BY m.attnum)"
               " FROM pg_catalog.pg_attribute m CROSS JOIN LATERAL (SELECT m.attcollation) y(c)"
               " WHERE m.attrelid=t.typrelid AND m.attnum>0 AND NOT m.attisdropped),"
               "(SELECT pg_catalog.concat_ws(' ',r.rngsubopc,%s) FROM pg_catalog.pg_range r"
               " CROSS JOIN LATERAL (SELECT r.rngcollation) y(c) WHERE r.rngtypid=t.oid)"
               "),'|' ORDER BY t.oid) FILTER (WHERE t.typtype IN ('c','r')),",
               collation, collation);
    out_string(sql,
               "coalesce(pg_catalog.left(pg_catalog.md5(pg_catalog.string_agg("
               "(SELECT pg_catalog.string_agg(m.attnum||' '||m.atttypid,',' ORDER BY m.attnum)"
               " FROM pg_catalog.pg_attribute m WHERE m.attrelid=t.typrelid AND m.attnum>0"
               " AND NOT m.attisdropped),'|' ORDER BY t.oid) FILTER (WHERE t.typtype='c')),12),'')"
               "||coalesce(pg_catalog.string_agg((SELECT pg_catalog.string_agg("
               "' '||e.oid||'.'||pg_catalog.left(pg_catalog.md5(e.enumlabel),8),''"
               " ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid=t.oid),''"
               " ORDER BY t.oid),'')]"
               " FROM types s JOIN pg_catalog.pg_type t ON t.oid=s.oid) END OFFSET 0) w(found))");
}
