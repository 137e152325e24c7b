/*
 * All settings that decide how a value prints, what a name means, which rows are visible and how
 * long a statement may take, whatever the environment, the server, the database and the role have
 * set.
 *
 * They are set by a statement, on replication connections too: a statement overrides start-up
 * options, which a pooler may drop and PGTZ and the like override. Then another statement reads
 * them back.
 *
 * search_path is pg_catalog alone, from before the first question that names anything: here even
 * set_config is called by its full name. So no name and no operator in the queries of this program
 * can mean an object that another user made, and they need not be qualified one by one. Objects of
 * other schemas (captured tables, types and operators of keys) are named with their schemas.
 */
#include "settings.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "rows.h"

enum {
    OLDEST = 100000,
    SHARED_PATIENCE_US = 3 * 1000 * 1000, /* a pooler may have no second session to give */
};

/*
 * row_security off: if policies would hide rows, the server refuses instead. synchronous_commit
 * local: a commit waits for the server's own disk, and for no standby: with `off` a watermark would
 * wait for the WAL writer's next round before it came in the stream, with `on` maybe for a standby
 * that is down. jit off: compiling a query over many tables takes longer than running it.
 * client_min_messages: from version 18 on, a missing publication is reported only by a warning.
 */
const struct setting pg_settings[] = {
    {"search_path", "pg_catalog", 0},
    {"row_security", "off", 0},
    {"client_encoding", "UTF8", 0},
    {"TimeZone", "UTC", 0},
    {"DateStyle", "ISO, MDY", 0},
    {"IntervalStyle", "iso_8601", 0},
    {"extra_float_digits", "3", 0},
    {"lc_monetary", "C", 0},
    {"bytea_output", "hex", 0},
    {"xmlbinary", "base64", 0},
    {"array_nulls", "on", 0},
    {"quote_all_identifiers", "off", 0},
    {"standard_conforming_strings", "on", 0},
    {"transform_null_equals", "off", 0},
    {"default_transaction_isolation", "read committed", 0},
    {"default_transaction_read_only", "off", 0},
    {"default_transaction_deferrable", "off", 0},
    {"synchronous_commit", "local", 0},
    {"client_min_messages", "notice", 0},
    {"exit_on_error", "off", 0},
    {"statement_timeout", "0", 0},
    {"lock_timeout", "0", 0},
    {"idle_in_transaction_session_timeout", "0", 0},
    {"jit", "off", 110000},
    {"idle_session_timeout", "0", 140000},
    {"transaction_timeout", "0", 170000},
};
const int pg_setting_count = sizeof pg_settings / sizeof *pg_settings;

/* Set the error that blames a pooler for such an answer. Returns false. */
static bool blame_pooler(const struct pg *pg, struct err *err)
{
    return err_suffix(err,
                      ": a connection pooler or a proxy that does not keep a session's settings "
                      "is in between; set %s to the server itself, or to a pool in session mode",
                      config_words(pg->config)->place);
}

/* One statement, and of the simplest kind: older replication connections take no other. */
static void write_set(struct out *sql, int version)
{
    for (int i = 0; i < pg_setting_count; i++) {
        const struct setting *s = &pg_settings[i];
        if (version >= s->since) {
            out_format(sql, "%spg_catalog.set_config('%s','%s',false)", i ? "," : "SELECT ",
                       s->name, s->value);
        }
    }
}

enum { COL_PID, COL_RECOVERY, COL_FIRST };

static void write_look(struct out *sql, int version)
{
    out_string(sql, "SELECT pg_catalog.pg_backend_pid(),pg_catalog.pg_is_in_recovery()");
    for (int i = 0; i < pg_setting_count; i++) {
        if (version >= pg_settings[i].since) {
            out_format(sql, ",pg_catalog.current_setting('%s')", pg_settings[i].name);
        }
    }
}

