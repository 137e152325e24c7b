/* Reading what the server says of the slot and of itself. What follows from it: slot_verify.c. */
#include "pg/slot.h"

#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "rows.h"

/* Takes columns of later versions, below. One row, whether the slot is there or not. */
static const char slot_sql[] = "SELECT s.slot_name IS NOT NULL,"
                               " s.slot_type = 'logical',"
                               " s.temporary,"
                               " s.plugin,"
                               " s.database,"
                               " CASE WHEN s.active THEN coalesce(s.active_pid, -1) END,"
                               " s.restart_lsn,"
                               " s.confirmed_flush_lsn,"
                               " CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
                               "  ELSE pg_current_wal_lsn() END,"
                               " pg_is_in_recovery(),"
                               " age(s.catalog_xmin),"
                               " %s, %s, %s "
                               "FROM (SELECT) x LEFT JOIN pg_replication_slots s"
                               " ON s.slot_name = $1";

enum {
    SLOT_EXISTS,
    SLOT_LOGICAL,
    SLOT_TEMPORARY,
    SLOT_PLUGIN,
    SLOT_DATABASE,
    SLOT_ACTIVE_PID,
    SLOT_RESTART_LSN,
    SLOT_CONFIRMED_FLUSH,
    SLOT_WAL_END,
    SLOT_IN_RECOVERY,
    SLOT_CATALOG_AGE,
    SLOT_WAL_STATUS, /* status_sql, from here on */
    SLOT_SAFE_WAL_SIZE,
    SLOT_INVALIDATION,
    SLOT_TWO_PHASE,
    SLOT_FAILOVER,
    SLOT_SYNCED, /* synced_sql */
    SLOT_IDLE_S, /* idle_sql */
    SLOT_IDLE_TIMEOUT_S,
};

/* wal_status and safe_wal_size: from 13 on; two_phase: 14; conflicting: 16; invalidation_reason and
 * failover: 17. */
static const char *status_sql(int version)
{
    if (version >= 170000) {
        return "s.wal_status, s.safe_wal_size, s.invalidation_reason, s.two_phase, s.failover";
    }
    if (version >= 160000) {
        return "s.wal_status, s.safe_wal_size,"
               " CASE WHEN s.conflicting THEN 'conflict with recovery'"
               "  WHEN s.wal_status = 'lost' THEN 'wal_removed' END, s.two_phase, false";
    }
    if (version >= 130000) {
        return version >= 140000
                   ? "s.wal_status, s.safe_wal_size,"
                     " CASE WHEN s.wal_status = 'lost' THEN 'wal_removed' END, s.two_phase, false"
                   : "s.wal_status, s.safe_wal_size,"
                     " CASE WHEN s.wal_status = 'lost' THEN 'wal_removed' END, false, false";
    }
    return "NULL, NULL, NULL, false, false";
}

static const char *synced_sql(int version)
{
    return version >= 170000 ? "s.synced" : "false";
}

/* A slot that is not read is invalidated after idle_replication_slot_timeout; the server counts
 * from its own start at the earliest. */
static const char *idle_sql(int version)
{
    return version >= 180000
               ? "extract(epoch FROM clock_timestamp() - s.inactive_since)::bigint,"
                 " extract(epoch FROM current_setting('idle_replication_slot_timeout')"
                 "::interval)::bigint"
               : "0, 0";
}

static void fill(struct slot *slot, const struct pg_rows *rows)
{
    slot->in_recovery = rows_bool(rows, 0, SLOT_IN_RECOVERY);
    slot->wal_end = rows_lsn(rows, 0, SLOT_WAL_END);
    slot->exists = rows_bool(rows, 0, SLOT_EXISTS);
    if (!slot->exists) {
        return;
    }
    slot->synced = rows_bool(rows, 0, SLOT_SYNCED);
    slot->logical = rows_bool(rows, 0, SLOT_LOGICAL);
    slot->temporary = rows_bool(rows, 0, SLOT_TEMPORARY);
    slot->plugin = rows_copy(rows, 0, SLOT_PLUGIN);
    slot->database = rows_copy(rows, 0, SLOT_DATABASE);
    slot->active_pid = rows_int(rows, 0, SLOT_ACTIVE_PID);
    slot->restart_lsn = rows_lsn(rows, 0, SLOT_RESTART_LSN);
    slot->confirmed_flush = rows_lsn(rows, 0, SLOT_CONFIRMED_FLUSH);
    slot->catalog_age = rows_i64(rows, 0, SLOT_CATALOG_AGE);
    slot->wal_status = rows_copy(rows, 0, SLOT_WAL_STATUS);
    slot->safe_wal_size = pg_rows_null(rows, 0, SLOT_SAFE_WAL_SIZE)
                              ? INT64_MAX
                              : rows_i64(rows, 0, SLOT_SAFE_WAL_SIZE);
    slot->invalidation = rows_copy(rows, 0, SLOT_INVALIDATION);
    slot->two_phase = rows_bool(rows, 0, SLOT_TWO_PHASE);
    slot->failover = rows_bool(rows, 0, SLOT_FAILOVER);
    slot->idle_s = rows_i64(rows, 0, SLOT_IDLE_S);
    slot->idle_timeout_s = rows_i64(rows, 0, SLOT_IDLE_TIMEOUT_S);
}

