/* The SQL of terms: each is one expression over a few rows of the catalogs. */
#include "pg/terms.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "catalogs.h"
#include "describe.h"
#include "pg/position.h"
#include "rows.h"
#include "stream_lists.h"
#include "terms_key.h"

/* Twice: exactly; and the captured ones alone, with integer types being one. */
static void add_columns(struct out *sql, const char *oid, const char *publication, int version)
{
    static const char digest[] =
        "coalesce(pg_catalog.left(pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ',"
        "a.attnum,a.attname,%s,a.atttypmod,a.attcollation%s),',' ORDER BY a.attnum)%s),12),'')";
    bool generated = version >= 120000;
    out_string(sql, "(SELECT ");
    out_format(sql, digest, "a.atttypid", generated ? ",a.attgenerated" : "", "");
    out_string(sql, "||'.'||");
    struct out captured;
    out_init(&captured, 512);
    out_string(&captured, " FILTER (WHERE NOT ");
    uncaptured_sql(&captured, publication, version);
    out_char(&captured, ')');
    out_format(sql, digest, "CASE WHEN a.atttypid IN (20,21,23) THEN 20 ELSE a.atttypid END", "",
               generated ? out_text(&captured) : "");
    out_free(&captured);
    out_format(sql,
               " FROM pg_catalog.pg_attribute a WHERE a.attrelid=%s AND a.attnum>0"
               " AND NOT a.attisdropped)",
               oid);
}

/*
 * The table and, if it is partitioned, everything below, with how each came to be there. A
 * partition that DETACH CONCURRENTLY has begun to detach is gone for queries from now on. OFFSET 0
 * keeps the planner, which expects many rows, from reading all of pg_class for one.
 */
static void add_tree(struct out *sql, const char *oid, int version)
{
    static const char class[] = "c.oid,c.relkind,c.relpersistence,c.relreplident,c.relfilenode,"
                                "c.relnamespace,c.relname";
    static const char names[] = "oid,kind,persistence,identity,file,schema,name";
    out_format(sql,
               "(WITH RECURSIVE tree(how,%s) AS (SELECT '-',%s"
               " FROM pg_catalog.pg_class c WHERE c.oid=%s UNION ALL"
               " SELECT CASE t.how WHEN '-' THEN '' ELSE t.how||'.' END||h.how,c.* FROM tree t"
               " CROSS JOIN LATERAL (SELECT i.inhrelid,i.xmin::text FROM pg_catalog.pg_inherits i"
               " WHERE i.inhparent=t.oid%s OFFSET 0) h(oid,how)"
               " CROSS JOIN LATERAL (SELECT %s FROM pg_catalog.pg_class c WHERE c.oid=h.oid"
               " OFFSET 0) c WHERE t.kind='p') ",
               names, class, oid, version >= 140000 ? " AND NOT i.inhdetachpending" : "", class);
}

/* A table without any identity refuses updates: then there are no changes that must carry the
 * key. */
static void add_identity(struct out *sql, const char *key)
{
    static const char index[] =
        "i.indrelid=t.oid AND (t.identity='d' AND i.indisprimary AND i.indimmediate"
        " OR t.identity='i' AND i.indisreplident)";
    out_format(sql,
               "coalesce((SELECT pg_catalog.string_agg(x.schema||'.'||x.name,', ') FROM ("
               "SELECT (SELECT pg_catalog.quote_ident(s.nspname) FROM pg_catalog.pg_namespace s"
               " WHERE s.oid=t.schema),pg_catalog.quote_ident(t.name)"
               " FROM tree t WHERE t.kind IN ('r','p') AND t.identity<>'f'"
               " AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_index i WHERE %s)>0"
               " AND (SELECT pg_catalog.count(*) FROM unnest(%s) k(name) WHERE NOT EXISTS ("
               "SELECT FROM pg_catalog.pg_index i CROSS JOIN unnest(i.indkey) u(attnum)"
               " JOIN pg_catalog.pg_attribute a ON a.attrelid=t.oid AND a.attnum=u.attnum"
               " WHERE a.attname=k.name AND %s))>0 ORDER BY t.oid LIMIT 3) x(schema,name)),'')",
               index, key, index);
}

static void add_publication(struct out *sql, const char *publication, int version)
{
    out_format(sql,
               "(SELECT pg_catalog.concat(p.oid,'.',p.xmin,' ',p.pubinsert,p.pubupdate,p.pubdelete,"
               "%s%s,' ',%s) FROM pg_catalog.pg_publication p WHERE p.pubname=%s)",
               version >= 110000 ? "p.pubtruncate" : "''",
               version >= 180000 ? ",nullif(p.pubgencols,'n')" : "",
               version >= 130000 ? "p.pubviaroot" : "''", publication);
}

/* One row: identity, persistence and leaves. */
static void add_below(struct out *sql, const char *oid, const char *key, int version)
{
    add_tree(sql, oid, version);
    out_string(sql, "SELECT ");
    add_identity(sql, key);
    out_string(sql, " AS identity,(SELECT pg_catalog.max(t.persistence::text) FROM tree t"
                    " WHERE t.kind IN ('r','p')) AS persistence,"
                    "(SELECT coalesce(pg_catalog.string_agg(pg_catalog.concat(t.oid,':',t.how,':',"
                    "CASE WHEN t.kind='f' THEN 'f' ELSE t.file::text END),' ' ORDER BY t.oid),'')"
                    " FROM tree t WHERE t.kind<>'p') AS leaves)");
}

