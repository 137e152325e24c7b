/* What the user's log should know of a connection; and whom its statement waits for. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

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

/*
 * The statement, what it waits for, and whom. A process waits for one lock at a time; those that
 * are on the ids of transactions are waits for their ends, sometimes of prepared ones (pid 0).
 */
static const char wait_sql[] =
    "SELECT left(w.query, 100) || CASE WHEN length(w.query) > 100 THEN '...' ELSE '' END,"
    " CASE WHEN l.locktype IN ('transactionid', 'virtualxid') THEN 'older transactions to end'"
    "  ELSE format('a lock on %s', coalesce(l.relation, l.classid)::regclass) END,"
    " (SELECT string_agg(coalesce("
    "   format('process %s (%s%s, open for %s s)', a.pid,"
    "    coalesce('user ' || a.usename, a.backend_type, 'another user'),"
    "    coalesce(', ' || nullif(a.application_name, ''), ''),"
    "    coalesce(round(extract(epoch FROM clock_timestamp() - a.xact_start))::text, '?')),"
    "   CASE WHEN b.pid = 0 THEN 'a prepared transaction (see pg_prepared_xacts)'"
    "    ELSE format('process %s', b.pid) END), ', ')"
    "  FROM (SELECT DISTINCT unnest(pg_blocking_pids(l.pid))) b(pid)"
    "  LEFT JOIN pg_stat_activity a ON a.pid = b.pid) "
    "FROM pg_locks l JOIN pg_stat_activity w ON w.pid = l.pid "
    "WHERE l.pid = $1::int AND NOT l.granted LIMIT 1";

/* A failure to look is none of the statement's. */
void pg_report_wait(const struct pg *pg, struct pg *probe)
{
    char pid[16];
    const char *params[] = {pid};
    struct err ignored;
    if (!pg->notices.line) {
        return;
    }
    snprintf(pid, sizeof pid, "%d", pg_backend_pid(pg));
    struct pg_rows *rows = pg_query(probe, wait_sql, 1, params, &ignored);
    if (rows && pg_rows_count(rows) && !pg_rows_null(rows, 0, 2)) {
        pg_notice(pg,
                  "%s waits for %s: %s; they can be ended with SELECT pg_terminate_backend(pid)",
                  pg_rows_value(rows, 0, 0), pg_rows_value(rows, 0, 1), pg_rows_value(rows, 0, 2));
    }
    pg_rows_free(&rows);
}
