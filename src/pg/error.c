/* The server's and libpq's failures in our words: who can fix them, and how. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* SQLSTATE classes and codes after which trying again may help. */
static bool is_transient(const char *sqlstate)
{
    static const char *const prefixes[] = {"08",    "25006", "25P03", "25P04", "40", "53", "55P03",
                                           "57014", "57P",   "58",    "55006", "72", NULL};
    for (const char *const *p = prefixes; *p; p++) {
        if (!strncmp(sqlstate, *p, strlen(*p))) {
            return true;
        }
    }
    return false;
}

/* Errors that the user can fix: missing rights or objects, unsupported features, text that no
 * encoding fits. */
static bool is_config(const char *sqlstate)
{
    static const char *const prefixes[] = {"28",    "3D",    "3F",    "42", "0A",
                                           "55000", "22021", "22P05", NULL};
    for (const char *const *p = prefixes; *p; p++) {
        if (!strncmp(sqlstate, *p, strlen(*p))) {
            return true;
        }
    }
    return false;
}

/*
 * We may be routed to a server in recovery for a moment, while its primary is away. It does not
 * always report that as read-only (25006).
 */
static bool is_recovery(const struct pg *pg)
{
    return pg->in_recovery && (!strncmp(pg->sqlstate, "55", 2) || !strncmp(pg->sqlstate, "0A", 2));
}

/* Neither has an SQLSTATE of its own; the server does not translate the second. */
static bool is_too_large(const struct server_words *words)
{
    return !strcmp(words->sqlstate, "54000") ||
           strstr(words->message, "invalid memory alloc request size") != NULL;
}

/* An internal error of the server. Often another session had dropped an object that it looked up,
 * or its caches were wrong. */
static bool is_internal(const struct server_words *words)
{
    return !strcmp(words->sqlstate, "XX000") && !is_too_large(words);
}

/* Our own statements call no function that writes: one in an index expression of the table does, or
 * the like. */
static bool is_written_by_function(const struct server_words *words)
{
    return !strcmp(words->sqlstate, "25006") && *words->context;
}

static enum err_kind kind_of(const struct pg *pg, const struct server_words *words)
{
    if (is_written_by_function(words)) {
        return ERR_CONFIG;
    }
    return is_transient(pg->sqlstate) || is_recovery(pg) || is_internal(words) ? ERR_TRANSIENT
           : is_config(pg->sqlstate)                                           ? ERR_CONFIG
                                                                               : ERR_SYSTEM;
}

/* Minor versions from which on an open transaction learns of other transactions' changes of the
 * catalogs. In these alone there are too many of them for it at times, which ends a decoding
 * session again and again. */
static const int distributing[] = {130021, 140018, 150013, 160009, 170005};
enum { DISTRIBUTING = sizeof distributing / sizeof *distributing };

static bool decodes_wrongly(const struct pg *pg)
{
    for (size_t i = 0; i < DISTRIBUTING; i++) {
        if (pg->kind == PG_REPLICATION && pg_server_version(pg) == distributing[i]) {
            return true;
        }
    }
    return false;
}

bool pg_forgets_published(const struct pg *pg)
{
    int version = pg_server_version(pg);
    for (size_t i = 0; i < DISTRIBUTING; i++) {
        if (version / 10000 == distributing[i] / 10000) {
            return version < distributing[i];
        }
    }
    return version < distributing[0];
}

/* The WAL stays as it was written, and is decoded by the catalogs of that time. */
static bool tell_way_past(struct pg *pg, struct err *err)
{
    if (pg->kind != PG_REPLICATION) {
        return false;
    }
    err_suffix(err,
               "; the change that holds it stays in the WAL: then run SELECT "
               "pg_drop_replication_slot('%s'), and begin the capture again",
               pg->config->slot);
    return err_remedy(err, REMEDY_BEGIN_AGAIN);
}

static bool tell_too_large(struct pg *pg, struct err *err)
{
    const struct config *c = pg->config;
    err->kind = ERR_CONFIG;
    err_suffix(err,
               "; a value is larger than the server can send, which is 1 GB for a row, and bytea "
               "takes twice its bytes: make it smaller, or leave its column out by a column list "
               "(from PostgreSQL 15 on: ALTER PUBLICATION \"%s\" SET TABLE schema.table (columns), "
               "…, \"%s\".\"%s\")",
               c->publication, c->watermarks_schema, c->watermarks_table);
    return tell_way_past(pg, err);
}

static bool tell_undecodable(const struct pg *pg, struct err *err)
{
    return err_suffix(err,
                      "; the server cannot decode WAL of its own, which is a fault of it: if that "
                      "stays so, run SELECT pg_drop_replication_slot('%s') and begin the capture "
                      "again",
                      pg->config->slot);
}

