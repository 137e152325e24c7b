/* What keeps a capture from starting: the server, the slot, the publication. Tables:
 * problems_table.c */
#include "problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalogs.h"
#include "problems_table.h"

void problem(struct out *problems, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (problems->len) {
        out_char(problems, '\n');
    }
    out_bytes(problems, len < 0 ? "" : text, len < 0 ? 0 : (size_t)len);
    free(text);
}

static void find_server(const struct server_facts *server, struct out *problems)
{
    if (server->version < 100000) {
        problem(problems,
                "the server is PostgreSQL %d.%d: logical replication needs version 10 or "
                "newer; upgrade it",
                server->version / 10000, server->version / 100 % 100);
    }
    if (strcmp(server->wal_level, "logical") != 0) {
        problem(
            problems,
            "wal_level is %s, not logical: run ALTER SYSTEM SET wal_level = logical and restart "
            "the server (Amazon RDS: set rds.logical_replication = 1 in the parameter group; "
            "Google Cloud SQL: the flag cloudsql.logical_decoding = on)",
            server->wal_level);
    }
    if (server->standby) {
        problem(problems,
                "the server is a standby, where neither watermarks nor publications can be "
                "written: connect to its primary");
    }
}

static void find_slot_unfit(const struct slot *slot, const struct config *config,
                            const struct server_facts *server, enum slot_use use,
                            struct out *problems)
{
    const char *mend = "set slot_name to another name, or run SELECT "
                       "pg_drop_replication_slot";
    if (!slot->logical || strcmp(slot->plugin, "pgoutput") != 0) {
        problem(problems,
                "replication slot \"%s\" exists for %s, and the capture needs one for pgoutput: "
                "%s('%s')",
                config->slot, slot->logical ? slot->plugin : "physical replication", mend,
                config->slot);
    } else if (strcmp(slot->database, server->database) != 0) {
        problem(problems,
                "replication slot \"%s\" belongs to database \"%s\", not to \"%s\": %s('%s')",
                config->slot, slot->database, server->database, mend, config->slot);
    } else if (slot->temporary) {
        problem(problems,
                "replication slot \"%s\" is another session's temporary one: set "
                "slot_name to another name",
                config->slot);
    } else if (slot->invalidation && use != SLOT_GOES_ON) {
        problem(
            problems,
            "the server invalidated replication slot \"%s\" (%s), and changes are lost: run "
            "SELECT pg_drop_replication_slot('%s'), and raise max_slot_wal_keep_size; a capture "
            "that goes on from it must begin anew",
            config->slot, slot->invalidation, config->slot);
    }
}

static void find_slot(const struct facts *facts, const struct config *config, enum slot_use use,
                      struct out *problems)
{
    const struct server_facts *server = &facts->server;
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

/* The statement with which an administrator makes the publication. */
static char *create_publication(const struct facts *facts, const struct config *config,
                                const struct catalog *catalog)
{
    struct out sql;
    char *name = sql_name(config->publication);
    const char *with = facts->server.version >= 130000 && !config->capture_as_partitions
                           ? " WITH (publish_via_partition_root = true)"
                           : "";
    out_init(&sql, 256);
    out_format(&sql, "CREATE PUBLICATION %s FOR ", name);
    if (catalog && catalog->count <= 20) {
        char *table = sql_table(config->watermarks_schema, config->watermarks_table);
        out_format(&sql, "TABLE %s", table);
        free(table);
        for (int i = 0; i < catalog->count; i++) {
            table = sql_table(catalog->streams[i].schema, catalog->streams[i].table);
            out_format(&sql, ", ONLY %s", table);
            free(table);
        }
    } else {
        out_string(&sql, "ALL TABLES");
    }
    out_string(&sql, with);
    char *text = mem_string(out_text(&sql));
    free(name);
    out_free(&sql);
    return text;
}

/* Whether we may make it, as far as can be told: for all tables, or for tables that are ours. */
static bool may_create(const struct facts *facts)
{
    if (facts->server.superuser) {
        return true;
    }
    for (int i = 0; i <= facts->stream_count; i++) {
        if (facts->tables[i].oid && !facts->tables[i].owned) {
            return false;
        }
    }
    return facts->server.may_create;
}

static void find_publication(const struct facts *facts, const struct config *config,
                             const struct catalog *catalog, struct out *problems)
{
    const struct publication_facts *publication = &facts->publication;
    if (!publication->exists) {
        if (!may_create(facts)) {
            char *sql = create_publication(facts, config, catalog);
            problem(problems,
                    "there is no publication \"%s\", and user \"%s\" may not create it: run as the "
                    "tables' owner or a superuser %s",
                    config->publication, facts->server.user, sql);
            free(sql);
        }
        return;
    }
    if (!publication->inserts || !publication->updates) {
        char *name = sql_name(config->publication);
        problem(problems,
                "publication \"%s\" does not publish %s, and so no watermarks: run ALTER "
                "PUBLICATION %s SET (publish = 'insert, update, delete, truncate')",
                config->publication, publication->inserts ? "updates" : "inserts", name);
        free(name);
    }
}

void problems_find(const struct facts *facts, const struct config *config,
                   const struct catalog *catalog, enum slot_use use, struct out *problems)
{
    find_server(&facts->server, problems);
    find_slot(facts, config, use, problems);
    find_watermarks(facts, config, problems); /* first: the publication may be told to name it */
    find_publication(facts, config, catalog, problems);
    for (int i = 0; i < facts->stream_count; i++) {
        find_table(facts, i, config, &catalog->streams[i], problems);
    }
}