static const char identifier_sql[] = "SELECT system_identifier FROM pg_control_system()";

/*
 * Which server it is that answers, asked once a connection: its server stays the same. Not every
 * role may ask: then it stays unknown.
 */
static const char *system_identifier(struct pg *pg)
{
    struct err ignored;
    if (!pg->asked_identifier) {
        struct pg_rows *rows = pg_query(pg, identifier_sql, 0, NULL, &ignored);
        snprintf(pg->system_identifier, sizeof pg->system_identifier, "%s",
                 rows ? rows_text(rows, 0, ROWS_VALUE) : "");
        pg_rows_free(&rows);
        pg->asked_identifier = true;
    }
    return pg->system_identifier;
}

bool slot_read(struct pg *pg, const char *name, struct slot *slot, struct err *err)
{
    int version = pg_server_version(pg);
    *slot = (struct slot){.safe_wal_size = INT64_MAX};
    snprintf(slot->system_identifier, sizeof slot->system_identifier, "%s", system_identifier(pg));
    char *sql = mem_format(slot_sql, status_sql(version), synced_sql(version), idle_sql(version));
    struct pg_rows *rows = pg_query(pg, sql, 1, &name, err);
    free(sql);
    if (rows && pg_rows_count(rows) > 0) {
        fill(slot, rows);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

void slot_clear(struct slot *slot)
{
    free(slot->plugin);
    free(slot->database);
    free(slot->wal_status);
    free(slot->invalidation);
    *slot = (struct slot){.safe_wal_size = INT64_MAX};
}

bool slot_drop(struct pg *pg, const char *name, struct err *err)
{
    struct pg_rows *rows = pg_query(pg,
                                    "SELECT pg_drop_replication_slot(slot_name)"
                                    " FROM pg_replication_slots WHERE slot_name = $1",
                                    1, &name, err);
    if (rows && pg_rows_count(rows) > 0) {
        pg_notice(pg, "dropped replication slot \"%s\"", name);
    }
    bool ok = rows || err_prefix(err, "cannot drop replication slot \"%s\": ", name);
    pg_rows_free(&rows);
    return ok;
}

static const char reader_sql[] =
    "SELECT coalesce(nullif(a.application_name, ''), 'unnamed'),"
    " a.usename,"
    " coalesce(host(a.client_addr), 'a local socket'),"
    " date_trunc('second', a.backend_start),"
    " r.state,"
    " r.sent_lsn,"
    " r.flush_lsn,"
    " r.pid IS NOT NULL AND r.state IS NULL,"
    " a.pid "
    "FROM pg_stat_activity a LEFT JOIN pg_stat_replication r ON r.pid = a.pid";

/* The process that reads the slot. */
static const char reads_sql[] = " WHERE a.pid = $1::int";

/* The session of a capture that does not read its slot yet; others read theirs. */
static const char begins_sql[] =
    " WHERE a.pid <> $1::int AND a.datname = current_database()"
    " AND a.application_name = '" REPLICATION_NAME "'"
    " AND NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = a.pid)"
    " ORDER BY a.backend_start LIMIT 1";

enum {
    READER_APPLICATION,
    READER_USER,
    READER_ADDRESS,
    READER_SINCE,
    READER_STATE,
    READER_SENT,
    READER_FLUSHED,
    READER_HIDDEN,
    READER_PID,
};

bool slot_reader_read(struct pg *pg, const struct slot *slot, struct slot_reader *reader,
                      struct err *err)
{
    char pid[16];
    const char *params[] = {pid};
    *reader = (struct slot_reader){0};
    snprintf(pid, sizeof pid, "%d", slot->active_pid);
    char *sql = mem_format("%s%s", reader_sql, slot->active_pid ? reads_sql : begins_sql);
    struct pg_rows *rows = pg_query(pg, sql, 1, params, err);
    free(sql);
    if (rows && pg_rows_count(rows) && !pg_rows_null(rows, 0, READER_SINCE)) {
        *reader = (struct slot_reader){
            .pid = rows_int(rows, 0, READER_PID),
            .application = rows_copy(rows, 0, READER_APPLICATION),
            .user = rows_copy(rows, 0, READER_USER),
            .address = rows_copy(rows, 0, READER_ADDRESS),
            .since = rows_copy(rows, 0, READER_SINCE),
            .state = rows_copy(rows, 0, READER_STATE),
            .sent = rows_lsn(rows, 0, READER_SENT),
            .flushed = rows_lsn(rows, 0, READER_FLUSHED),
            .hidden = rows_bool(rows, 0, READER_HIDDEN),
        };
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

void slot_reader_clear(struct slot_reader *reader)
{
    free(reader->application);
    free(reader->user);
    free(reader->address);
    free(reader->since);
    free(reader->state);
    *reader = (struct slot_reader){0};
}

/* Of IDENTIFY_SYSTEM. */
enum { IDENTITY_SYSTEM, IDENTITY_TIMELINE, IDENTITY_POSITION };

/* Of TIMELINE_HISTORY. */
enum { HISTORY_NAME, HISTORY_CONTENT };

static const char pooler[] =
    "the address is a connection pooler's: it answered replication=database like a plain "
    "connection; give the address of the PostgreSQL server itself";

bool server_identify(struct pg *pg, struct server_identity *server, struct err *err)
{
    struct pg_rows *rows = pg_command(pg, "IDENTIFY_SYSTEM", err);
    if (!rows) {
        bool syntax = !strcmp(pg_sqlstate(pg), "42601");
        return syntax ? err_set(err, ERR_CONFIG, "%s", pooler) : false;
    }
    bool ok = pg_rows_count(rows) == 1 || err_set(err, ERR_CONFIG, "%s", pooler);
    if (ok) {
        snprintf(server->system_identifier, sizeof server->system_identifier, "%s",
                 rows_text(rows, 0, IDENTITY_SYSTEM));
        server->timeline = rows_oid(rows, 0, IDENTITY_TIMELINE);
        server->position = rows_lsn(rows, 0, IDENTITY_POSITION);
        server->in_recovery = pg->in_recovery;
    }
    pg_rows_free(&rows);
    return ok;
}

/* The switch position in one line of a history file, if it is about that timeline; else 0. */
static uint64_t history_line_end(const char *line, uint32_t timeline)
{
    char *rest;
    uint64_t lsn;
    unsigned long number = strtoul(line, &rest, 10);
    size_t blanks = strspn(rest, " \t");
    char *position = rest + blanks;
    position[strcspn(position, " \t\r")] = '\0';
    return rest > line && blanks && number == timeline && lsn_parse(position, &lsn) ? lsn : 0;
}

uint64_t timeline_history_end(const char *history, size_t len, uint32_t timeline)
{
    char *text = mem_string_n(history, len);
    char *next = text;
    uint64_t end = 0;
    for (char *line; !end && (line = strsep(&next, "\n"));) {
        end = history_line_end(line, timeline);
    }
    free(text);
    return end;
}

bool server_timeline_end(struct pg *pg, uint32_t current, uint32_t timeline, uint64_t *end,
                         struct err *err)
{
    char sql[64];
    *end = 0;
    if (timeline >= current || current < 2) {
        return true; /* the first timeline has no history */
    }
    snprintf(sql, sizeof sql, "TIMELINE_HISTORY %u", current);
    struct pg_rows *rows = pg_command(pg, sql, err);
    if (!rows) {
        return false;
    }
    if (pg_rows_count(rows) == 1) {
        *end = timeline_history_end(rows_text(rows, 0, HISTORY_CONTENT),
                                    pg_rows_len(rows, 0, HISTORY_CONTENT), timeline);
    }
    pg_rows_free(&rows);
    return true;
}
