/* What keeps a capture from starting: the server, the slot, the publication. Tables:
 * problems_table.c */
#include "problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogs.h"
#include "pg/failover.h"
#include "problems_table.h"
#include "publication.h"
#include "runner.h"

/* Besides those of the workers: one for the stream, one for queries, and one that is opened now and
 * then. */
enum { OTHER_CONNECTIONS = 3, STANDBY_VERSION = 160000 };

void problem(struct problems *problems, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) >= 0) {
        problems_add(problems, text);
        free(text);
    }
    va_end(args);
}

void mend(struct problems *problems, const char *format, ...)
{
    char *statement = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&statement, format, args) >= 0) {
        problems_mend(problems, statement);
        free(statement);
    }
    va_end(args);
}

/*
 * From version 19 on the first logical slot turns logical decoding on, where wal_level is replica;
 * effective_wal_level shows that it is on.
 */
static bool decodes(const struct server_facts *server)
{
    const char *level = server->effective_wal_level;
    return !strcmp(server->wal_level, "logical") ||
           (level && (!strcmp(level, "logical") || !strcmp(server->wal_level, "replica")));
}

/* pgoutput sends TRUNCATE, and messages, only from these versions on. */
static void find_too_old(const struct server_facts *server, const struct config *config,
                         struct problems *problems)
{
    const struct {
        bool asked;
        const char *option;
        int since;
    } all[] = {{config->emit_truncates, "emit_truncates", 11},
               {config->emit_messages != NULL, "emit_messages", 14}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].asked && server->version < all[i].since * 10000) {
            problem(problems,
                    "advanced.%s needs PostgreSQL %d or newer, and the server is PostgreSQL %d: "
                    "take it out",
                    all[i].option, all[i].since, server->version / 10000);
        }
    }
}

static void find_server(const struct server_facts *server, const struct config *config,
                        struct problems *problems)
{
    if (server->version < 100000) {
        problem(problems,
                "the server is PostgreSQL %d.%d: logical replication needs version 10 or "
                "newer; upgrade it",
                server->version / 10000, server->version / 100 % 100);
    }
    if (!decodes(server)) {
        problem(problems, "wal_level is %s, not logical: run", server->wal_level);
        mend(problems, "ALTER SYSTEM SET wal_level = logical");
        problems_extend(
            problems,
            " and restart the server (Amazon RDS: set rds.logical_replication = 1 in the parameter "
            "group; Google Cloud SQL: the flag cloudsql.logical_decoding = on)");
    }
    if (server->standby && !config->read_only_capture) {
        problem(
            problems,
            "the server is a standby, where no watermarks can be written: connect to its primary%s",
            server->version >= STANDBY_VERSION ? ", or set advanced.read_only_capture" : "");
    } else if (server->standby && server->version < STANDBY_VERSION) {
        problem(
            problems,
            "the server is a standby, and standbys can be captured from only from PostgreSQL 16 "
            "on: connect to its primary");
    }
}

/* Format arguments: the option's name, and the slot's. */
#define REPLACE "set %s to another name, or run SELECT pg_drop_replication_slot('%s')"

static void find_slot_unfit(const struct slot *slot, const struct config *config,
                            const struct server_facts *server, enum slot_use use,
                            struct problems *problems)
{
    const char *option = config_words(config)->slot;
    if (!slot->logical || strcmp(slot->plugin, "pgoutput") != 0) {
        problem(problems,
                "replication slot \"%s\" exists for %s, and the capture needs one for "
                "pgoutput: " REPLACE,
                config->slot, slot->logical ? slot->plugin : "physical replication", option,
                config->slot);
    } else if (strcmp(slot->database, server->database) != 0) {
        problem(problems,
                "replication slot \"%s\" belongs to database \"%s\", not to \"%s\": " REPLACE,
                config->slot, slot->database, server->database, option, config->slot);
    } else if (slot->temporary) {
        problem(problems,
                "replication slot \"%s\" is another session's temporary one: set %s to another "
                "name",
                config->slot, option);
    } else if (slot->two_phase) {
        problem(problems,
                "replication slot \"%s\" was made with two_phase, and sends transactions that are "
                "not committed yet, which the capture does not know: " REPLACE ", and let the "
                "capture make its own",
                config->slot, option, config->slot);
    } else if (slot->invalidation && use != SLOT_GOES_ON) {
        problem(problems,
                "the server invalidated replication slot \"%s\" (%s), and changes are lost: run "
                "SELECT pg_drop_replication_slot('%s'), and %s; a capture that goes on from it "
                "must begin "
                "again",
                config->slot, slot->invalidation, config->slot,
                slot_invalidation_remedy(slot->invalidation));
    }
}

