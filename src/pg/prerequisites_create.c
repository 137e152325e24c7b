/* Making what is missing, in an order that leaves no gap: tables, publication, and the slot last.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/mem.h"
#include "catalogs.h"
#include "internal.h"
#include "pg/facts.h"
#include "pg/failover.h"
#include "pg/prerequisites.h"
#include "problems_table.h"
#include "publication.h"
#include "rows.h"

/* At a stop, cancel a statement that waits: else it would run after we are gone, and hold up others
 * until then. */
static bool heed_stop(struct pg *pg, const struct err *err)
{
    if (err->kind == ERR_STOPPED) {
        pg_cancel(pg);
    }
    return false;
}

static bool change(struct pg *pg, const char *sql, struct err *err)
{
    return pg_exec(pg, sql, err) || heed_stop(pg, err);
}

/* The table may have been made by another session since the facts were read: check it again. */
static bool check_watermarks(struct pg *pg, const struct config *config,
                             const struct catalog *catalog, struct facts *facts, struct err *err)
{
    struct problems problems = {0};
    facts_free(facts);
    bool ok = facts_read(pg, config, catalog, facts, err);
    if (ok) {
        find_watermarks(facts, config, &problems);
        ok = problems_none(&problems, err);
    }
    problems_free(&problems);
    return ok;
}

static bool create_watermarks(struct pg *pg, const struct config *config,
                              const struct catalog *catalog, struct facts *facts, struct err *err)
{
    if (config->read_only_capture || facts_watermarks(facts)->oid) {
        return true;
    }
    char *name = sql_table(config->watermarks_schema, config->watermarks_table);
    char *sql =
        mem_format("CREATE TABLE IF NOT EXISTS %s (slot TEXT PRIMARY KEY, watermark TEXT)", name);
    bool ok =
        change(pg, sql, err) || err_prefix(err, "cannot create the watermarks table %s: ", name);
    if (ok) {
        pg_notice(pg, "created the watermarks table %s", name);
    }
    free(sql);
    free(name);
    return ok && check_watermarks(pg, config, catalog, facts, err);
}

static bool run_create(struct pg *pg, const struct config *config, const struct catalog *catalog,
                       const struct facts *facts, bool all_tables, struct err *err)
{
    struct out sql;
    out_init(&sql, 512);
    publication_sql(&sql, facts, config, catalog, all_tables, NULL);
    bool ok = change(pg, out_text(&sql), err) ||
              err_prefix(err, "cannot create publication \"%s\": ", config->publication);
    out_free(&sql);
    return ok;
}

static bool create_publication(struct pg *pg, const struct config *config,
                               const struct catalog *catalog, const struct facts *facts,
                               struct err *err)
{
    bool all_tables = config->publish_all_tables;
    if (!run_create(pg, config, catalog, facts, all_tables, err)) {
        return false;
    }
    pg_notice(pg, "created publication \"%s\" for %s", config->publication,
              all_tables                  ? "all tables"
              : config->read_only_capture ? "the captured tables"
                                          : "the captured tables and the watermarks table");
    return true;
}

static bool add_table(struct pg *pg, const struct config *config, const char *schema,
                      const char *table, struct err *err)
{
    char *publication = sql_name(config->publication);
    char *name = sql_table(schema, table);
    char *sql = mem_format("ALTER PUBLICATION %s ADD TABLE ONLY %s", publication, name);
    bool ok = change(pg, sql, err) ||
              err_prefix(err, "cannot add table %s to publication %s: ", name, publication);
    if (ok) {
        pg_notice(pg, "added table %s to publication %s", name, publication);
    }
    free(sql);
    free(name);
    free(publication);
    return ok;
}

static bool add_tables(struct pg *pg, const struct config *config, const struct catalog *catalog,
                       const struct facts *facts, struct err *err)
{
    const struct table_facts *watermarks = facts_watermarks(facts);
    if (facts->publication.all_tables) {
        return true;
    }
    if (!config->read_only_capture && !watermarks->published &&
        !add_table(pg, config, config->watermarks_schema, config->watermarks_table, err)) {
        return false;
    }
    for (int i = 0; i < facts->stream_count; i++) {
        const struct catalog_stream *stream = &catalog->streams[i];
        if (table_unpublished(facts, &facts->tables[i]) &&
            !add_table(pg, config, stream->schema, stream->table, err)) {
            return false;
        }
    }
    return true;
}

/* Warn about captured tables without a replica identity: the server refuses their updates. */
static void warn_unidentified(const struct pg *pg, const struct catalog *catalog,
                              const struct facts *facts)
{
    for (int i = 0; i < facts->stream_count; i++) {
        const struct table_facts *table = &facts->tables[i];
        if (table->kind != 'r' || (table->identified && !table->unsent)) {
            continue;
        }
        char *name = sql_table(catalog->streams[i].schema, catalog->streams[i].table);
        if (table->identified) {
            pg_warning(
                pg,
                "the replica identity of table %s has generated columns that are not published "
                "(%s): the server refuses UPDATE and DELETE on it; give it one without them, or "
                "alter the publication with publish_generated_columns = stored",
                name, table->unsent);
        } else {
            pg_warning(
                pg,
                "table %s has no replica identity: while it is published the server refuses UPDATE "
                "and DELETE on it; run ALTER TABLE %s REPLICA IDENTITY FULL, or add a primary key",
                name, name);
        }
        free(name);
    }
}

