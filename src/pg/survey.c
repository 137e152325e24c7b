/* One query over the catalogs, however many tables there are. */
#include "pg/survey.h"

#include <stdlib.h>

#include "catalogs.h"
#include "rows.h"

/* Of a list of names, what a message shows. */
#define FIRST(list, condition)                                                                     \
    " count(*) FILTER (WHERE " condition "), array_to_string((array_agg(" list                     \
    " ORDER BY name) FILTER (WHERE " condition "))[1:%d], ', '),"

static const char survey_sql[] =
    "WITH tables AS ("
    " SELECT n.nspname, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,"
    "  c.relkind = 'r' AND NOT %s AS unidentified,"
    "  %s AND ($3::text[] = '{}' OR n.nspname = ANY ($3::text[])) AS offered, %s AS identified,"
    "  has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,"
    "  has_any_column_privilege(c.oid, 'SELECT') AS partly"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'"
    "  AND n.nspname <> 'information_schema' AND NOT (n.nspname = $1 AND c.relname = $2)"
    ") "
    "SELECT" FIRST("name", "unidentified") FIRST("'ONLY ' || name", "offered AND identified") FIRST(
        "name",
        "offered AND partly AND NOT readable") " count(*) FILTER (WHERE offered),"
                                               " count(*) FILTER (WHERE offered AND readable),"
                                               " (SELECT string_agg(quote_ident(nspname), ', ') "
                                               "FROM (SELECT DISTINCT nspname FROM tables"
                                               "  WHERE offered ORDER BY nspname LIMIT %d) s),"
                                               " (SELECT string_agg(quote_ident(w), ', ') FROM "
                                               "unnest($3::text[]) w"
                                               "  WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE "
                                               "nspname = w)) "
                                               "FROM tables";

static struct pg_rows *query(struct pg *pg, const struct config *config, int named, struct err *err)
{
    struct out sql, schemas;
    out_init(&sql, sizeof survey_sql);
    out_init(&schemas, 64);
    pg_array_open(&schemas);
    for (char *const *schema = config->discover_schemas; schema && *schema; schema++) {
        pg_array_add(&schemas, *schema);
    }
    pg_array_close(&schemas);
    out_format(&sql, survey_sql, identified_sql, offered_kind_sql(config, pg_server_version(pg)),
               identified_sql, named, named, named, named);
    const char *params[] = {config->watermarks_schema, config->watermarks_table,
                            out_text(&schemas)};
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 3, params, err);
    out_free(&sql);
    out_free(&schemas);
    return rows;
}

bool survey_read(struct pg *pg, const struct config *config, int named, struct survey *survey,
                 struct err *err)
{
    struct pg_rows *rows = query(pg, config, named, err);
    if (!rows) {
        return false;
    }
    *survey = (struct survey){
        .unidentified = {rows_int(rows, 0, 0), rows_copy(rows, 0, 1)},
        .identified = {rows_int(rows, 0, 2), rows_copy(rows, 0, 3)},
        .partly = {rows_int(rows, 0, 4), rows_copy(rows, 0, 5)},
        .offered = rows_int(rows, 0, 6),
        .readable = rows_int(rows, 0, 7),
        .schemas = rows_copy(rows, 0, 8),
        .unknown = rows_copy(rows, 0, 9),
    };
    pg_rows_free(&rows);
    return true;
}

void survey_clear(struct survey *survey)
{
    free(survey->unidentified.names);
    free(survey->identified.names);
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