static void find_slot(const struct facts *facts, const struct config *config, enum slot_use use,
                      struct problems *problems)
{
    const struct server_facts *server = &facts->server;
    if (config->failover_slot == FAILOVER_ALWAYS && server->version < FAILOVER_VERSION) {
        problem(problems,
                "advanced.failover_slot is true, and the server is PostgreSQL %d: failover slots "
                "came with version 17; set the option to auto, or upgrade the server",
                server->version / 10000);
    }
    if (facts->slot.exists) {
        find_slot_unfit(&facts->slot, config, server, use, problems);
    } else if (server->slots >= server->max_slots) {
        problem(problems,
                "all %d replication slots are taken (max_replication_slots)%s%s: drop one that "
                "nobody needs with SELECT pg_drop_replication_slot(…), or run ALTER SYSTEM SET "
                "max_replication_slots = %d and restart the server",
                server->max_slots, server->idle_slots ? "; nobody reads " : "",
                server->idle_slots ? server->idle_slots : "", server->max_slots + 10);
    }
}

/* A publication for all tables is asked for, but it would make UPDATEs of an application fail. */
static void find_all_tables_harmful(const struct facts *facts, const struct config *config,
                                    struct problems *problems)
{
    struct out names;
    out_init(&names, 256);
    table_list_write(&names, &facts->survey.unidentified, facts->named);
    problem(
        problems,
        "publication \"%s\" cannot be made for all tables: the server would refuse UPDATE and "
        "DELETE on %s, for want of a primary key or REPLICA IDENTITY; run ALTER TABLE … REPLICA "
        "IDENTITY FULL for each, or take advanced.publish_all_tables out",
        config->publication, out_text(&names));
    out_free(&names);
}

static void mend_table_left_out(const struct facts *facts, const struct table_facts *table,
                                const char *schema, const char *name, const char *publication,
                                struct problems *problems)
{
    if (publication_leaves_out(facts, table)) {
        char *quoted = sql_table(schema, name);
        mend(problems, "ALTER PUBLICATION %s ADD TABLE ONLY %s", publication, quoted);
        left_to_publisher(problems, facts, table);
        free(quoted);
    }
}

/* What publication_sql leaves out is for its owners to add. */
static void mend_left_out(const struct facts *facts, const struct config *config,
                          const struct catalog *catalog, const char *publication,
                          struct problems *problems)
{
    if (!config->read_only_capture) {
        mend_table_left_out(facts, facts_watermarks(facts), config->watermarks_schema,
                            config->watermarks_table, publication, problems);
    }
    for (int i = 0; catalog && i < catalog->count; i++) {
        mend_table_left_out(facts, &facts->tables[i], catalog->streams[i].schema,
                            catalog->streams[i].table, publication, problems);
    }
}

/*
 * How an administrator makes the publication: as we would. For all tables only if that is asked
 * for; what it would break is said before the statement.
 */
static void find_publication_missing(const struct facts *facts, const struct config *config,
                                     const struct catalog *catalog, struct problems *problems)
{
    const struct table_list *left_out = &facts->survey.unidentified;
    const struct table_list *others = &facts->survey.identified;
    bool many = (catalog ? catalog->count : others->count) > facts->named;
    bool named = !config->publish_all_tables;
    const struct catalog none = {0};
    char *name = sql_name(config->publication);
    struct out sql, refused, more;
    out_init(&sql, 256);
    out_init(&refused, 256);
    out_init(&more, 128);
    publication_sql(&sql, facts, config, many ? &none : catalog, !named,
                    catalog || many ? NULL : others->names);
    if (named && left_out->count && (many || !catalog)) {
        out_string(&refused, " (it must not be for all tables: the server would refuse UPDATE and "
                             "DELETE on ");
        table_list_write(&refused, left_out, facts->named);
        out_string(&refused, ", for want of a primary key or REPLICA IDENTITY)");
    }
    problem(problems,
            "there is no publication \"%s\", and user \"%s\" may not create it%s%s: run as the "
            "tables' owner or a superuser",
            config->publication, facts->server.user, facts->server.standby ? " at a standby" : "",
            out_text(&refused));
    mend_create_in_database(problems, facts);
    mend(problems, "%s", out_text(&sql));
    if (named) {
        mend_left_out(facts, config, catalog, name, problems);
    }
    if (named && many) {
        out_format(&more,
                   "; for each captured table ALTER PUBLICATION %s ADD TABLE ONLY schema.table",
                   name);
        problems_extend(problems, out_text(&more));
    }
    free(name);
    out_free(&sql);
    out_free(&refused);
    out_free(&more);
}

