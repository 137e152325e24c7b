/* Lines for the user's log about a connection, and about the sessions that its statement waits
 * for. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "rows.h"

void pg_tell(struct pg *pg, const struct notices *notices)
{
    pg->notices = *notices;
}

static void say(const struct pg *pg, bool warning, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void say(const struct pg *pg, bool warning, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) >= 0 && pg->notices.line) {
        pg->notices.line(pg->notices.context, warning, text);
    }
    free(text);
}

void pg_notice(const struct pg *pg, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(pg, false, format, args);
    va_end(args);
}

void pg_warning(const struct pg *pg, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(pg, true, format, args);
    va_end(args);
}

/* What a statement is for, by its first words; the first that fit. Names of columns are quoted. */
static const struct {
    const char *words, *purpose;
} purposes[] = {
    {"LOCK TABLE ", "reading rows"},
    {"SELECT \"", "reading rows"},
    {"SELECT NULL", "reading rows"},
    {"SELECT EXISTS (SELECT FROM ", "reading rows"},
    {"SELECT * FROM (SELECT ", "cutting the table into key ranges"},
    {"SELECT pg_catalog.txid_current_snapshot()::text,x.*", "reading a row by its key"},
    {"SELECT lsn FROM pg_create_logical_replication_slot", "creating the replication slot"},
    {"SELECT pg_drop_replication_slot", "dropping the replication slot"},
    {"SELECT ", "reading the catalogs"},
    {"WITH ", "reading the catalogs"},
    {"CREATE TABLE ", "creating the watermarks table"},
    {"CREATE PUBLICATION ", "creating the publication"},
    {"ALTER PUBLICATION ", "adding a table to the publication"},
    {"INSERT ", "writing to the watermarks table"},
    {"DELETE ", "writing to the watermarks table"},
};

static const char *purpose_of(const char *statement)
{
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++) {
        if (!strncmp(statement, purposes[i].words, strlen(purposes[i].words))) {
            return purposes[i].purpose;
        }
    }
    return "a statement of the capture";
}

/*
 * For each session of this user: its statement, what it waits for, and which sessions hold that. A
 * process waits for one lock at a time; those that are on the ids of transactions are waits for
 * their ends, sometimes of prepared ones (pid 0). Since when a transaction of another user is open is
 * for pg_monitor to see.
 */
const char pg_waits_sql[] =
    "SELECT l.pid,"
    " left(w.query, 100),"
    " CASE WHEN l.locktype IN ('transactionid', 'virtualxid') THEN 'older transactions to end'"
    "  ELSE format('a lock on %s', coalesce(l.relation, l.classid)::regclass) END,"
    " (SELECT string_agg(coalesce("
    "   format('process %s (%s%s%s)', a.pid,"
    "    coalesce('user ' || a.usename, a.backend_type, 'another user'),"
    "    coalesce(', ' || nullif(a.application_name, ''), ''),"
    "    coalesce(', open for ' || round(extract(epoch FROM clock_timestamp() - a.xact_start))"
    "     || ' s', '')),"
    "   CASE WHEN b.pid = 0 THEN 'a prepared transaction (see pg_prepared_xacts)'"
    "    ELSE format('process %s', b.pid) END), ', ')"
    "  FROM (SELECT DISTINCT unnest(pg_blocking_pids(l.pid))) b(pid)"
    "  LEFT JOIN pg_stat_activity a ON a.pid = b.pid) "
    "FROM pg_locks l JOIN pg_stat_activity w ON w.pid = l.pid "
    "WHERE NOT l.granted AND w.usename = session_user AND w.datname = current_database()"
    " AND w.application_name LIKE 'source-postgres%'";

enum { WAIT_PID, WAIT_STATEMENT, WAIT_WHAT, WAIT_WHOM };

bool pg_report_wait(const struct pg *pg, const struct pg_rows *waits)
{
    for (int row = 0; row < pg_rows_count(waits); row++) {
        if (rows_int(waits, row, WAIT_PID) == pg_backend_pid(pg) &&
            !pg_rows_null(waits, row, WAIT_WHOM)) {
            char *about =
                mem_format("%s waits for %s", purpose_of(rows_text(waits, row, WAIT_STATEMENT)),
                           rows_text(waits, row, WAIT_WHAT));
            char *text =
                mem_format("%s: %s; one can be ended with SELECT pg_terminate_backend(pid)", about,
                           rows_text(waits, row, WAIT_WHOM));
            pg->notices.wait(pg->notices.context, about, text);
            free(about);
            free(text);
            return true;
        }
    }
    return false;
}
