/*
 * The server gives a slot its consistent point only when every transaction that runs has ended. So
 * the statement is watched from a second connection, which says whom it waits for.
 */
#include "slot_create.h"

#include <stdio.h>
#include <string.h>

#include "base/crash.h"
#include "rows.h"

enum {
    FIRST_REPORT_US = 2 * 1000 * 1000,
    NEXT_REPORT_US = 10 * 1000 * 1000,
};

/* Who holds the creation up: it waits on the ids of transactions, sometimes prepared ones (pid 0).
 */
static const char blockers_sql[] =
    "SELECT string_agg(coalesce("
    "  format('process %s (%s%s, open for %s s)', a.pid,"
    "   coalesce('user ' || a.usename, 'another user'),"
    "   coalesce(', ' || nullif(a.application_name, ''), ''),"
    "   coalesce(round(extract(epoch FROM clock_timestamp() - a.xact_start))::text, '?')),"
    "  CASE WHEN b.pid = 0 THEN 'a prepared transaction (see pg_prepared_xacts)'"
    "   ELSE format('process %s', b.pid) END), ', ') "
    "FROM (SELECT DISTINCT unnest(pg_blocking_pids($1::int))) b(pid) "
    "LEFT JOIN pg_stat_activity a ON a.pid = b.pid";

/* A failure to look is none of the creation's: it is said, and the creation goes on. */
static void report(struct pg *observer, const struct config *config, int pid,
                   const struct notices *notices)
{
    char text[16];
    const char *params[] = {text};
    struct err err;
    snprintf(text, sizeof text, "%d", pid);
    struct pg_rows *rows = pg_query(observer, blockers_sql, 1, params, &err);
    const char *who = rows && pg_rows_count(rows) ? pg_rows_value(rows, 0, 0) : NULL;
    notice(notices,
           "creating replication slot \"%s\" waits for older transactions to end%s%s; they can be "
           "ended with SELECT pg_terminate_backend(pid)",
           config->slot, who ? ": " : "", who ? who : "");
    pg_rows_free(&rows);
}

/* Returns when the answer is there, or the wait itself has failed. */
static bool watch(struct pg *pg, const struct config *config, int stop_fd,
                  const struct notices *notices, struct err *err)
{
    bool busy;
    struct err ignored;
    struct pg *observer = NULL;
    if (!pg_busy_wait(pg, FIRST_REPORT_US, &busy, err)) {
        return false;
    }
    if (busy) {
        observer = pg_open(config, PG_SQL, "source-postgres", stop_fd, &ignored);
    }
    bool ok = true;
    while (ok && busy) {
        if (observer) {
            report(observer, config, pg_backend_pid(pg), notices);
        }
        ok = pg_busy_wait(pg, NEXT_REPORT_US, &busy, err);
    }
    pg_close(&observer);
    return ok;
}

static bool take_answer(struct pg *pg, uint64_t *slot_lsn, struct err *err)
{
    struct err ignored;
    struct pg_rows *rows = NULL;
    if (pg_next(pg, err) == PG_ROWS) {
        rows = pg_take_rows(pg);
        *slot_lsn = rows_lsn(rows, 0, 0);
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    pg_next(pg, &ignored); /* the end of the answer */
    return ok;
}

bool slot_create(struct pg *pg, const struct config *config, bool temporary, int stop_fd,
                 const struct notices *notices, uint64_t *slot_lsn, struct err *err)
{
    struct out sql;
    out_init(&sql, 256);
    out_string(&sql, "SELECT lsn FROM pg_create_logical_replication_slot(");
    pg_quote_literal(&sql, config->slot, strlen(config->slot));
    out_format(&sql, ", 'pgoutput', %s)", temporary ? "true" : "false");
    bool sent = pg_send(pg, out_text(&sql), err);
    out_free(&sql);
    if (!sent) {
        return false;
    }
    if (!watch(pg, config, stop_fd, notices, err)) {
        pg_cancel(pg); /* else it would be made, and keep WAL, after we are gone */
        return false;
    }
    if (!take_answer(pg, slot_lsn, err)) {
        return err_prefix(err, "cannot create replication slot \"%s\": ", config->slot);
    }
    crash_point("slot-created");
    notice(notices, "created %sreplication slot \"%s\", whose changes begin at %s",
           temporary ? "temporary " : "", config->slot, lsn_format(*slot_lsn).s);
    return true;
}