static bool mismatch(const struct pg *pg, const struct setting *s, const char *found,
                     struct err *err)
{
    err_set(err, ERR_CONFIG, "setting %s of the session is \"%s\" after it was set to \"%s\"",
            s->name, found, s->value);
    return blame_pooler(pg, err);
}

/* Compare also with the parameters that the server, or a pooler in its place, reported by
 * itself. */
static bool compare(const struct pg *pg, const struct pg_rows *rows, struct err *err)
{
    int column = COL_FIRST, version = pg_server_version(pg);
    for (int i = 0; i < pg_setting_count; i++) {
        const struct setting *s = &pg_settings[i];
        if (version < s->since) {
            continue;
        }
        const char *found = rows_text(rows, 0, column++);
        const char *reported = PQparameterStatus(pg->conn, s->name);
        if (strcmp(found, s->value) != 0) {
            return mismatch(pg, s, found, err);
        }
        if (reported && strcmp(reported, s->value) != 0) {
            return mismatch(pg, s, reported, err);
        }
    }
    return true;
}

/* Run a statement in another session: *pid is the process that ran it; 0: none did in time. */
static bool other_pid(struct pg *other, int *pid, struct err *err)
{
    bool ready;
    *pid = 0;
    if (!pg_send(other, "SELECT pg_catalog.pg_backend_pid()", err) ||
        !pg_poll(other, POLLIN, SHARED_PATIENCE_US, &ready, err)) {
        return false;
    }
    if (ready && pg_next(other, err) == PG_ROWS) {
        struct pg_rows *rows = pg_take_rows(other);
        *pid = pg_rows_count(rows) ? rows_int(rows, 0, ROWS_VALUE) : 0;
        pg_rows_free(&rows);
    }
    return true;
}

/*
 * The pid in the server's greeting is not that of the process that works for us: a pooler made it
 * up. If it gives this process to another session while ours is open, sessions are shared.
 */
static bool check_pooler(struct pg *pg, struct err *err)
{
    int pid;
    struct err ignored;
    if (pg->kind != PG_SQL || pg->pid == PQbackendPID(pg->conn)) {
        return true;
    }
    struct pg *other =
        pg_connect(pg->config, PG_SQL, "source-postgres probe", pg->stop_fd, &ignored);
    bool shared = other && other_pid(other, &pid, &ignored) && pid == pg->pid;
    pg_close(&other);
    return !shared ||
           err_set(err, ERR_CONFIG,
                   "a connection pooler in transaction or statement mode answers at %s:%d, whose "
                   "sessions change between two statements: set %s to the server itself, or to a "
                   "pool in "
                   "session mode",
                   pg->config->host, pg->config->port, config_words(pg->config)->place);
}

static bool look(struct pg *pg, struct err *err)
{
    struct out sql;
    out_init(&sql, 2048);
    write_look(&sql, pg_server_version(pg));
    struct pg_rows *rows = pg_command(pg, out_text(&sql), err);
    out_free(&sql);
    bool ok = rows != NULL;
    if (ok && pg_rows_count(rows) != 1) {
        err_set(err, ERR_CONFIG, "the server answers a question with nothing");
        ok = blame_pooler(pg, err);
    }
    if (ok) {
        pg->pid = rows_int(rows, 0, COL_PID);
        pg->in_recovery = rows_bool(rows, 0, COL_RECOVERY);
        ok = check_pooler(pg, err) && compare(pg, rows, err);
    }
    pg_rows_free(&rows);
    return ok;
}

bool pg_settle(struct pg *pg, struct err *err)
{
    struct out sql;
    int version = pg_server_version(pg);
    if (version < OLDEST) {
        return err_set(err, ERR_CONFIG,
                       "the server is PostgreSQL %d.%d: logical replication needs version 10 or "
                       "newer; upgrade it",
                       version / 10000, version / 100 % 100);
    }
    out_init(&sql, 2048);
    write_set(&sql, version);
    bool ok = pg_exec(pg, out_text(&sql), err) && look(pg, err);
    out_free(&sql);
    return ok;
}
