/* Deciding what belongs to the capture, and dropping it. */
#include "pg/teardown.h"

#include <stdlib.h>
#include <string.h>

#include "catalogs.h"
#include "pg/facts.h"
#include "problems.h"
#include "rows.h"

/* Whether it is to be dropped. */
static bool plan_slot(const struct slot *slot, const char *name, const char *database,
                      struct teardown *teardown)
{
    bool ours = slot->exists && slot->logical && !strcmp(slot->plugin, "pgoutput") &&
                !strcmp(slot->database, database);
    if (slot->exists && !ours) {
        problem(&teardown->kept, "replication slot \"%s\" is not of this capture", name);
    }
    return ours;
}

/* Slots of captures that use the same watermarks table; NULL in *others: there are none. */
static bool read_others(struct pg *pg, const struct config *config, const struct facts *facts,
                        char **others, struct err *err)
{
    *others = NULL;
    const struct table_facts *table = facts_watermarks(facts);
    if (table->kind != 'r' || !facts->watermarks.columns || !table->readable) {
        return true; /* reading a view would run what others have defined */
    }
    char *name = sql_table(config->watermarks_schema, config->watermarks_table);
    char *sql = mem_format("SELECT string_agg(s.slot_name, ', ') FROM pg_replication_slots s"
                           " WHERE s.slot_name NOT IN ($1, $2) AND s.database = current_database()"
                           " AND s.slot_name IN (SELECT w.slot FROM %s w)",
                           name);
    const char *params[] = {config->slot, config->other_slot};
    struct pg_rows *rows = pg_query(pg, sql, 2, params, err);
    if (rows) {
        *others = rows_copy(rows, 0, ROWS_VALUE);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    free(sql);
    free(name);
    return ok;
}

static void plan_publication(const struct facts *facts, const struct config *config,
                             const char *others, struct teardown *teardown)
{
    if (!facts->publication.exists) {
        return;
    }
    if (others) {
        problem(&teardown->kept,
                "publication \"%s\": maybe the captures of these slots need it: %s",
                config->publication, others);
    } else if (!facts->publication.owned) {
        char *name = sql_name(config->publication);
        problem(&teardown->kept, "publication \"%s\" is not of user \"%s\": as its owner run",
                config->publication, facts->server.user);
        mend(&teardown->kept, "DROP PUBLICATION %s", name);
        free(name);
    } else {
        teardown->publication = true;
    }
}

static void plan_watermarks(const struct facts *facts, const struct config *config,
                            const char *others, struct teardown *teardown)
{
    const struct table_facts *table = facts_watermarks(facts);
    char *name = sql_table(config->watermarks_schema, config->watermarks_table);
    if (!table->oid || config->read_only_capture) {
        teardown->watermarks = false;
    } else if (table->kind != 'r' || !facts->watermarks.columns || !facts->watermarks.unique) {
        problem(&teardown->kept, "%s is no watermarks table", name);
    } else if (others) {
        problem(&teardown->kept, "watermarks table %s: the captures of these slots need it: %s",
                name, others);
    } else if (!table->owned) {
        problem(&teardown->kept, "watermarks table %s is not of user \"%s\": as its owner run",
                name, facts->server.user);
        mend(&teardown->kept, "DROP TABLE %s", name);
    } else {
        teardown->watermarks = true;
    }
    free(name);
}

static bool check_free(const struct slot *slot, const char *name, struct err *err)
{
    return !slot->active_pid ||
           err_set(err, ERR_CONFIG,
                   "replication slot \"%s\" is in use by process %d: stop that capture first", name,
                   slot->active_pid);
}

bool teardown_plan(struct pg *pg, const struct config *config, struct teardown *teardown,
                   struct err *err)
{
    struct facts facts;
    struct slot other = {0};
    char *others = NULL;
    *teardown = (struct teardown){0};
    bool ok = facts_read(pg, config, NULL, &facts, err) &&
              slot_read(pg, config->other_slot, &other, err) &&
              check_free(&facts.slot, config->slot, err) &&
              check_free(&other, config->other_slot, err) &&
              read_others(pg, config, &facts, &others, err);
    if (ok) {
        const char *database = facts.server.database;
        teardown->slot = plan_slot(&facts.slot, config->slot, database, teardown);
        teardown->other_slot = plan_slot(&other, config->other_slot, database, teardown);
        plan_publication(&facts, config, others, teardown);
        plan_watermarks(&facts, config, others, teardown);
    }
    free(others);
    slot_clear(&other);
    facts_free(&facts);
    return ok;
}

static void drop_slot(struct out *out, bool drop, const char *name)
{
    if (drop) {
        out_string(out, "SELECT pg_drop_replication_slot(");
        pg_quote_literal(out, name, strlen(name));
        out_string(out, ");\n");
    }
}

void teardown_sql(struct out *out, const struct config *config, const struct teardown *teardown)
{
    drop_slot(out, teardown->slot, config->slot);
    drop_slot(out, teardown->other_slot, config->other_slot);
    if (teardown->publication) {
        char *name = sql_name(config->publication);
        out_format(out, "DROP PUBLICATION %s;\n", name);
        free(name);
    }
    if (teardown->watermarks) {
        char *name = sql_table(config->watermarks_schema, config->watermarks_table);
        out_format(out, "DROP TABLE %s;\n", name);
        free(name);
    }
}

static bool run(struct pg *pg, const struct config *config, struct teardown one, const char *what,
                struct err *err)
{
    struct out sql;
    out_init(&sql, 256);
    teardown_sql(&sql, config, &one);
    bool ok =
        !sql.len || pg_exec(pg, out_text(&sql), err) || err_prefix(err, "cannot drop %s: ", what);
    out_free(&sql);
    return ok;
}

bool teardown_run(struct pg *pg, const struct config *config, const struct teardown *teardown,
                  struct err *err)
{
    return run(pg, config, (struct teardown){.slot = teardown->slot}, "the replication slot",
               err) &&
           run(pg, config, (struct teardown){.other_slot = teardown->other_slot},
               "the replication slot of full refreshes", err) &&
           run(pg, config, (struct teardown){.publication = teardown->publication},
               "the publication", err) &&
           run(pg, config, (struct teardown){.watermarks = teardown->watermarks},
               "the watermarks table", err);
}

void teardown_clear(struct teardown *teardown)
{
    problems_free(&teardown->kept);
}