void terms_sql(struct out *sql, const char *oid, const char *publication, const char *key,
               int version)
{
    out_format(sql, "(SELECT c.oid::text FROM pg_catalog.pg_class c WHERE c.oid=%s),", oid);
    add_columns(sql, oid, publication, version);
    out_char(sql, ',');
    terms_key_sql(sql, oid, publication, key, version);
    out_char(sql, ',');
    terms_order_sql(sql, oid, publication, key, version);
    out_char(sql, ',');
    out_string(sql, "below.identity,entries.published_by,entries.limits,");
    add_publication(sql, publication, version);
    out_string(sql, ",below.persistence,below.leaves,entries.home,within.written");
}

void terms_from_sql(struct out *sql, const char *oid, const char *publication, const char *key,
                    int version)
{
    out_string(sql, "LATERAL ");
    add_below(sql, oid, key, version);
    out_string(sql, " below CROSS JOIN LATERAL ");
    describe_entries_sql(sql, oid, publication, version);
    out_string(sql, " entries CROSS JOIN LATERAL ");
    terms_within_sql(sql, oid, key, version);
    out_string(sql, " within");
}

void terms_take(struct terms *terms, const struct pg_rows *rows, int row, int column)
{
    *terms = (struct terms){.known = true};
    for (int i = 0; i < TERMS; i++) {
        terms->text[i] = rows_copy(rows, row, column + i);
    }
}

enum {
    COL_HORIZON,
    COL_TERMS, /* all of them, from here on */
};

static struct pg_rows *query(struct pg *pg, const struct config *config,
                             const struct catalog *catalog, char *const *const *keys,
                             struct err *err)
{
    struct stream_lists lists;
    struct out sql;
    stream_lists_open(&lists);
    for (int i = 0; i < catalog->count; i++) {
        const struct catalog_stream *stream = &catalog->streams[i];
        stream_lists_add(&lists, stream->schema, stream->table, keys[i]);
    }
    stream_lists_close(&lists);
    out_init(&sql, 8192);
    out_string(&sql, "SELECT pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()),");
    terms_sql(&sql, "w.oid", "$4", "w.key", pg_server_version(pg));
    out_string(&sql,
               " FROM (SELECT u.n,u.key::text[] AS key,(SELECT c.oid FROM pg_catalog.pg_class c"
               " JOIN pg_catalog.pg_namespace s ON s.oid=c.relnamespace"
               " WHERE s.nspname=u.s AND c.relname=u.t) AS oid"
               " FROM unnest($1::text[],$2::text[],$3::text[]) WITH ORDINALITY u(s,t,key,n)"
               ") w CROSS JOIN ");
    terms_from_sql(&sql, "w.oid", "$4", "w.key", pg_server_version(pg));
    out_string(&sql, " ORDER BY w.n");
    const char *params[] = {out_text(&lists.schemas), out_text(&lists.tables),
                            out_text(&lists.keys), config->publication};
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 4, params, err);
    stream_lists_free(&lists);
    out_free(&sql);
    return rows;
}

bool terms_look(struct pg *pg, const struct config *config, const struct catalog *catalog,
                char *const *const *keys, struct terms *now, uint64_t *lsn, struct err *err)
{
    struct pg_rows *rows = query(pg, config, catalog, keys, err);
    for (int i = 0; rows && i < catalog->count; i++) {
        terms_take(&now[i], rows, i, COL_TERMS);
        now[i].horizon = (uint64_t)rows_i64(rows, i, COL_HORIZON);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok && position_read(pg, position_sql, lsn, err);
}

static void take_oids(const char *text, uint32_t *oids, size_t *count)
{
    char *end;
    *count = 0;
    for (unsigned long oid = strtoul(text, &end, 10); end > text; oid = strtoul(text, &end, 10)) {
        oids[(*count)++] = (uint32_t)oid;
        text = end;
    }
}

/* One row of one value: the oids, with blanks between them; NULL: none. */
static const char gone_sql[] =
    "SELECT (SELECT pg_catalog.string_agg(u.oid::text,' ' ORDER BY u.n)"
    " FROM unnest($1::oid[]) WITH ORDINALITY u(oid,n)"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid=u.oid))";

bool terms_look_gone(struct pg *pg, uint32_t *oids, size_t *count, uint64_t *lsn, struct err *err)
{
    struct out list;
    out_init(&list, 256);
    pg_array_open(&list);
    for (size_t i = 0; i < *count; i++) {
        out_format(&list, "%s%" PRIu32, i ? "," : "", oids[i]);
    }
    pg_array_close(&list);
    const char *params[] = {out_text(&list)};
    struct pg_rows *rows = pg_query(pg, gone_sql, 1, params, err);
    out_free(&list);
    if (rows) {
        take_oids(rows_text(rows, 0, ROWS_VALUE), oids, count);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok && position_read(pg, position_sql, lsn, err);
}
