/* SQL for what differs between the catalogs of PostgreSQL 10 to 19, and for what several queries
 * need. */
#include "catalogs.h"

#include <stdlib.h>

#include "base/mem.h"
#include "pg/pg.h"

void pg_array_open(struct out *out)
{
    out_char(out, '{');
}

void pg_array_add(struct out *out, const char *item)
{
    char last = out->data[out->len - 1];
    out_string(out, last == '{' ? "\"" : ",\"");
    for (; *item; item++) {
        if (*item == '"' || *item == '\\') {
            out_char(out, '\\');
        }
        out_char(out, *item);
    }
    out_char(out, '"');
}

void pg_array_add_names(struct out *out, char *const *names)
{
    struct out inner;
    out_init(&inner, 64);
    pg_array_open(&inner);
    for (; names && *names; names++) {
        pg_array_add(&inner, *names);
    }
    pg_array_close(&inner);
    if (inner.len > 2) {
        pg_array_add(out, out_text(&inner));
    } else {
        out_string(out, out->len > 1 ? ",NULL" : "NULL");
    }
    out_free(&inner);
}

void pg_array_close(struct out *out)
{
    out_char(out, '}');
}

char *sql_name(const char *name)
{
    struct out out;
    out_init(&out, 64);
    pg_quote_identifier(&out, name);
    char *quoted = mem_string(out_text(&out));
    out_free(&out);
    return quoted;
}

char *sql_table(const char *schema, const char *table)
{
    char *s = sql_name(schema);
    char *t = sql_name(table);
    char *quoted = mem_format("%s.%s", s, t);
    free(s);
    free(t);
    return quoted;
}

const char identified_sql[] =
    "(c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid"
    "  AND i.indisvalid AND (c.relreplident = 'd' AND i.indisprimary AND i.indimmediate"
    "   OR c.relreplident = 'i' AND i.indisreplident)))";

const char *offered_kind_sql(const struct config *config, int version)
{
    return config->capture_as_partitions || version < 130000
               ? "c.relkind = 'r'"
               : "c.relkind IN ('r', 'p') AND NOT c.relispartition";
}

void offered_schemas(struct out *out, const struct config *config)
{
    pg_array_open(out);
    for (char *const *schema = config->discover_schemas; schema && *schema; schema++) {
        pg_array_add(out, *schema);
    }
    pg_array_close(out);
}

const char *not_null_sql(int version)
{
    return version >= 180000
               ? "(a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint x"
                 " WHERE x.conrelid = a.attrelid AND x.contype = 'n' AND NOT x.convalidated"
                 " AND a.attnum = ANY (x.conkey)))"
               : "a.attnotnull";
}

/*
 * Before version 16, CREATEROLE is enough to grant any role but superusers; from 16 on only who has
 * the ADMIN OPTION of a role can grant it.
 */
const char *becomes_sql(int version)
{
    return version >= 160000 ? "(pg_has_role(o.oid, u.oid, 'SET') OR NOT u.rolsuper"
                               " AND EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = u.oid"
                               "  AND m.admin_option AND (pg_has_role(o.oid, m.member, 'USAGE')"
                               "   OR pg_has_role(o.oid, m.member, 'SET'))))"
                             : "(pg_has_role(o.oid, u.oid, 'MEMBER') OR NOT u.rolsuper"
                               " AND EXISTS (SELECT FROM pg_roles g WHERE g.rolcreaterole"
                               "  AND pg_has_role(o.oid, g.oid, 'MEMBER')))";
}

const char *generated_sql(int version)
{
    return version >= 120000 ? "(a.attgenerated <> '')" : "false";
}

/* Read through JSON, so that the column need not exist. */
const char *excepted_sql(int version)
{
    return version >= 150000 ? "((to_jsonb(r)->>'prexcept')::bool IS TRUE)" : "false";
}

