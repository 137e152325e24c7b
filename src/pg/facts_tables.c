/* The facts of the captured tables and the watermarks table: whether they can be captured,
 * published, read. */
#include "base/mem.h"
#include "catalogs.h"
#include "facts_read.h"
#include "rows.h"
#include "stream_lists.h"

/* One row for each table asked for, whether it exists or not. Facts of the tables below and of keys
 * are gathered for all tables at once: one query per table would take long for many tables. */
static const char tables_sql[] =
    "WITH RECURSIVE " WANTED_SQL ", %s, " TREE_SQL ", below AS ("
    " SELECT t.root, bool_and(i.identified) AS identified, string_agg(DISTINCT x.names, ', ') AS "
    "unsent,"
    "  string_agg(format('ALTER TABLE %%s.%%I REPLICA IDENTITY FULL', c.relnamespace::regnamespace,"
    "   c.relname), '; ' ORDER BY c.oid) FILTER (WHERE NOT i.identified) AS mends,"
    "  bool_and(i.identified OR pg_has_role(c.relowner, 'USAGE')) AS owned"
    " FROM tree t JOIN pg_class c ON c.oid = t.oid AND c.relkind = 'r'"
    " CROSS JOIN LATERAL (SELECT %s) i(identified)"
    " CROSS JOIN LATERAL (SELECT %s) x(names) GROUP BY t.root"
    "), uniques AS ("
    " SELECT i.indrelid, i.indisprimary, array_agg(k.attname::text) AS names,"
    "  string_agg(quote_ident(k.attname), ', ' ORDER BY u.position) AS list"
    " FROM wanted w JOIN pg_index i ON i.indrelid = w.oid"
    " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY u(attnum, position)"
    " JOIN pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = u.attnum"
    " WHERE w.key IS NOT NULL AND u.position <= %s AND %s "
    " GROUP BY i.indrelid, i.indexrelid, i.indisprimary"
    "), named AS ("
    " SELECT w.n, a.attname, NOT %s AS nullable FROM wanted w JOIN pg_attribute a"
    "  ON a.attrelid = w.oid AND a.attname = ANY (w.key) AND a.attnum > 0 "
    "   AND NOT a.attisdropped"
    "), keys AS ("
    " SELECT m.n, array_agg(m.attname::text) AS names,"
    "  string_agg(format('ALTER COLUMN %%I SET NOT NULL', m.attname), ', ')"
    "   FILTER (WHERE m.nullable) AS nulls FROM named m GROUP BY m.n"
    "), instead AS ("
    " SELECT w.n, bool_or(u.names <@ w.key) AS within,"
    "  string_agg('(' || u.list || ')', ', ' ORDER BY u.indisprimary DESC, u.list) AS list"
    " FROM wanted w JOIN uniques u ON u.indrelid = w.oid GROUP BY w.n"
    ") "
    "SELECT w.schema IS NOT NULL,"
    " has_schema_privilege(r.rolname, w.schema, 'USAGE'),"
    " has_schema_privilege(r.rolname, w.schema, 'CREATE'),"
    " has_schema_privilege('public', w.schema, 'USAGE'),"
    " c.oid,"
    " c.relkind,"
    " c.relpersistence,"
    " w.schema_name ~ '^pg_' OR w.schema_name = 'information_schema',"
    " c.relispartition,"
    " pg_has_role(r.rolname, c.relowner, 'USAGE'),"
    " has_table_privilege(r.rolname, c.oid, 'SELECT'),"
    /* as row_security_active() says it of the session's user */
    " c.relkind IN ('r', 'p') AND c.relrowsecurity,"
    " c.relkind IN ('r', 'p') AND c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls"
    "  AND (c.relforcerowsecurity OR NOT pg_has_role(r.rolname, c.relowner, 'USAGE')),"
    " coalesce(b.identified, true),"
    " b.unsent,"
    " b.mends,"
    " b.owned,"
    " EXISTS (SELECT FROM published g WHERE g.relid = c.oid),"
    " w.key <@ k.names AND NOT coalesce(i.within, false),"
    " i.list,"
    " k.nulls,"
    " CASE WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN pg_get_userbyid(c.relowner) END,"
    " CASE WHEN NOT has_schema_privilege(w.schema, 'USAGE WITH GRANT OPTION')"
    "  THEN o.name END,"
    " CASE WHEN NOT has_schema_privilege(w.schema, 'CREATE') THEN o.name END,"
    " (SELECT rolsuper FROM pg_roles WHERE oid = c.relowner) "
    "FROM (SELECT * FROM pg_roles WHERE rolname = %s) r CROSS JOIN wanted w LEFT JOIN pg_class c "
    "ON c.oid = w.oid LEFT JOIN below b ON b.root = w.oid "
    "LEFT JOIN keys k ON k.n = w.n LEFT JOIN instead i ON i.n = w.n "
    "LEFT JOIN LATERAL (SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace n"
    " WHERE n.oid = w.schema) o(name) ON true "
    "ORDER BY w.n";

