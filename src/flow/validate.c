/* The responses to validate and apply. */
#include <string.h>

#include "internal.h"
#include "pg/describe.h"
#include "pg/prerequisites.h"
#include "respond.h"

/* A parameter such as $1 in the filter makes the server refuse our message, which has none (08P01). */
static bool is_fault_of_sql(const struct pg *pg, const struct err *err)
{
    return err->kind == ERR_CONFIG || !strcmp(pg_sqlstate(pg), "08P01");
}

/* It stands between WHEN and THEN, so that parentheses which are not balanced cannot end it. */
static bool check_filter(struct pg *pg, const struct catalog_stream *stream,
                         struct problems *problems, struct err *err)
{
    struct out sql;
    out_init(&sql, 256);
    out_string(&sql, "EXPLAIN SELECT FROM ");
    pg_quote_identifier(&sql, stream->schema);
    out_char(&sql, '.');
    pg_quote_identifier(&sql, stream->table);
    out_format(&sql, " AS r WHERE CASE WHEN %s\n THEN true END", stream->backfill_filter);
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 0, NULL, err);
    out_free(&sql);
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    if (!ok && is_fault_of_sql(pg, err)) {
        size_t first = problems->count;
        err_prefix(err, "the additional_backfill_filter of table %s is no condition: ",
                   stream_label(stream->schema, stream->table).s);
        problems_add(problems, err->message);
        problems_concern(problems, first, stream->schema, stream->table);
        return true;
    }
    return ok;
}

static bool check_filters(struct pg *pg, const struct catalog *catalog, struct problems *problems,
                          struct err *err)
{
    for (int i = 0; i < catalog->count; i++) {
        const struct catalog_stream *stream = &catalog->streams[i];
        if (stream->backfill_filter && !check_filter(pg, stream, problems, err)) {
            return false;
        }
    }
    return true;
}

static bool check(const struct config *config, const struct catalog *catalog, int stop_fd,
                  struct err *err)
{
    struct problems problems = {0};
    struct pg *pg = pg_open(config, PG_SQL, "source-postgres validate", stop_fd, err);
    bool ok =
        pg &&
        prerequisites_check(pg, config, catalog, SLOT_MAY_BE_READ, NULL, NULL, &problems, err) &&
        (problems.count || tables_check_keys(pg, config, catalog, &problems, err)) &&
        (problems.count || check_filters(pg, catalog, &problems, err)) &&
        problems_none(&problems, err);
    pg_close(&pg);
    problems_free(&problems);
    return ok;
}

bool flow_validate(const struct config *config, const struct catalog *catalog, enum flow_form form,
                   int stop_fd, struct out *out, struct err *err)
{
    if (!check(config, catalog, stop_fd, err)) {
        return false;
    }
    respond_validated(out, form, catalog);
    return true;
}

/* Nothing is made ahead of time: a capture makes what it needs when it is opened. */
void flow_applied(enum flow_form form, struct out *out)
{
    respond_applied(out, form);
}
