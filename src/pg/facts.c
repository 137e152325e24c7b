/*
 * Reading the facts, one query after the other: facts_read.h. Nothing is judged here: problems.c
 * does that.
 */
#include "pg/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "facts_read.h"
#include "settled.h"

/* What is read, besides the configuration and the catalog. */
struct reading {
    const char *who; /* an expression: whose rights */
    int named;
};

static bool read_all(struct pg *pg, const struct config *config, const struct catalog *catalog,
                     const struct reading *reading, struct facts *facts, struct err *err)
{
    const char *who = reading->who;
    int named = reading->named;
    *facts = (struct facts){.named = named};
    return facts_read_server(pg, who, &facts->server, err) &&
           facts_read_publication(pg, config, who, &facts->publication, err) &&
           slot_read(pg, config->slot, &facts->slot, err) &&
           facts_read_tables(pg, config, catalog, who, facts, err) &&
           facts_read_watermarks(pg, facts_watermarks(facts)->oid, who, &facts->watermarks, err) &&
           ((catalog && facts->publication.exists && named != ALL_TABLES) ||
            survey_read(pg, config, who, named, &facts->survey, err));
}

static bool is_settled(struct pg *pg, const struct config *config, const struct catalog *catalog,
                       const struct facts *facts, bool *settled, struct err *err)
{
    int count = facts->stream_count;
    struct named_table *named = mem_zero((size_t)(count + 1) * sizeof *named);
    for (int i = 0; i < count; i++) {
        const struct catalog_stream *stream = &catalog->streams[i];
        named[i] = (struct named_table){stream->schema, stream->table, facts->tables[i].oid};
    }
    named[count] = (struct named_table){config->watermarks_schema, config->watermarks_table,
                                        facts_watermarks(facts)->oid};
    bool ok = names_settled(pg, named, count + 1, settled, err);
    free(named);
    return ok;
}

static bool read_settled(struct pg *pg, const struct config *config, const struct catalog *catalog,
                         const struct reading *reading, struct facts *facts, struct err *err)
{
    for (int looks = 0; looks < SETTLED_LOOKS; looks++) {
        bool settled;
        if (!read_all(pg, config, catalog, reading, facts, err) ||
            !is_settled(pg, config, catalog, facts, &settled, err)) {
            return false;
        }
        if (settled) {
            return true;
        }
        facts_free(facts);
    }
    return names_unsettled(err);
}

bool facts_read(struct pg *pg, const struct config *config, const struct catalog *catalog,
                struct facts *facts, struct err *err)
{
    const struct reading reading = {"current_user", NAMED_TABLES};
    return read_settled(pg, config, catalog, &reading, facts, err);
}

bool facts_read_all(struct pg *pg, const struct config *config, const struct catalog *catalog,
                    const char *user, struct facts *facts, struct err *err)
{
    struct out who;
    out_init(&who, 64);
    pg_quote_literal(&who, user, strlen(user));
    out_string(&who, "::name");
    const struct reading reading = {out_text(&who), ALL_TABLES};
    bool ok = read_settled(pg, config, catalog, &reading, facts, err);
    out_free(&who);
    return ok;
}

void facts_free(struct facts *facts)
{
    free(facts->server.wal_level);
    free(facts->server.effective_wal_level);
    free(facts->server.user);
    free(facts->server.database);
    free(facts->server.idle_slots);
    free(facts->publication.owner);
    slot_clear(&facts->slot);
    for (int i = 0; facts->tables && i <= facts->stream_count; i++) {
        free(facts->tables[i].uniques);
        free(facts->tables[i].key_nulls);
        free(facts->tables[i].unsent);
        free(facts->tables[i].leaf_mends);
        free(facts->tables[i].owner);
        free(facts->tables[i].schema_owner);
        free(facts->tables[i].schema_creator);
    }
    free(facts->tables);
    free(facts->watermarks.owner);
    free(facts->watermarks.trigger_makers);
    free(facts->watermarks.code);
    survey_clear(&facts->survey);
    free(facts->admin);
    free(facts->database_creator);
    free(facts->database_owner);
    *facts = (struct facts){0};
}
