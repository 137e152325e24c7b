/*
 * Waiting for a server that may be gone without a word: a cable, a firewall or a proxy can swallow
 * a connection so that neither end hears of it, and TCP's own keepalives do not see behind a proxy.
 *
 * A query may be silent for long. So after some silence the server is asked, over another
 * connection, whether it works for this one; if it waits for us instead, what it sent was lost. If
 * it waits for others, that is said.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

enum {
    SILENCE_US = 5 * 1000 * 1000,
    REPORT_SILENCES = 6, /* from one line about who is waited for to the next */
};

/* What a session that computes, reads or waits for a lock does not do: wait for its client. */
static const char working_sql[] =
    "SELECT coalesce(state, 'active') NOT LIKE 'idle%'"
    " AND coalesce(wait_event_type, '') NOT IN ('Client', 'Activity') "
    "FROM pg_catalog.pg_stat_activity WHERE pid = $1::int";

/* *working stays as it is where the server does not tell. */
static void ask(struct pg *probe, int pid, bool *working, struct err *err)
{
    char text[16];
    const char *params[] = {text};
    snprintf(text, sizeof text, "%d", pid);
    struct pg_rows *rows = pg_query(probe, working_sql, 1, params, err);
    if (rows) {
        *working = pg_rows_count(rows) && *pg_rows_value(rows, 0, 0) == 't';
    }
    pg_rows_free(&rows);
}

/* A server that refuses a further connection is there, and may be working. */
static bool refuses(const struct err *err)
{
    return err->kind == ERR_CONFIG || strstr(err->message, "too many") ||
           strstr(err->message, "remaining connection slots");
}

static bool lost(struct pg *pg, const char *why, struct err *err)
{
    pg_drop(pg); /* nobody waits for it any more */
    return err_set(err, ERR_TRANSIENT, "lost the connection to the server: it is silent, and %s",
                   why);
}

static bool still_served(struct pg *pg, bool report, struct err *err)
{
    bool working = true, ready;
    struct err failure = {0};
    if (pg->kind == PG_PROBE) {
        return lost(pg, "so is a new one", err);
    }
    struct pg *probe =
        pg_open(pg->config, PG_PROBE, "source-postgres probe", pg->stop_fd, &failure);
    if (probe) {
        ask(probe, pg_backend_pid(pg), &working, &failure);
        if (failure.kind == ERR_NONE && working && report) {
            pg_report_wait(pg, probe);
        }
    }
    pg_close(&probe);
    if (failure.kind == ERR_STOPPED) {
        *err = failure;
        return false;
    }
    if (failure.kind != ERR_NONE && !refuses(&failure)) {
        return lost(pg, failure.message, err);
    }
    if (working) {
        return true;
    }
    return pg_poll(pg, POLLIN, 0, &ready, err) &&
           (ready || lost(pg, "the server has nothing more to say on it", err));
}

bool pg_still_served(struct pg *pg, struct err *err)
{
    return still_served(pg, false, err);
}

bool pg_wait(struct pg *pg, short events, struct err *err)
{
    bool ready = false;
    for (unsigned silences = 0; !ready; silences++) {
        if (!pg_poll(pg, events, SILENCE_US, &ready, err) ||
            (!ready && !still_served(pg, silences % REPORT_SILENCES == 0, err))) {
            return false;
        }
    }
    return true;
}
