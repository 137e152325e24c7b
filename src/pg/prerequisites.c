/* Finding what is missing: by facts of the catalogs, and by trying what they do not show. */
#include "pg/prerequisites.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "internal.h"
#include "pg/facts.h"
#include "problems.h"
#include "problems_table.h"
#include "rows.h"

enum {
    /* A reader that has just died still holds the slot for a moment. */
    SLOT_PATIENCE_US = 5 * 1000 * 1000,
    SLOT_POLL_US = 200 * 1000,
};

/* Only an attempt shows whether we may replicate, and whether a pooler is between us and the
 * server. */
static bool try_replication(const struct pg *pg, const struct server_facts *facts,
                            struct pg **replication, struct problems *problems, struct err *err)
{
    struct server_identity server;
    const char *name = replication ? REPLICATION_NAME : "source-postgres check";
    struct pg *tried = pg_open(pg->config, PG_REPLICATION, name, pg->stop_fd, err);
    bool ok = tried && server_identify(tried, &server, err);
    if (ok && replication) {
        pg_tell(tried, &pg->notices);
        *replication = tried;
    } else {
        pg_close(&tried);
    }
    if (ok) {
        return true;
    }
    if (!strcmp(err->sqlstate, "53300") && problems->count) {
        return true; /* a limit of connections that was added already */
    }
    if (!strcmp(err->sqlstate, "53300") && facts->wal_senders >= facts->max_wal_senders) {
        problem(
            problems,
            "all WAL senders are in use: run ALTER SYSTEM SET max_wal_senders = … with a higher "
            "number and restart the server, or end another replication connection");
        return true;
    }
    if (err->kind == ERR_CONFIG) {
        problem(problems, "cannot replicate: %s", err->message);
        return true;
    }
    return false; /* a server that is shutting down is not a problem of the configuration */
}

/* Pause, unless we are asked to stop. */
static bool pause_us(struct pg *pg, int64_t us, struct err *err)
{
    char sql[64];
    snprintf(sql, sizeof sql, "SELECT pg_sleep(%g)", (double)us / 1e6);
    return pg_exec(pg, sql, err);
}

static bool wait_for_slot(struct pg *pg, const struct config *config, struct slot *slot,
                          struct err *err)
{
    int64_t deadline_us = clock_monotonic_us() + SLOT_PATIENCE_US;
    while (slot->active_pid && clock_monotonic_us() < deadline_us) {
        slot_clear(slot);
        if (!pause_us(pg, SLOT_POLL_US, err) || !slot_read(pg, config->slot, slot, err)) {
            return false;
        }
    }
    return true;
}

/* Add a problem that names the session that reads the slot, as far as we may see it. */
static bool find_reader(struct pg *pg, const struct config *config, const struct slot *slot,
                        enum slot_use use, struct problems *problems, struct err *err)
{
    struct slot_reader reader;
    if (!slot_reader_read(pg, slot, &reader, err)) {
        return false;
    }
    bool ours = reader.pid && !strcmp(reader.application, REPLICATION_NAME);
    if (use == SLOT_MAY_BE_OURS && ours) {
        /* it is being captured */
    } else if (reader.pid) {
        problem(problems,
                "replication slot \"%s\" is in use by process %d (%s, user %s, from %s) since %s: "
                "stop that capture, or run SELECT pg_terminate_backend(%d), or set "
                "%s to another name",
                config->slot, slot->active_pid, reader.application, reader.user, reader.address,
                reader.since, slot->active_pid, config_words(config)->slot);
    } else {
        problem(problems,
                "replication slot \"%s\" is in use by process %d: stop that capture, or run SELECT "
                "pg_terminate_backend(%d), or set %s to another name",
                config->slot, slot->active_pid, slot->active_pid, config_words(config)->slot);
    }
    slot_reader_clear(&reader);
    return true;
}

/* Try a write to the watermarks table, if nothing else is wrong with it. */
static bool try_watermarks(struct pg *pg, const struct facts *facts, const struct config *config,
                           struct problems *problems, struct err *err)
{
    const struct table_facts *table = facts_watermarks(facts);
    if (config->read_only_capture || problems->count || !table->oid || !table->published ||
        watermarks_come(pg, config, err)) {
        return true;
    }
    if (err->kind == ERR_CONFIG) {
        problem(problems, "%s", err->message);
    }
    return err->kind == ERR_CONFIG;
}

bool prerequisites_check(struct pg *pg, const struct config *config, const struct catalog *catalog,
                         enum slot_use use, struct pg **replication, struct facts *facts,
                         struct problems *problems, struct err *err)
{
    struct facts own = {0}, *f = facts ? facts : &own;
    bool ok = facts_read(pg, config, catalog, f, err) &&
              (use == SLOT_MAY_BE_READ || use == SLOT_MAY_BE_OURS ||
               wait_for_slot(pg, config, &f->slot, err));
    if (ok && use == SLOT_GOES_ON && f->server.standby &&
        !(config->read_only_capture && slot_is_own(&f->slot))) {
        ok = slot_elsewhere(config->read_only_capture, err);
    }
    if (ok) {
        bool taken = use != SLOT_MAY_BE_READ && f->slot.active_pid;
        problems_find(f, config, catalog, use, problems);
        ok = try_watermarks(pg, f, config, problems, err) &&
             (!taken || find_reader(pg, config, &f->slot, use, problems, err)) &&
             try_replication(pg, &f->server, replication, problems, err);
    }
    facts_free(&own);
    return ok;
}

bool prerequisites_leave_out(struct pg *pg, const struct config *config, struct catalog *catalog,
                             struct problems *left_out, struct err *err)
{
    struct facts facts = {0};
    bool ok = facts_read(pg, config, catalog, &facts, err);
    for (int i = 0, kept = 0; ok && kept < catalog->count; i++) {
        const struct catalog_stream *stream = &catalog->streams[kept];
        size_t first = left_out->count;
        if (find_uncapturable(&facts, i, config, stream, left_out)) {
            problems_concern(left_out, first, stream->schema, stream->table);
            catalog_remove(catalog, kept);
        } else {
            kept++;
        }
    }
    facts_free(&facts);
    return ok;
}