static void warn_truncates(const struct pg *pg, const struct config *config,
                           const struct facts *facts)
{
    if (facts->publication.exists && !facts->publication.truncates) {
        char *name = sql_name(config->publication);
        pg_warning(pg,
                   "publication %s does not publish TRUNCATE, so that nobody will notice when a "
                   "table is truncated: run ALTER PUBLICATION %s SET (publish = 'insert, update, "
                   "delete, truncate')",
                   name, name);
        free(name);
    }
}

/* The server gives it its consistent point only when every transaction that runs has ended. */
static bool create_slot(struct pg *pg, const struct config *config, bool failover,
                        uint64_t *slot_lsn, struct err *err)
{
    struct out sql;
    if (pg_in_recovery(pg)) {
        pg_notice(pg, "a replication slot is made at a standby once its primary has logged which "
                      "transactions run, which a busy one does every 15 seconds: SELECT "
                      "pg_log_standby_snapshot() at the primary does it at once");
    }
    out_init(&sql, 256);
    out_string(&sql, "SELECT lsn FROM pg_create_logical_replication_slot(");
    pg_quote_literal(&sql, config->slot, strlen(config->slot));
    out_string(&sql, failover ? ", 'pgoutput', failover => true)" : ", 'pgoutput')");
    struct pg_rows *rows = pg_command(pg, out_text(&sql), err);
    if (rows) {
        *slot_lsn = rows_lsn(rows, 0, ROWS_VALUE);
    }
    bool ok = rows || heed_stop(pg, err) ||
              err_prefix(err, "cannot create replication slot \"%s\": ", config->slot);
    pg_rows_free(&rows);
    out_free(&sql);
    if (ok) {
        crash_point("slot-created");
        pg_notice(pg, "created %s \"%s\", whose changes begin at %s",
                  failover ? "failover slot" : "replication slot", config->slot,
                  lsn_format(*slot_lsn).s);
    }
    return ok;
}

/* The slot of a full refresh is dropped soon, so it is never a failover slot. */
static bool make_slot(struct pg *pg, const struct config *config, const struct catalog *catalog,
                      uint64_t *slot_lsn, struct err *err)
{
    struct failover_facts failover;
    bool ok = failover_read(pg, &failover, err) &&
              create_slot(pg, config, !catalog->full_refresh && failover_wanted(config, &failover),
                          slot_lsn, err);
    failover_clear(&failover);
    return ok;
}

bool prerequisites_are_there(const struct facts *facts, const struct config *config)
{
    const struct table_facts *watermarks = facts_watermarks(facts);
    bool there = facts->publication.exists && facts->slot.exists &&
                 (config->read_only_capture ||
                  (watermarks->oid && (watermarks->published || facts->publication.all_tables)));
    for (int i = 0; there && i < facts->stream_count; i++) {
        there = !table_unpublished(facts, &facts->tables[i]);
    }
    return there;
}

/* The slot may have been dropped since the facts were read, by this process. */
bool prerequisites_create(struct pg *pg, const struct config *config, const struct catalog *catalog,
                          struct facts *facts, struct prerequisites *make, struct err *err)
{
    slot_clear(&facts->slot);
    bool ok = slot_read(pg, config->slot, &facts->slot, err) &&
              create_watermarks(pg, config, catalog, facts, err) &&
              (facts->publication.exists ? add_tables(pg, config, catalog, facts, err)
                                         : create_publication(pg, config, catalog, facts, err));
    if (ok) {
        warn_unidentified(pg, catalog, facts);
        warn_truncates(pg, config, facts);
        ok = facts->slot.exists || !make->slot ||
             make_slot(pg, config, catalog, &make->slot_lsn, err);
    }
    return ok;
}

static bool check_tables(const struct facts *facts, const struct config *config,
                         const struct catalog *catalog, struct err *err)
{
    struct problems problems = {0};
    for (int i = 0; i < catalog->count; i++) {
        find_table(facts, i, config, &catalog->streams[i], &problems);
    }
    bool ok = problems_none(&problems, err);
    problems_free(&problems);
    return ok;
}

bool prerequisites_publish(struct pg *pg, const struct config *config,
                           const struct catalog *catalog, struct err *err)
{
    struct facts facts;
    bool ok = facts_read(pg, config, catalog, &facts, err) &&
              check_tables(&facts, config, catalog, err) &&
              add_tables(pg, config, catalog, &facts, err);
    if (ok) {
        warn_unidentified(pg, catalog, &facts);
    }
    facts_free(&facts);
    return ok;
}