void uncaptured_sql(struct out *out, const char *publication, int version)
{
    if (version < 180000) {
        out_string(out, generated_sql(version));
        return;
    }
    out_format(out,
               "(a.attgenerated<>'' AND NOT (a.attgenerated='s' AND EXISTS (SELECT"
               " FROM pg_catalog.pg_publication gp LEFT JOIN pg_catalog.pg_publication_rel gr"
               " ON gr.prpubid=gp.oid AND gr.prrelid=a.attrelid WHERE gp.pubname=%s"
               " AND CASE WHEN gr.prattrs IS NULL THEN gp.pubgencols='s'"
               " ELSE a.attnum=ANY(gr.prattrs::int2[]) END)))",
               publication);
}

void unsent_identity_sql(struct out *out, const char *publication, int version)
{
    if (version < 180000) {
        out_string(out, "NULL::text");
        return;
    }
    out_string(out,
               "(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)"
               " FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0"
               " AND NOT a.attisdropped AND (c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i"
               "  WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])"
               "  AND (c.relreplident = 'd' AND i.indisprimary"
               "   OR c.relreplident = 'i' AND i.indisreplident))) AND ");
    uncaptured_sql(out, publication, version);
    out_char(out, ')');
}

void publishable_sql(struct out *out, const char *publication, int version)
{
    out_format(out, "(%s AND ", identified_sql);
    unsent_identity_sql(out, publication, version);
    out_string(out, " IS NULL)");
}

void publishable_tree_sql(struct out *out, const char *publication, int version)
{
    out_string(out, "(c.relkind = 'p' OR ");
    publishable_sql(out, publication, version);
    out_char(out, ')');
    if (version >= 130000) {
        out_string(out, " AND (c.relkind = 'r' OR NOT EXISTS (SELECT FROM"
                        " (SELECT t.relid FROM pg_partition_tree(c.oid) t WHERE t.isleaf) t"
                        " JOIN pg_class c ON c.oid = t.relid WHERE c.relkind = 'r' AND NOT ");
        publishable_sql(out, publication, version);
        out_string(out, "))");
    }
}

const char *key_width_sql(int version)
{
    return version >= 110000 ? "i.indnkeyatts" : "i.indnatts";
}

#define TELLS_ROWS_APART                                                                           \
    "i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL"                      \
    " AND NOT i.indisexclusion"

void index_within_sql(struct out *out, const char *oid, const char *key, const char *publication,
                      int version)
{
    out_format(out,
               "i.indrelid=%s AND " TELLS_ROWS_APART
               " AND (i.indkey::int2[])[0:%s-1]<@ARRAY(SELECT a.attnum"
               " FROM pg_catalog.pg_attribute a WHERE a.attrelid=%s AND a.attname=ANY(%s)"
               " AND a.attnum>0 AND NOT a.attisdropped AND %s AND NOT ",
               oid, key_width_sql(version), oid, key, not_null_sql(version));
    uncaptured_sql(out, publication, version);
    out_char(out, ')');
}

void usable_index_sql(struct out *out, const char *publication, int version)
{
    out_format(out,
               "(" TELLS_ROWS_APART
               " AND NOT EXISTS (SELECT FROM unnest(i.indkey) WITH ORDINALITY u(attnum, position)"
               "  LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum"
               "  WHERE u.position <= %s AND (a.attnum > 0 AND %s AND NOT ",
               key_width_sql(version), not_null_sql(version));
    uncaptured_sql(out, publication, version);
    out_string(out, ") IS NOT TRUE))");
}

void keys_sql(struct out *out, const char *publication, int version, const char *condition)
{
    out_format(out,
               "SELECT DISTINCT ON (i.indrelid) i.indrelid, i.indkey, i.indcollation, i.indclass,"
               " %s AS width, i.indisprimary "
               "FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid WHERE %s AND ",
               key_width_sql(version), condition);
    usable_index_sql(out, publication, version);
    out_string(out, " ORDER BY i.indrelid, i.indisprimary DESC, i.indisreplident DESC, width,"
                    " ic.relname");
}

const char *kind_name(char kind)
{
    switch (kind) {
    case 'r': return "a table";
    case 'p': return "a partitioned table";
    case 'v': return "a view";
    case 'm': return "a materialized view";
    case 'f': return "a foreign table";
    case 'S': return "a sequence";
    case 'i':
    case 'I': return "an index";
    case 'c': return "a composite type";
    default: return "not a table";
    }
}
