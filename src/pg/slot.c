/* Reading what the server says of the slot and of itself. What follows from it: slot_verify.c. */
#include "pg/slot.h"

#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "rows.h"

/* The columns that came with later versions; older servers have nothing to say there. */
static const char *status_columns(int version)
{
    if (version >= 170000) {
        return "s.wal_status, s.safe_wal_size, s.invalidation_reason, s.two_phase";
    }
    if (version >= 160000) {
        return "s.wal_status, s.safe_wal_size,"
               " CASE WHEN s.conflicting THEN 'conflict with recovery'"
               "  WHEN s.wal_status = 'lost' THEN 'wal_removed' END, s.two_phase";
    }
    if (version >= 130000) {
        return version >= 140000
                   ? "s.wal_status, s.safe_wal_size,"
                     " CASE WHEN s.wal_status = 'lost' THEN 'wal_removed' END, s.two_phase"
                   : "s.wal_status, s.safe_wal_size,"
                     " CASE WHEN s.wal_status = 'lost' THEN 'wal_removed' END, false";
    }
    return "NULL, NULL, NULL, false";
}

static void fill(struct slot *slot, const struct pg_rows *rows)
{
    slot->wal_end = rows_lsn(rows, 0, 11);
    slot->exists = rows_bool(rows, 0, 12);
    if (!slot->exists) {
        return;
    }
    slot->logical = rows_bool(rows, 0, 0);
    slot->temporary = rows_bool(rows, 0, 1);
    slot->plugin = rows_copy(rows, 0, 2);
    slot->database = rows_copy(rows, 0, 3);
    slot->active_pid = rows_int(rows, 0, 4);
    slot->restart_lsn = rows_lsn(rows, 0, 5);
    slot->confirmed_flush = rows_lsn(rows, 0, 6);
    slot->wal_status = rows_copy(rows, 0, 7);
    slot->safe_wal_size = pg_rows_null(rows, 0, 8) ? INT64_MAX : rows_i64(rows, 0, 8);
    slot->invalidation = rows_copy(rows, 0, 9);
    slot->two_phase = rows_bool(rows, 0, 10);
}

/* Which server it is that answers. Not everybody may ask: then it stays unknown. */
static void read_server(struct pg *pg, struct slot *slot)
{
    struct err ignored;
    struct pg_rows *rows = pg_query(
        pg, "SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system())", 0,
        NULL, &ignored);
    slot->in_recovery = pg->in_recovery;
    if (rows) {
        slot->in_recovery = rows_bool(rows, 0, 0);
        snprintf(slot->system_identifier, sizeof slot->system_identifier, "%s",
                 rows_text(rows, 0, 1));
    }
    pg_rows_free(&rows);
}

bool slot_read(struct pg *pg, const char *name, struct slot *slot, struct err *err)
{
    struct out sql;
    *slot = (struct slot){.safe_wal_size = INT64_MAX};
    read_server(pg, slot);
    out_init(&sql, 512);
    out_format(&sql,
               "SELECT s.slot_type = 'logical', s.temporary, s.plugin, s.database,"
               " CASE WHEN s.active THEN coalesce(s.active_pid, -1) END,"
               " s.restart_lsn, s.confirmed_flush_lsn, %s,"
               " CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
               "  ELSE pg_current_wal_lsn() END, s.slot_name IS NOT NULL "
               "FROM (SELECT) x LEFT JOIN pg_replication_slots s ON s.slot_name = $1",
               status_columns(pg_server_version(pg)));
    struct pg_rows *rows = pg_query(pg, out_text(&sql), 1, &name, err);
    out_free(&sql);
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
    "SELECT coalesce(nullif(a.application_name, ''), 'unnamed'), a.usename,"
    " coalesce(host(a.client_addr), 'a local socket'),"
    " date_trunc('second', a.backend_start), r.state, r.sent_lsn, r.flush_lsn "
    "FROM pg_stat_activity a LEFT JOIN pg_stat_replication r ON r.pid = a.pid"
    " WHERE a.pid = $1::int";

bool slot_reader_read(struct pg *pg, const struct slot *slot, struct slot_reader *reader,
                      struct err *err)
{
    char pid[16];
    const char *params[] = {pid};
    *reader = (struct slot_reader){0};
    snprintf(pid, sizeof pid, "%d", slot->active_pid);
    struct pg_rows *rows = pg_query(pg, reader_sql, 1, params, err);
    if (rows && pg_rows_count(rows) && !pg_rows_null(rows, 0, 3)) {
        *reader = (struct slot_reader){true,
                                       rows_copy(rows, 0, 0),
                                       rows_copy(rows, 0, 1),
                                       rows_copy(rows, 0, 2),
                                       rows_copy(rows, 0, 3),
                                       rows_copy(rows, 0, 4),
                                       rows_lsn(rows, 0, 5),
                                       rows_lsn(rows, 0, 6)};
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

static const char pooler[] =
    "a connection pooler stands between: it answered replication=database like a plain "
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
                 rows_text(rows, 0, 0));
        server->timeline = rows_oid(rows, 0, 1);
        server->position = rows_lsn(rows, 0, 2);
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
        *end = timeline_history_end(rows_text(rows, 0, 1), pg_rows_len(rows, 0, 1), timeline);
    }
    pg_rows_free(&rows);
    return true;
}
