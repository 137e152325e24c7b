/* Reading how things stand. Nothing is judged here: that is problems.c. */
#include "pg/facts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "catalogs.h"
#include "rows.h"
#include "settled.h"

static const char server_sql[] =
    "SELECT current_setting('wal_level'), current_user, current_database(), pg_is_in_recovery(),"
    " (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),"
    " has_database_privilege(current_database(), 'CREATE'),"
    " current_setting('max_replication_slots'), (SELECT count(*) FROM pg_replication_slots),"
    " (SELECT string_agg(slot_name, ', ') FROM pg_replication_slots WHERE NOT active),"
    " (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),"
    " (SELECT datconnlimit FROM pg_database WHERE datname = current_database()),"
    " current_setting('max_wal_senders'), (SELECT count(*) FROM pg_stat_replication),"
    " (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user)"
    "  OR EXISTS (SELECT FROM pg_roles g WHERE g.rolname = 'rds_replication'"
    "   AND pg_has_role(g.oid, 'USAGE'))";

static bool read_server(struct pg *pg, struct server_facts *server, struct err *err)
{
    struct pg_rows *rows = pg_query(pg, server_sql, 0, NULL, err);
    if (!rows) {
        return false;
    }
    server->version = pg_server_version(pg);
    server->wal_level = rows_copy(rows, 0, 0);
    server->user = rows_copy(rows, 0, 1);
    server->database = rows_copy(rows, 0, 2);
    server->standby = rows_bool(rows, 0, 3);
    server->superuser = rows_bool(rows, 0, 4);
    server->may_create = rows_bool(rows, 0, 5);
    server->max_slots = rows_int(rows, 0, 6);
    server->slots = rows_int(rows, 0, 7);
    server->idle_slots = rows_copy(rows, 0, 8);
    server->role_limit = rows_int(rows, 0, 9);
    server->database_limit = rows_int(rows, 0, 10);
    server->max_wal_senders = rows_int(rows, 0, 11);
    server->wal_senders = rows_int(rows, 0, 12);
    server->replicates = rows_bool(rows, 0, 13);
    pg_rows_free(&rows);
    return true;
}

