/* Requests of a backfill: whether they can arrive, and writing them. */
#include "pg/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalogs.h"
#include "pg/prerequisites.h"
#include "problems.h"
#include "problems_table.h"
#include "row/request.h"
#include "rows.h"

static void find_slot(const struct facts *facts, const struct config *config,
                      struct problems *problems)
{
    const struct slot *slot = &facts->slot;
    if (!slot->exists) {
        problem(
            problems,
            "there is no replication slot \"%s\": no capture has begun with this configuration, "
            "and one that begins reads all rows anyway",
            config->slot);
    } else if (!slot->logical || strcmp(slot->database, facts->server.database) != 0) {
        problem(problems, "replication slot \"%s\" is not of database \"%s\": set %s", config->slot,
                facts->server.database, config_words(config)->slot);
    }
}

/* Names are taken in their own case here, which users of SQL do not expect: suggest a table whose
 * name differs only in case. */
static bool find_missing_table(struct pg *pg, const struct facts *facts,
                               const struct catalog_stream *table, struct problems *problems,
                               struct err *err)
{
    const char *names[] = {table->schema, table->table};
    struct pg_rows *rows = pg_query(
        pg,
        "SELECT n.nspname, c.relname FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE lower(n.nspname) = lower($1)"
        " AND lower(c.relname) = lower($2) AND c.relkind IN ('r', 'p') ORDER BY 1, 2 LIMIT 1",
        2, names, err);
    if (!rows) {
        return false;
    }
    bool near = pg_rows_count(rows) > 0;
    problem(problems, "there is no table %s in database \"%s\"%s%s%s",
            stream_label(table->schema, table->table).s, facts->server.database,
            near ? ": did you mean " : "",
            near ? stream_label(pg_rows_value(rows, 0, 0), pg_rows_value(rows, 0, 1)).s : "",
            near ? "?" : "");
    pg_rows_free(&rows);
    return true;
}

static bool find_tables(struct pg *pg, const struct facts *facts, const struct catalog *tables,
                        struct problems *problems, struct err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < tables->count; i++) {
        ok = facts->tables[i].oid ||
             find_missing_table(pg, facts, &tables->streams[i], problems, err);
    }
    return ok;
}

/* Problems that a capture does not have, since it would make the table or the publication
 * itself. */
static void find_missing(const struct facts *facts, const struct config *config,
                         struct problems *problems)
{
    if (!facts_watermarks(facts)->oid) {
        char *name = sql_table(config->watermarks_schema, config->watermarks_table);
        problem(problems,
                "there is no watermarks table %s, by which a capture is asked: set %s to the one "
                "that the capture has",
                name, config_words(config)->watermarks);
        free(name);
    } else {
        find_watermarks(facts, config, problems);
    }
    if (!facts->publication.exists) {
        problem(problems, "there is no publication \"%s\"", config->publication);
    }
}

bool request_check(struct pg *pg, const struct config *config, const struct catalog *tables,
                   const struct facts *facts, struct problems *problems, struct err *err)
{
    if (facts->server.standby) {
        problem(problems,
                "the server is a standby, where nothing can be written: name its primary");
        return true;
    }
    if (config->read_only_capture) {
        problem(problems,
                "a capture that writes nothing cannot be asked (advanced.read_only_capture): "
                "raise the generation_id of the streams in its catalog, and send it SIGHUP; one "
                "that was "
                "started with --all needs a catalog for that");
        return true;
    }
    find_slot(facts, config, problems);
    find_missing(facts, config, problems);
    if (!find_tables(pg, facts, tables, problems, err)) {
        return false;
    }
    if (problems->count || watermarks_come(pg, config, err)) {
        return true;
    }
    if (err->kind == ERR_CONFIG) {
        problem(problems, "%s", err->message);
    }
    return err->kind == ERR_CONFIG;
}

static bool may_delete(struct pg *pg, const char *watermarks, bool *may, struct err *err)
{
    struct pg_rows *rows =
        pg_query(pg, "SELECT has_table_privilege($1, 'DELETE')", 1, &watermarks, err);
    *may = rows && rows_bool(rows, 0, ROWS_VALUE);
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

static void ask_sql(struct out *sql, const char *watermarks, const char *row, const char *table)
{
    out_format(sql, "INSERT INTO %s (slot, watermark) VALUES (", watermarks);
    pg_quote_literal(sql, row, strlen(row));
    out_string(sql, ", ");
    pg_quote_literal(sql, table, strlen(table));
    out_string(sql, ") ON CONFLICT (slot) DO UPDATE SET watermark = excluded.watermark; ");
}

/* One string of statements is one transaction. */
bool request_write(struct pg *pg, const struct config *config, const struct catalog *tables,
                   struct err *err)
{
    char *watermarks = sql_table(config->watermarks_schema, config->watermarks_table);
    char *row = request_name(config->slot);
    bool deletes;
    struct out sql;
    out_init(&sql, 1024);
    bool ok = may_delete(pg, watermarks, &deletes, err);
    for (int i = 0; i < tables->count; i++) {
        char *name = stream_name(tables->streams[i].schema, tables->streams[i].table);
        ask_sql(&sql, watermarks, row, name);
        free(name);
    }
    if (ok && deletes) {
        out_format(&sql, "DELETE FROM %s WHERE slot = ", watermarks);
        pg_quote_literal(&sql, row, strlen(row));
    }
    ok = ok && (pg_exec(pg, out_text(&sql), err) ||
                err_prefix(err, "the watermarks table %s cannot be written: ", watermarks));
    out_free(&sql);
    free(row);
    free(watermarks);
    return ok;
}