static void find_publication(const struct facts *facts, const struct config *config,
                             const struct catalog *catalog, struct problems *problems)
{
    const struct publication_facts *publication = &facts->publication;
    if (!publication->exists) {
        if (config->publish_all_tables && facts->survey.unidentified.count) {
            find_all_tables_harmful(facts, config, problems);
        } else if (!publication_creatable(facts, config)) {
            find_publication_missing(facts, config, catalog, problems);
        }
        return;
    }
    bool lacks_truncates = config->emit_truncates && !publication->truncates;
    if (!publication->inserts || !publication->updates || !publication->deletes ||
        lacks_truncates) {
        char *name = sql_name(config->publication);
        problem(problems,
                "publication \"%s\" does not publish %s, which would be lost without a word: run",
                config->publication,
                !publication->inserts   ? "inserts"
                : !publication->updates ? "updates"
                : !publication->deletes ? "deletes"
                                        : "truncates");
        mend(problems, "ALTER PUBLICATION %s SET (publish = 'insert, update, delete%s')", name,
             facts->server.version >= 110000 ? ", truncate" : "");
        left_to_owner(problems, facts, publication->owner);
        free(name);
    }
}

/* Else connections would be refused in the middle of a backfill. */
static void find_connection_limit(const struct facts *facts, const struct config *config,
                                  struct problems *problems)
{
    const struct server_facts *server = &facts->server;
    int needed = config->backfill_workers + OTHER_CONNECTIONS;
    bool role = server->role_limit >= 0 && server->role_limit < needed;
    if (server->superuser) {
        return; /* no limit binds it */
    }
    if (role) {
        char *user = sql_name(server->user);
        problem(problems, "user \"%s\" may have %d connections, and the capture needs %d: run",
                server->user, server->role_limit, needed);
        mend(problems, "ALTER ROLE %s CONNECTION LIMIT %d", user, needed);
        left_to_administrator(problems, facts);
        free(user);
    }
    if (server->database_limit >= 0 && server->database_limit < needed) {
        char *database = sql_name(server->database);
        problem(problems, "database \"%s\" may have %d connections, and the capture needs %d: run",
                server->database, server->database_limit, needed);
        mend(problems, "ALTER DATABASE %s CONNECTION LIMIT %d", database, needed);
        left_to_owner(problems, facts, facts->database_owner);
        problems_extend(problems, ", or more where others connect, too");
        free(database);
    }
}

void find_unknown_schemas(const struct facts *facts, struct problems *problems)
{
    if (facts->survey.unknown) {
        problem(problems,
                "discover_schemas names what is no schema of database \"%s\": %s; correct it",
                facts->server.database, facts->survey.unknown);
    }
}

/* Without a catalog, of the tables that discover would show one that can be read is enough. */
static void find_nothing_to_read(const struct facts *facts, struct problems *problems)
{
    const struct survey *survey = &facts->survey;
    find_unknown_schemas(facts, problems);
    if (survey->partly.count) {
        struct out names;
        char *user = sql_name(facts->server.user);
        out_init(&names, 256);
        table_list_write(&names, &survey->partly, facts->named);
        problem(problems,
                "user \"%s\" may read some columns only of %s, and a capture needs the table (a "
                "column list of the publication leaves columns out): run",
                facts->server.user, out_text(&names));
        mend(problems, "GRANT SELECT ON TABLE %s TO %s", survey->partly.names, user);
        out_free(&names);
        free(user);
    } else if (survey->offered && !survey->readable) {
        char *user = sql_name(facts->server.user);
        problem(problems, "user \"%s\" may read no table of schema %s: run", facts->server.user,
                survey->schemas);
        mend(problems, "GRANT USAGE ON SCHEMA %s TO %s", survey->schemas, user);
        mend(problems, "GRANT SELECT ON ALL TABLES IN SCHEMA %s TO %s", survey->schemas, user);
        free(user);
    }
}

void problems_find(const struct facts *facts, const struct config *config,
                   const struct catalog *catalog, enum slot_use use, struct problems *problems)
{
    find_server(&facts->server, config, problems);
    find_too_old(&facts->server, config, problems);
    find_connection_limit(facts, config, problems);
    find_slot(facts, config, use, problems);
    if (!config->read_only_capture) {
        /* first: the statement for the publication may name it */
        find_watermarks(facts, config, problems);
    }
    if (!catalog) {
        find_nothing_to_read(facts, problems);
    }
    for (int i = 0; catalog && i < catalog->count; i++) {
        size_t first = problems->count;
        find_table(facts, i, config, &catalog->streams[i], problems);
        problems_concern(problems, first, catalog->streams[i].schema, catalog->streams[i].table);
    }
    /* last: a table gets its replica identity before it is published */
    find_publication(facts, config, catalog, problems);
}