static bool read_publication(struct pg *pg, const struct config *config,
                             struct publication_facts *publication, struct err *err)
{
    struct out sql;
    const char *params[] = {config->publication};
    out_init(&sql, 256);
    out_format(&sql,
               "SELECT puballtables, pg_has_role(pubowner, 'USAGE'), pubinsert, pubupdate, "
               "pubdelete, %s, %s "
               "FROM pg_publication WHERE pubname = $1",
               pg_server_version(pg) >= 110000 ? "pubtruncate" : "true",
               pg_server_version(pg) >= 130000 ? "pubviaroot" : "false");
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 1, params, err);
    out_free(&sql);
    if (rows && pg_rows_count(rows) == 1) {
        *publication = (struct publication_facts){
            .exists = true,
            .all_tables = rows_bool(rows, 0, 0),
            .owned = rows_bool(rows, 0, 1),
            .inserts = rows_bool(rows, 0, 2),
            .updates = rows_bool(rows, 0, 3),
            .deletes = rows_bool(rows, 0, 4),
            .truncates = rows_bool(rows, 0, 5),
            .via_root = rows_bool(rows, 0, 6),
        };
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

/* One row for each table asked for, there or not. */
static const char tables_sql[] =
    "WITH RECURSIVE wanted AS ("
    " SELECT w.n, w.schema_name, s.oid AS schema, c.oid, w.key::text[] AS key"
    " FROM unnest($1::text[], $2::text[], $4::text[]) WITH ORDINALITY"
    "  w(schema_name, table_name, key, n)"
    " LEFT JOIN pg_namespace s ON s.nspname = w.schema_name"
    " LEFT JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = w.table_name"
    "), published AS ("
    " SELECT g.relid FROM pg_publication p"
    " CROSS JOIN LATERAL pg_get_publication_tables(p.pubname::text) g WHERE p.pubname = $3"
    "), tree(root, oid) AS (" /* each table and, if it is partitioned, all that is below */
    " SELECT w.oid, w.oid FROM wanted w"
    " UNION ALL SELECT t.root, h.inhrelid FROM tree t"
    "  JOIN pg_class p ON p.oid = t.oid AND p.relkind = 'p' JOIN pg_inherits h ON h.inhparent = "
    "t.oid"
    "), uniques AS ("
    " SELECT i.indrelid, i.indisprimary, array_agg(k.attname::text) AS names,"
    "  string_agg(quote_ident(k.attname), ', ' ORDER BY u.position) AS list"
    " FROM wanted w JOIN pg_index i ON i.indrelid = w.oid"
    " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY u(attnum, position)"
    " JOIN pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = u.attnum"
    " WHERE w.key IS NOT NULL AND u.position <= %s AND %s GROUP BY i.indrelid, i.indexrelid, "
    "i.indisprimary"
    "), named AS ("
    " SELECT w.n, a.attname, NOT %s AS nullable FROM wanted w JOIN pg_attribute a"
    "  ON a.attrelid = w.oid AND a.attname = ANY (w.key) AND a.attnum > 0 AND NOT a.attisdropped"
    ") "
    "SELECT w.schema IS NOT NULL, has_schema_privilege(w.schema, 'USAGE'),"
    " has_schema_privilege(w.schema, 'CREATE'), c.oid, c.relkind, c.relpersistence,"
    " w.schema_name ~ '^pg_' OR w.schema_name = 'information_schema', c.relispartition,"
    " pg_has_role(c.relowner, 'USAGE'),"
    " has_table_privilege(c.oid, 'SELECT'),"
    " CASE WHEN c.relkind IN ('r', 'p') THEN row_security_active(c.oid) END,"
    " NOT EXISTS (SELECT FROM tree t JOIN pg_class c ON c.oid = t.oid"
    "  WHERE t.root = w.oid AND c.relkind = 'r' AND NOT %s),"
    " EXISTS (SELECT FROM published g WHERE g.relid = c.oid),"
    " w.key <@ (SELECT array_agg(m.attname::text) FROM named m WHERE m.n = w.n)"
    "  AND NOT EXISTS (SELECT FROM uniques u WHERE u.indrelid = c.oid AND u.names <@ w.key),"
    " (SELECT string_agg('(' || u.list || ')', ', ' ORDER BY u.indisprimary DESC, u.list)"
    "  FROM uniques u WHERE u.indrelid = c.oid),"
    " (SELECT string_agg(format('ALTER COLUMN %%I SET NOT NULL', m.attname), ', ')"
    "  FROM named m WHERE m.n = w.n AND m.nullable) "
    "FROM wanted w LEFT JOIN pg_class c ON c.oid = w.oid "
    "ORDER BY w.n";

static void take_table(struct table_facts *table, const struct pg_rows *rows, int row)
{
    *table = (struct table_facts){
        .schema_exists = rows_bool(rows, row, 0),
        .schema_usable = rows_bool(rows, row, 1),
        .schema_writable = rows_bool(rows, row, 2),
        .oid = rows_oid(rows, row, 3),
        .kind = *rows_text(rows, row, 4),
        .persistence = *rows_text(rows, row, 5),
        .system = rows_bool(rows, row, 6),
        .partition = rows_bool(rows, row, 7),
        .owned = rows_bool(rows, row, 8),
        .readable = rows_bool(rows, row, 9),
        .row_security = rows_bool(rows, row, 10),
        .identified = rows_bool(rows, row, 11),
        .published = rows_bool(rows, row, 12),
        .key_repeats = rows_bool(rows, row, 13),
        .uniques = rows_copy(rows, row, 14),
        .key_nulls = rows_copy(rows, row, 15),
    };
}

static void write_tables_sql(struct out *sql, int version)
{
    struct out usable;
    out_init(&usable, 512);
    usable_index_sql(&usable, version);
    out_format(sql, tables_sql, key_width_sql(version), out_text(&usable), not_null_sql(version),
               identified_sql);
    out_free(&usable);
}

static struct pg_rows *query_tables(struct pg *pg, const struct config *config,
                                    const struct catalog *catalog, struct err *err)
{
    struct out schemas, tables, keys, sql;
    out_init(&schemas, 256);
    out_init(&tables, 256);
    out_init(&keys, 256);
    out_init(&sql, sizeof tables_sql);
    pg_array_open(&schemas);
    pg_array_open(&tables);
    pg_array_open(&keys);
    for (int i = 0; catalog && i < catalog->count; i++) {
        pg_array_add(&schemas, catalog->streams[i].schema);
        pg_array_add(&tables, catalog->streams[i].table);
        pg_array_add_names(&keys, catalog->streams[i].key);
    }
    pg_array_add(&schemas, config->watermarks_schema);
    pg_array_add(&tables, config->watermarks_table);
    pg_array_add_names(&keys, NULL);
    pg_array_close(&schemas);
    pg_array_close(&tables);
    pg_array_close(&keys);
    write_tables_sql(&sql, pg_server_version(pg));
    const char *params[] = {out_text(&schemas), out_text(&tables), config->publication,
                            out_text(&keys)};
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 4, params, err);
    out_free(&schemas);
    out_free(&tables);
    out_free(&keys);
    out_free(&sql);
    return rows;
}