/* Append what to do, where the server's own words do not say it. */
static bool add_remedy(struct pg *pg, const struct server_words *words, struct err *err)
{
    if (!strcmp(pg->sqlstate, "22021") || !strcmp(pg->sqlstate, "22P05")) {
        err_suffix(err, "; a text in the database cannot be shown in UTF-8: find it with "
                        "convert_from(column::bytea, 'UTF8'), which fails in the same way, "
                        "and correct it");
        return tell_way_past(pg, err);
    }
    if (!strcmp(pg->sqlstate, "55P03")) {
        return err_suffix(err,
                          "; another session holds a lock that this needs, and pg_locks shows it: "
                          "try again once that session's transaction has ended");
    }
    if (!strcmp(words->routine, "check_enable_rls")) {
        return err_suffix(
            err,
            "; row security would hide rows from the capture: run as a superuser "
            "ALTER ROLE \"%s\" BYPASSRLS, or ALTER TABLE … DISABLE ROW LEVEL SECURITY",
            pg->config->user);
    }
    if (is_written_by_function(words)) {
        return err_suffix(err,
                          "; a function ran that writes, and was not ours: the server runs those "
                          "that a table's indexes, statistics, checks and partition key call "
                          "when it reads the table; correct it, or drop what calls it");
    }
    if (strstr(words->message, "invalid memory alloc request size") && decodes_wrongly(pg)) {
        return err_suffix(err, "; this version of PostgreSQL is known to end replication so, again "
                               "and again: update the server to 13.22, 14.19, 15.14, 16.10, 17.6 "
                               "or newer");
    }
    if (pg->kind == PG_REPLICATION && strstr(words->message, "could not map filenode")) {
        return tell_undecodable(pg, err);
    }
    if (is_too_large(words)) {
        return tell_too_large(pg, err);
    }
    return false;
}

/*
 * Since PostgreSQL 18 a stream without its publication is not an error, undefined_object, but a
 * warning, object_not_in_prerequisite_state: changes are left out.
 */
const char *pg_notice_failure(const struct pg *pg, const char *severity, const char *sqlstate)
{
    bool leaves_out =
        pg->kind == PG_REPLICATION && !strcmp(severity, "WARNING") && !strcmp(sqlstate, "55000");
    return leaves_out ? "42704" : NULL;
}

bool pg_fail_words(struct pg *pg, const struct server_words *words, struct err *err)
{
    snprintf(pg->sqlstate, sizeof pg->sqlstate, "%s", words->sqlstate);
    err_set(err, kind_of(pg, words), "%s%s%s%s%s", words->message, *words->detail ? ": " : "",
            words->detail, *words->hint ? "; hint: " : "", words->hint);
    add_remedy(pg, words, err);
    memcpy(err->sqlstate, pg->sqlstate, sizeof err->sqlstate);
    return err_detail(err, "SQLSTATE %s%s%s", pg->sqlstate, *words->context ? " " : "",
                      words->context);
}

static const char *field(const PGresult *result, int code)
{
    const char *value = PQresultErrorField(result, code);
    return value ? value : "";
}

bool pg_fail_result(struct pg *pg, const PGresult *result, struct err *err)
{
    struct server_words words = {
        field(result, PG_DIAG_SQLSTATE),       field(result, PG_DIAG_MESSAGE_PRIMARY),
        field(result, PG_DIAG_MESSAGE_DETAIL), field(result, PG_DIAG_MESSAGE_HINT),
        field(result, PG_DIAG_CONTEXT),        field(result, PG_DIAG_SOURCE_FUNCTION),
    };
    return *words.sqlstate ? pg_fail_words(pg, &words, err) : pg_fail_connection(pg, err);
}

void pg_connection_words(const struct pg *pg, char *to, size_t size)
{
    size_t len = 0;
    const char *words = PQerrorMessage(pg->conn);
    for (size_t line; *words && len + 1 < size; words += line + (words[line] == '\n')) {
        line = strcspn(words, "\n");
        if (strncmp(words, "LOCATION:", 9) != 0) { /* in the server's source, when verbose */
            int room = (int)(size - len), wanted = (int)line;
            int took = snprintf(to + len, (size_t)room, "%s%.*s", len ? " " : "", wanted, words);
            len += (size_t)(took < room ? took : room - 1);
        }
    }
    to[len] = '\0';
}

bool pg_fail_connection(struct pg *pg, struct err *err)
{
    char message[768];
    struct pollfd stop = {pg->stop_fd, POLLIN, 0};
    if (poll(&stop, 1, 0) == 1) {
        return err_set(err, ERR_STOPPED, "stopped"); /* in the middle of whatever it was */
    }
    pg->sqlstate[0] = '\0';
    pg_connection_words(pg, message, sizeof message);
    return err_set(err, ERR_TRANSIENT, "lost the connection to the server: %s", message);
}

const char *pg_sqlstate(const struct pg *pg)
{
    return pg->sqlstate;
}
