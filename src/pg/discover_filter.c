/* Conditions of a discovery: by name, by kind, and by what the publication says. */
#include "discover_filter.h"

#include <string.h>

#include "catalogs.h"
#include "pg/pg.h"

static void open_array(struct out *list)
{
    out_init(list, 128);
    pg_array_open(list);
}

/* Close a list and append it as a literal. */
static void write_array(struct out *out, struct out *list)
{
    pg_array_close(list);
    pg_quote_literal(out, list->data, list->len);
    out_string(out, "::text[]");
    out_free(list);
}

/* NULL: no condition. */
static void write_schemas(struct out *out, const char *condition, char *const *schemas)
{
    struct out list;
    if (!schemas || !*schemas) {
        return;
    }
    open_array(&list);
    for (; *schemas; schemas++) {
        pg_array_add(&list, *schemas);
    }
    out_format(out, " AND n.nspname %s (", condition);
    write_array(out, &list);
    out_char(out, ')');
}

static void write_tables(struct out *out, const struct catalog *only)
{
    struct out schemas, tables;
    open_array(&schemas);
    open_array(&tables);
    for (int i = 0; i < only->count; i++) {
        pg_array_add(&schemas, only->streams[i].schema);
        pg_array_add(&tables, only->streams[i].table);
    }
    out_string(out, " AND (n.nspname, c.relname) IN (SELECT * FROM unnest(");
    write_array(out, &schemas);
    out_string(out, ", ");
    write_array(out, &tables);
    out_string(out, "))");
}

/* A glob as a pattern of LIKE. */
static void write_glob(struct out *out, const char *column, const char *glob, size_t len)
{
    struct out like;
    out_init(&like, 64);
    for (size_t i = 0; i < len; i++) {
        char c = glob[i];
        if (c == '%' || c == '_' || c == '\\') {
            out_char(&like, '\\');
        }
        out_char(&like, (char)(c == '*' ? '%' : c == '?' ? '_' : c));
    }
    out_format(out, "%s LIKE ", column);
    pg_quote_literal(out, like.data, like.len);
    out_free(&like);
}

static void write_patterns(struct out *out, char *const *patterns)
{
    for (char *const *pattern = patterns; *pattern; pattern++) {
        const char *dot = strchr(*pattern, '.'), *table = dot ? dot + 1 : *pattern;
        out_string(out, pattern == patterns ? " AND (" : " OR ");
        if (dot) {
            write_glob(out, "n.nspname", *pattern, (size_t)(dot - *pattern));
            out_string(out, " AND ");
        }
        write_glob(out, "c.relname", table, strlen(table));
    }
    out_char(out, ')');
}

static void write_names(struct out *out, const struct config *config)
{
    const struct discovery *d = &config->discovery;
    write_schemas(out, "= ANY", config->discover_schemas);
    write_schemas(out, "= ANY", d->included);
    write_schemas(out, "<> ALL", d->excluded);
    if (d->patterns) {
        write_patterns(out, d->patterns);
    }
}

static const char flows_sql[] =
    " AND c.relname NOT IN ('flow_checkpoints_v1', 'flow_materializations_v2')"
    " AND NOT EXISTS (SELECT FROM pg_attribute x WHERE x.attrelid = c.oid"
    "  AND x.attname = 'flow_published_at' AND NOT x.attisdropped)";

/* Show roots or leaves, as the publication publishes them, or will. */
static void write_kind(struct out *out, const struct config *config, const char *publication,
                       int version)
{
    if (version < 130000) {
        out_string(out, "c.relkind = 'r'");
        return;
    }
    out_format(out,
               "CASE WHEN coalesce((SELECT p.pubviaroot FROM pg_publication p WHERE p.pubname = %s)"
               ", %s) THEN c.relkind IN ('r', 'p') AND NOT c.relispartition"
               " ELSE c.relkind = 'r' END",
               publication, config->capture_as_partitions ? "false" : "true");
}

/* An unpublished table of which nothing is published, so that adding it changes no other. */
static void write_addable(struct out *out, const struct config *config, const char *publication,
                          int version)
{
    if (config->discovery.unpublished) {
        out_string(out, "true AND ");
    } else {
        out_format(out, "NOT EXISTS (SELECT FROM pg_publication p WHERE p.pubname = %s) AND ",
                   publication);
    }
    write_kind(out, config, publication, version);
    out_string(out, " AND ");
    publishable_tree_sql(out, publication, version);
    if (version >= 130000) {
        out_string(out, " AND NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) t"
                        " JOIN published USING (relid))");
    }
}

static void write_bindable(struct out *out, const struct config *config, int version)
{
    struct out publication;
    out_init(&publication, 64);
    pg_quote_literal(&publication, config->publication, strlen(config->publication));
    out_string(out, " AND c.relkind IN ('r', 'p')"
                    " AND (c.oid IN (SELECT relid FROM published) OR ");
    write_addable(out, config, out_text(&publication), version);
    out_char(out, ')');
    out_string(out, flows_sql);
    out_free(&publication);
}

void discover_filter_sql(struct out *out, const struct discover_scope *scope, int version)
{
    const struct config *config = scope->config;
    out_string(out, "NOT (n.nspname = ");
    pg_quote_literal(out, config->watermarks_schema, strlen(config->watermarks_schema));
    out_string(out, " AND c.relname = ");
    pg_quote_literal(out, config->watermarks_table, strlen(config->watermarks_table));
    out_char(out, ')');
    if (scope->only) {
        out_string(out, " AND c.relkind IN ('r', 'p')");
        write_tables(out, scope->only);
        return;
    }
    write_names(out, config);
    if (scope->bindable) {
        write_bindable(out, config, version);
    } else {
        out_format(out, " AND %s", offered_kind_sql(config, version));
    }
}
