/* One query over the catalogs, however many tables there are. */
#include "pg/survey.h"

#include <stdlib.h>
#include <string.h>

#include "catalogs.h"
#include "rows.h"

/* One row. A list has only as many names as a message shows. */
static const char survey_sql[] =
    "WITH tables AS ("
    " SELECT n.nspname, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,"
    "  c.relkind = 'r' AND NOT %s AS unidentified,"
    "  %s AND ($3::text[] = '{}' OR n.nspname = ANY ($3::text[])) AS offered, %s AS identified,"
    "  has_schema_privilege(%s, n.oid, 'USAGE') AND has_table_privilege(%s, c.oid, 'SELECT')"
    "   AS readable,"
    "  has_schema_privilege(%s, n.oid, 'USAGE')"
    "   AND has_any_column_privilege(%s, c.oid, 'SELECT') AS partly"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'"
    "  AND n.nspname <> 'information_schema' AND NOT (n.nspname = $1 AND c.relname = $2)"
    ") "
    "SELECT count(*) FILTER (WHERE unidentified),"
    " array_to_string((array_agg(name ORDER BY name)"
    "  FILTER (WHERE unidentified))[1:%d], ', '),"
    " count(*) FILTER (WHERE offered AND identified),"
    " array_to_string((array_agg('ONLY ' || name ORDER BY name)"
    "  FILTER (WHERE offered AND identified))[1:%d], ', '),"
    " count(*) FILTER (WHERE offered AND NOT identified),"
    " array_to_string((array_agg(name ORDER BY name)"
    "  FILTER (WHERE offered AND NOT identified))[1:%d], ', '),"
    " count(*) FILTER (WHERE offered AND partly AND NOT readable),"
    " array_to_string((array_agg(name ORDER BY name)"
    "  FILTER (WHERE offered AND partly AND NOT readable))[1:%d], ', '),"
    " count(*) FILTER (WHERE offered),"
    " count(*) FILTER (WHERE offered AND readable),"
    " (SELECT string_agg(quote_ident(nspname), ', ') FROM (SELECT DISTINCT nspname FROM tables"
    "  WHERE offered ORDER BY nspname LIMIT %d) s),"
    " (SELECT string_agg(quote_ident(w), ', ') FROM unnest($3::text[]) w"
    "  WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = w)) "
    "FROM tables";

enum {
    COL_UNIDENTIFIED_COUNT,
    COL_UNIDENTIFIED,
    COL_IDENTIFIED_COUNT,
    COL_IDENTIFIED,
    COL_LEFT_OUT_COUNT,
    COL_LEFT_OUT,
    COL_PARTLY_COUNT,
    COL_PARTLY,
    COL_OFFERED,
    COL_READABLE,
    COL_SCHEMAS,
    COL_UNKNOWN,
};

static struct pg_rows *query(struct pg *pg, const struct config *config, const char *who, int named,
                             struct err *err)
{
    struct out sql, schemas, publication, publishable, tree;
    out_init(&sql, sizeof survey_sql);
    out_init(&publication, 64);
    out_init(&publishable, 1024);
    pg_quote_literal(&publication, config->publication, strlen(config->publication));
    publishable_sql(&publishable, out_text(&publication), pg_server_version(pg));
    out_init(&tree, 1024);
    publishable_tree_sql(&tree, out_text(&publication), pg_server_version(pg));
    out_init(&schemas, 64);
    offered_schemas(&schemas, config);
    out_format(&sql, survey_sql, out_text(&publishable),
               offered_kind_sql(config, pg_server_version(pg)), out_text(&tree), who, who, who, who,
               named, named, named, named, named);
    const char *params[] = {config->watermarks_schema, config->watermarks_table,
                            out_text(&schemas)};
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 3, params, err);
    out_free(&sql);
    out_free(&schemas);
    out_free(&publication);
    out_free(&publishable);
    out_free(&tree);
    return rows;
}

static struct table_list take_list(const struct pg_rows *rows, int count, int names)
{
    return (struct table_list){rows_int(rows, 0, count), rows_copy(rows, 0, names)};
}

bool survey_read(struct pg *pg, const struct config *config, const char *who, int named,
                 struct survey *survey, struct err *err)
{
    struct pg_rows *rows = query(pg, config, who, named, err);
    if (!rows) {
        return false;
    }
    *survey = (struct survey){
        .unidentified = take_list(rows, COL_UNIDENTIFIED_COUNT, COL_UNIDENTIFIED),
        .identified = take_list(rows, COL_IDENTIFIED_COUNT, COL_IDENTIFIED),
        .left_out = take_list(rows, COL_LEFT_OUT_COUNT, COL_LEFT_OUT),
        .partly = take_list(rows, COL_PARTLY_COUNT, COL_PARTLY),
        .offered = rows_int(rows, 0, COL_OFFERED),
        .readable = rows_int(rows, 0, COL_READABLE),
        .schemas = rows_copy(rows, 0, COL_SCHEMAS),
        .unknown = rows_copy(rows, 0, COL_UNKNOWN),
    };
    pg_rows_free(&rows);
    return true;
}

void survey_clear(struct survey *survey)
{
    free(survey->unidentified.names);
    free(survey->identified.names);
    free(survey->left_out.names);
    free(survey->partly.names);
    free(survey->schemas);
    free(survey->unknown);
    *survey = (struct survey){0};
}

void table_list_write(struct out *out, const struct table_list *list, int named)
{
    out_string(out, list->names ? list->names : "");
    if (list->count > named) {
        out_format(out, " and %d more", list->count - named);
    }
}