enum {
    COL_SCHEMA_EXISTS,
    COL_SCHEMA_USABLE,
    COL_SCHEMA_WRITABLE,
    COL_SCHEMA_OPEN,
    COL_OID,
    COL_KIND,
    COL_PERSISTENCE,
    COL_SYSTEM,
    COL_PARTITION,
    COL_OWNED,
    COL_READABLE,
    COL_SECURED,
    COL_ROW_SECURITY,
    COL_IDENTIFIED,
    COL_UNSENT,
    COL_LEAF_MENDS,
    COL_LEAVES_OWNED,
    COL_PUBLISHED,
    COL_KEY_REPEATS,
    COL_UNIQUES,
    COL_KEY_NULLS,
    COL_OWNER,
    COL_SCHEMA_OWNER,
    COL_SCHEMA_CREATOR,
    COL_OWNER_SUPERUSER,
};

static void take_table(struct table_facts *table, const struct pg_rows *rows, int row)
{
    *table = (struct table_facts){
        .schema_exists = rows_bool(rows, row, COL_SCHEMA_EXISTS),
        .schema_usable = rows_bool(rows, row, COL_SCHEMA_USABLE),
        .schema_writable = rows_bool(rows, row, COL_SCHEMA_WRITABLE),
        .schema_open = rows_bool(rows, row, COL_SCHEMA_OPEN),
        .oid = rows_oid(rows, row, COL_OID),
        .kind = *rows_text(rows, row, COL_KIND),
        .persistence = *rows_text(rows, row, COL_PERSISTENCE),
        .system = rows_bool(rows, row, COL_SYSTEM),
        .partition = rows_bool(rows, row, COL_PARTITION),
        .owned = rows_bool(rows, row, COL_OWNED),
        .readable = rows_bool(rows, row, COL_READABLE),
        .secured = rows_bool(rows, row, COL_SECURED),
        .row_security = rows_bool(rows, row, COL_ROW_SECURITY),
        .identified = rows_bool(rows, row, COL_IDENTIFIED),
        .unsent = rows_copy(rows, row, COL_UNSENT),
        .leaf_mends = rows_copy(rows, row, COL_LEAF_MENDS),
        .leaves_owned = rows_bool(rows, row, COL_LEAVES_OWNED),
        .published = rows_bool(rows, row, COL_PUBLISHED),
        .key_repeats = rows_bool(rows, row, COL_KEY_REPEATS),
        .uniques = rows_copy(rows, row, COL_UNIQUES),
        .key_nulls = rows_copy(rows, row, COL_KEY_NULLS),
        .owner = rows_copy(rows, row, COL_OWNER),
        .schema_owner = rows_copy(rows, row, COL_SCHEMA_OWNER),
        .schema_creator = rows_copy(rows, row, COL_SCHEMA_CREATOR),
        .owner_superuser = rows_bool(rows, row, COL_OWNER_SUPERUSER),
    };
}

static void write_tables_sql(struct out *sql, const char *who, int version)
{
    struct out published, usable, unsent;
    out_init(&published, 2048);
    out_init(&usable, 512);
    out_init(&unsent, 512);
    published_sql(&published, "$3", version);
    usable_index_sql(&usable, "$3", version);
    unsent_identity_sql(&unsent, "$3", version);
    out_format(sql, tables_sql, out_text(&published), identified_sql, out_text(&unsent),
               key_width_sql(version), out_text(&usable), not_null_sql(version), who);
    out_free(&published);
    out_free(&usable);
    out_free(&unsent);
}

static struct pg_rows *query_tables(struct pg *pg, const struct config *config,
                                    const struct catalog *catalog, const char *who, struct err *err)
{
    struct stream_lists lists;
    struct out sql;
    stream_lists_open(&lists);
    stream_lists_add_catalog(&lists, catalog);
    stream_lists_add(&lists, config->watermarks_schema, config->watermarks_table, NULL);
    stream_lists_close(&lists);
    out_init(&sql, sizeof tables_sql);
    write_tables_sql(&sql, who, pg_server_version(pg));
    const char *params[] = {out_text(&lists.schemas), out_text(&lists.tables), config->publication,
                            out_text(&lists.keys)};
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 4, params, err);
    stream_lists_free(&lists);
    out_free(&sql);
    return rows;
}

bool facts_read_tables(struct pg *pg, const struct config *config, const struct catalog *catalog,
                       const char *who, struct facts *facts, struct err *err)
{
    facts->stream_count = catalog ? catalog->count : 0;
    facts->tables = mem_zero((size_t)(facts->stream_count + 1) * sizeof *facts->tables);
    struct pg_rows *rows = query_tables(pg, config, catalog, who, err);
    for (int i = 0; rows && i <= facts->stream_count; i++) {
        take_table(&facts->tables[i], rows, i);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}
