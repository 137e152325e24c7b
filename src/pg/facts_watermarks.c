/* Whether the watermarks table can be used, and whose code a write to it would run. */
#include <stdio.h>

#include "base/mem.h"
#include "catalogs.h"
#include "facts_read.h"
#include "rows.h"

/* One row, or none. */
static const char watermarks_sql[] =
    "WITH code(oid) AS (VALUES ('pg_proc'::regclass), ('pg_operator'), ('pg_type')) "
    "SELECT (SELECT count(*) = 2 FROM pg_attribute a WHERE a.attrelid = c.oid"
    "  AND a.attname IN ('slot', 'watermark') AND a.attnum > 0 AND NOT a.attisdropped"
    "  AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)),"
    " EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
    "  AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid"
    "  AND i.indimmediate AND i.indpred IS NULL AND %s = 1 AND a.attname = 'slot'),"
    " has_table_privilege(u.oid, c.oid, 'INSERT') AND has_table_privilege(u.oid, c.oid, 'UPDATE')"
    "  AND has_table_privilege(u.oid, c.oid, 'SELECT'), "
    /* We trust with our rights ourselves, and those who have them anyway: superusers, and who can
     * become us. */
    " (SELECT o.rolname FROM pg_roles o WHERE o.oid = c.relowner AND NOT o.rolsuper"
    "  AND o.oid <> u.oid AND NOT %s),"
    " (SELECT string_agg(DISTINCT coalesce(quote_ident(o.rolname), 'PUBLIC'), ', ')"
    "  FROM aclexplode(c.relacl) x LEFT JOIN pg_roles o ON o.oid = x.grantee"
    "  WHERE x.privilege_type = 'TRIGGER' AND x.grantee <> c.relowner"
    "  AND (o.oid IS NULL OR o.oid <> u.oid AND NOT o.rolsuper AND NOT %s)), "
    /* Code that a write runs, or may run. Only functions, operators and types that are not built in
     * have entries in pg_depend. */
    " (SELECT string_agg(w.what, ', ' ORDER BY w.what) FROM ("
    "  SELECT 'trigger ' || quote_ident(t.tgname) FROM pg_trigger t"
    "   WHERE t.tgrelid = c.oid AND NOT t.tgisinternal"
    "  UNION ALL SELECT 'rule ' || quote_ident(r.rulename) FROM pg_rewrite r "
    "   WHERE r.ev_class = c.oid"
    "  UNION ALL SELECT CASE WHEN %s THEN 'generated column ' ELSE 'the default of column ' END"
    "   || quote_ident(a.attname) FROM pg_attribute a JOIN pg_attrdef d"
    "   ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND (%s"
    "   OR EXISTS (SELECT FROM pg_depend p WHERE p.classid = 'pg_attrdef'::regclass"
    "    AND p.objid = d.oid AND p.refclassid IN (SELECT code.oid FROM code)))"
    "  UNION ALL SELECT 'column ' || quote_ident(a.attname) || ' of a domain' FROM pg_attribute a"
    "   JOIN pg_type y ON y.oid = a.atttypid WHERE a.attrelid = c.oid AND y.typtype = 'd'"
    "  UNION ALL SELECT 'constraint ' || quote_ident(k.conname) FROM pg_constraint k"
    "   WHERE k.conrelid = c.oid AND EXISTS (SELECT FROM pg_depend p"
    "    WHERE p.classid = 'pg_constraint'::regclass AND p.objid = k.oid"
    "    AND p.refclassid IN (SELECT code.oid FROM code))"
    "  UNION ALL SELECT 'index ' || quote_ident(ic.relname) FROM pg_index i"
    "   JOIN pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = c.oid"
    "   AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)"
    "  UNION ALL SELECT 'row level security' WHERE c.relrowsecurity"
    "  UNION ALL SELECT 'its partitioned table' WHERE c.relispartition) w(what)) "
    "FROM pg_class c CROSS JOIN (SELECT * FROM pg_roles WHERE rolname = %s) u WHERE c.oid = "
    "$1::oid";

enum {
    COL_COLUMNS,
    COL_UNIQUE,
    COL_WRITABLE,
    COL_OWNER,
    COL_TRIGGER_MAKERS,
    COL_CODE,
};

bool facts_read_watermarks(struct pg *pg, uint32_t oid, const char *who,
                           struct watermarks_facts *watermarks, struct err *err)
{
    char text[16];
    const char *params[] = {text};
    snprintf(text, sizeof text, "%u", oid);
    int version = pg_server_version(pg);
    const char *generated = generated_sql(version);
    char *sql = mem_format(watermarks_sql, key_width_sql(version), becomes_sql(version),
                           becomes_sql(version), generated, generated, who);
    struct pg_rows *rows = pg_query(pg, sql, 1, params, err);
    free(sql);
    if (rows && pg_rows_count(rows) == 1) {
        *watermarks = (struct watermarks_facts){
            .columns = rows_bool(rows, 0, COL_COLUMNS),
            .unique = rows_bool(rows, 0, COL_UNIQUE),
            .writable = rows_bool(rows, 0, COL_WRITABLE),
            .owner = rows_copy(rows, 0, COL_OWNER),
            .trigger_makers = rows_copy(rows, 0, COL_TRIGGER_MAKERS),
            .code = rows_copy(rows, 0, COL_CODE),
        };
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}