static bool read_tables(struct pg *pg, const struct config *config, const struct catalog *catalog,
                        struct facts *facts, struct err *err)
{
    facts->stream_count = catalog ? catalog->count : 0;
    facts->tables = mem_zero((size_t)(facts->stream_count + 1) * sizeof *facts->tables);
    struct pg_rows *rows = query_tables(pg, config, catalog, err);
    for (int i = 0; rows && i <= facts->stream_count; i++) {
        take_table(&facts->tables[i], rows, i);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

static const char watermarks_sql[] =
    "WITH code(oid) AS (VALUES ('pg_proc'::regclass), ('pg_operator'), ('pg_type')) "
    "SELECT (SELECT count(*) = 2 FROM pg_attribute a WHERE a.attrelid = c.oid"
    "  AND a.attname IN ('slot', 'watermark') AND a.attnum > 0 AND NOT a.attisdropped"
    "  AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)),"
    " EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
    "  AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid"
    "  AND i.indimmediate AND i.indpred IS NULL AND %s = 1 AND a.attname = 'slot'),"
    " has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')"
    "  AND has_table_privilege(c.oid, 'SELECT'), "
    /* Whom we trust with our rights: ourselves, and who has all rights anyway. */
    " (SELECT o.rolname FROM pg_roles o WHERE o.oid = c.relowner AND NOT o.rolsuper"
    "  AND o.rolname <> current_user),"
    " (SELECT string_agg(DISTINCT coalesce(quote_ident(g.rolname), 'PUBLIC'), ', ')"
    "  FROM aclexplode(c.relacl) x LEFT JOIN pg_roles g ON g.oid = x.grantee"
    "  WHERE x.privilege_type = 'TRIGGER' AND x.grantee <> c.relowner"
    "  AND g.rolname IS DISTINCT FROM current_user AND g.rolsuper IS NOT TRUE), "
    /* What a write runs, or may; of functions, operators and types only those that are not the
     * server's own are dependencies. */
    " (SELECT string_agg(w.what, ', ' ORDER BY w.what) FROM ("
    "  SELECT 'trigger ' || quote_ident(t.tgname) FROM pg_trigger t"
    "   WHERE t.tgrelid = c.oid AND NOT t.tgisinternal"
    "  UNION ALL SELECT 'rule ' || quote_ident(r.rulename) FROM pg_rewrite r WHERE r.ev_class = "
    "c.oid"
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
    "FROM pg_class c WHERE c.oid = $1::oid";

static bool read_watermarks(struct pg *pg, struct facts *facts, struct err *err)
{
    char oid[16];
    const char *params[] = {oid};
    struct out sql;
    snprintf(oid, sizeof oid, "%u", facts_watermarks(facts)->oid);
    out_init(&sql, 1024);
    const char *generated = generated_sql(pg_server_version(pg));
    out_format(&sql, watermarks_sql, key_width_sql(pg_server_version(pg)), generated, generated);
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 1, params, err);
    out_free(&sql);
    if (rows && pg_rows_count(rows) == 1) {
        facts->watermarks.columns = rows_bool(rows, 0, 0);
        facts->watermarks.unique = rows_bool(rows, 0, 1);
        facts->watermarks.writable = rows_bool(rows, 0, 2);
        facts->watermarks.owner = rows_copy(rows, 0, 3);
        facts->watermarks.trigger_makers = rows_copy(rows, 0, 4);
        facts->watermarks.code = rows_copy(rows, 0, 5);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

static bool read_all(struct pg *pg, const struct config *config, const struct catalog *catalog,
                     int named, struct facts *facts, struct err *err)
{
    *facts = (struct facts){.named = named};
    return read_server(pg, &facts->server, err) &&
           read_publication(pg, config, &facts->publication, err) &&
           slot_read(pg, config->slot, &facts->slot, err) &&
           read_tables(pg, config, catalog, facts, err) && read_watermarks(pg, facts, err) &&
           ((catalog && facts->publication.exists) ||
            survey_read(pg, config, named, &facts->survey, err));
}

static bool is_settled(struct pg *pg, const struct config *config, const struct catalog *catalog,
                       const struct facts *facts, bool *settled, struct err *err)
{
    int count = facts->stream_count;
    struct named_table *named = mem_zero((size_t)(count + 1) * sizeof *named);
    for (int i = 0; i < count; i++) {
        const struct catalog_stream *stream = &catalog->streams[i];
        named[i] = (struct named_table){stream->schema, stream->table, facts->tables[i].oid};
    }
    named[count] = (struct named_table){config->watermarks_schema, config->watermarks_table,
                                        facts_watermarks(facts)->oid};
    bool ok = names_settled(pg, named, count + 1, settled, err);
    free(named);
    return ok;
}

static bool read_settled(struct pg *pg, const struct config *config, const struct catalog *catalog,
                         int named, struct facts *facts, struct err *err)
{
    for (int looks = 0; looks < SETTLED_LOOKS; looks++) {
        bool settled;
        if (!read_all(pg, config, catalog, named, facts, err) ||
            !is_settled(pg, config, catalog, facts, &settled, err)) {
            return false;
        }
        if (settled) {
            return true;
        }
        facts_free(facts);
    }
    return names_unsettled(err);
}

bool facts_read(struct pg *pg, const struct config *config, const struct catalog *catalog,
                struct facts *facts, struct err *err)
{
    return read_settled(pg, config, catalog, NAMED_TABLES, facts, err);
}

bool facts_read_all(struct pg *pg, const struct config *config, const struct catalog *catalog,
                    struct facts *facts, struct err *err)
{
    return read_settled(pg, config, catalog, ALL_TABLES, facts, err);
}

void facts_free(struct facts *facts)
{
    free(facts->server.wal_level);
    free(facts->server.user);
    free(facts->server.database);
    free(facts->server.idle_slots);
    slot_clear(&facts->slot);
    for (int i = 0; facts->tables && i <= facts->stream_count; i++) {
        free(facts->tables[i].uniques);
        free(facts->tables[i].key_nulls);
    }
    free(facts->tables);
    free(facts->watermarks.owner);
    free(facts->watermarks.trigger_makers);
    free(facts->watermarks.code);
    survey_clear(&facts->survey);
    *facts = (struct facts){0};
}
