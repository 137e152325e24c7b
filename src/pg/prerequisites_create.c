/* Making what is missing, in an order that leaves no gap: tables, publication, and the slot last.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "catalogs.h"
#include "facts.h"
#include "pg/prerequisites.h"
#include "problems_table.h"
#include "publication.h"
#include "slot_create.h"

static void say(const struct notices *notices, bool warning, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void say(const struct notices *notices, bool warning, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) >= 0 && notices && notices->line) {
        notices->line(notices->context, warning, text);
    }
    free(text);
}

void notice(const struct notices *notices, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(notices, false, format, args);
    va_end(args);
}

static void warning(const struct notices *notices, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warning(const struct notices *notices, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(notices, true, format, args);
    va_end(args);
}

static bool create_watermarks(struct pg *pg, const struct config *config, struct facts *facts,
                              const struct notices *notices, struct err *err)
{
    if (facts_watermarks(facts)->oid) {
        return true;
    }
    char *name = sql_table(config->watermarks_schema, config->watermarks_table);
    char *sql =
        mem_format("CREATE TABLE IF NOT EXISTS %s (slot TEXT PRIMARY KEY, watermark TEXT)", name);
    bool ok =
        pg_exec(pg, sql, err) || err_prefix(err, "cannot create the watermarks table %s: ", name);
    if (ok) {
        notice(notices, "created the watermarks table %s", name);
    }
    free(sql);
    free(name);
    return ok;
}

static bool run_create(struct pg *pg, const struct config *config, const struct catalog *catalog,
                       const struct facts *facts, bool all_tables, struct err *err)
{
    struct out sql;
    out_init(&sql, 512);
    publication_sql(&sql, facts, config, catalog, all_tables, NULL);
    bool ok = pg_exec(pg, out_text(&sql), err) ||
              err_prefix(err, "cannot create publication \"%s\": ", config->publication);
    out_free(&sql);
    return ok;
}

static void notice_left_out(const struct config *config, const struct facts *facts,
                            const struct notices *notices)
{
    struct out names;
    out_init(&names, 256);
    table_list_write(&names, &facts->survey.unidentified);
    if (!facts->server.superuser) {
        notice(notices,
               "created publication \"%s\" for the captured tables and the watermarks table: "
               "only a superuser may create it for all tables",
               config->publication);
    } else {
        notice(notices,
               "created publication \"%s\" for the captured tables and the watermarks table "
               "alone: without a primary key or REPLICA IDENTITY, UPDATE and DELETE would fail "
               "on %s",
               config->publication, out_text(&names));
    }
    out_free(&names);
}

static bool create_publication(struct pg *pg, const struct config *config,
                               const struct catalog *catalog, const struct facts *facts,
                               const struct notices *notices, struct err *err)
{
    bool all_tables = facts->server.superuser && facts->survey.unidentified.count == 0;
    if (!run_create(pg, config, catalog, facts, all_tables, err)) {
        return false;
    }
    if (all_tables) {
        notice(notices, "created publication \"%s\" for all tables", config->publication);
    } else {
        notice_left_out(config, facts, notices);
    }
    return true;
}

static bool add_table(struct pg *pg, const struct config *config, const char *schema,
                      const char *table, const struct notices *notices, struct err *err)
{
    char *publication = sql_name(config->publication);
    char *name = sql_table(schema, table);
    char *sql = mem_format("ALTER PUBLICATION %s ADD TABLE ONLY %s", publication, name);
    bool ok = pg_exec(pg, sql, err) ||
              err_prefix(err, "cannot add table %s to publication %s: ", name, publication);
    if (ok) {
        notice(notices, "added table %s to publication %s", name, publication);
    }
    free(sql);
    free(name);
    free(publication);
    return ok;
}

static bool add_tables(struct pg *pg, const struct config *config, const struct catalog *catalog,
                       const struct facts *facts, const struct notices *notices, struct err *err)
{
    const struct table_facts *watermarks = facts_watermarks(facts);
    if (facts->publication.all_tables) {
        return true;
    }
    if (!watermarks->published &&
        !add_table(pg, config, config->watermarks_schema, config->watermarks_table, notices, err)) {
        return false;
    }
    for (int i = 0; i < facts->stream_count; i++) {
        const struct catalog_stream *stream = &catalog->streams[i];
        if (table_unpublished(facts, &facts->tables[i]) &&
            !add_table(pg, config, stream->schema, stream->table, notices, err)) {
            return false;
        }
    }
    return true;
}

/* Captured, and now published: the server will refuse its updates, and the user must know. */
static void warn_unidentified(const struct catalog *catalog, const struct facts *facts,
                              const struct notices *notices)
{
    for (int i = 0; i < facts->stream_count; i++) {
        const struct table_facts *table = &facts->tables[i];
        if (table->kind != 'r' || table->identified) {
            continue;
        }
        char *name = sql_table(catalog->streams[i].schema, catalog->streams[i].table);
        warning(notices,
                "table %s has no replica identity: while it is published the server refuses UPDATE "
                "and DELETE on it; run ALTER TABLE %s REPLICA IDENTITY FULL, or add a primary key",
                name, name);
        free(name);
    }
}

bool prerequisites_create(struct pg *pg, const struct config *config, const struct catalog *catalog,
                          int stop_fd, const struct notices *notices, struct prerequisites *make,
                          struct err *err)
{
    struct facts facts;
    bool ok =
        facts_read(pg, config, catalog, &facts, err) &&
        create_watermarks(pg, config, &facts, notices, err) &&
        (facts.publication.exists ? add_tables(pg, config, catalog, &facts, notices, err)
                                  : create_publication(pg, config, catalog, &facts, notices, err));
    if (ok) {
        warn_unidentified(catalog, &facts, notices);
        ok = facts.slot.exists || !make->slot ||
             slot_create(make->replication ? make->replication : pg, config,
                         make->replication != NULL, stop_fd, notices, &make->slot_lsn, err);
    }
    facts_free(&facts);
    return ok;
}
