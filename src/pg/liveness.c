/*
 * Waiting for a server that may be gone without notice: a cable, a firewall or a proxy can drop a
 * connection so that neither end notices, and TCP's own keepalives do not see behind a proxy.
 *
 * A query may be silent for long. So after some silence the server is asked, over another
 * connection, whether it works for this one; if it waits for us instead, what it sent was lost. If
 * it waits for other sessions, that is logged.
 *
 * One query asks about all sessions of this user, and its answer serves all connections of the
 * process for a while. Only one thread asks at a time, and less and less often while a silence
 * lasts: more sessions would only burden a server in trouble.
 */
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "internal.h"
#include "rows.h"

enum {
    SILENCE_US =
        5 * 1000 * 1000, /* before the first question; each further one takes twice as long */
    SILENCE_MOST_US = 40 * 1000 * 1000,
    SOON_US = 1000 * 1000, /* before a look at locks alone: see struct notices */
    OTHERS_ASK_US = 1000 * 1000,
    GOOD_US = 2 * 1000 * 1000,    /* less than a silence: what was sent before it is seen in it */
    REPORT_US = 30 * 1000 * 1000, /* from one line about a wait to the next */
    SESSIONS = 256,
};

/* Which sessions wait for their client: one that computes, reads or waits for a lock does not. */
static const char sessions_sql[] =
    "SELECT pid,"
    " coalesce(state, 'active') NOT LIKE 'idle%'"
    " AND coalesce(wait_event_type, '') NOT IN ('Client', 'Activity') "
    "FROM pg_stat_activity WHERE usename = session_user AND datname = current_database() LIMIT 256";

enum { COL_PID, COL_WORKING };

/*
 * The one thing that connections of several threads share. The thread that sets `taken` may use the
 * rest; the others do without.
 */
static struct {
    atomic_flag taken;
    const struct config *config; /* whose server was asked; NULL: none was */
    int64_t asked_us;
    struct pg_rows *waits; /* owned */
    int count;
    struct session {
        int pid;
        bool working;
    } sessions[SESSIONS];
} shared = {.taken = ATOMIC_FLAG_INIT};

static void take_sessions(const struct pg *pg, const struct pg_rows *rows)
{
    shared.config = pg->config;
    shared.asked_us = clock_monotonic_us();
    shared.count = 0;
    for (int row = 0; row < pg_rows_count(rows) && row < SESSIONS; row++) {
        shared.sessions[shared.count++] =
            (struct session){rows_int(rows, row, COL_PID), rows_bool(rows, row, COL_WORKING)};
    }
}

static const struct session *find_session(const struct pg *pg)
{
    for (int i = 0; i < shared.count; i++) {
        if (shared.sessions[i].pid == pg_backend_pid(pg)) {
            return &shared.sessions[i];
        }
    }
    return NULL;
}

static bool is_known(const struct pg *pg)
{
    return shared.config == pg->config && clock_monotonic_us() - shared.asked_us < GOOD_US &&
           find_session(pg);
}

/* A session that the server does not list is gone. */
static bool is_working(const struct pg *pg)
{
    const struct session *session = find_session(pg);
    return session && session->working;
}

/* A server that refuses a further session is there, and may be working. */
static bool refuses(const struct err *err)
{
    return err->kind == ERR_CONFIG || !strncmp(err->sqlstate, "53", 2);
}

static bool lost(struct pg *pg, const char *why, struct err *err)
{
    pg_drop(pg); /* nothing waits for it any more */
    return err_set(err, ERR_TRANSIENT, "lost the connection to the server: it is silent, and %s",
                   why);
}

/* Ask over a connection of its own. */
static bool take_answer(struct pg *pg, struct err *err)
{
    struct pg *probe = pg_open(pg->config, PG_PROBE, "source-postgres probe", pg->stop_fd, err);
    struct pg_rows *rows = probe ? pg_query(probe, sessions_sql, 0, NULL, err) : NULL;
    struct pg_rows *waits = rows ? pg_query(probe, pg_waits_sql, 0, NULL, err) : NULL;
    bool ok = waits != NULL;
    if (ok) {
        take_sessions(pg, rows);
        pg_rows_free(&shared.waits);
        shared.waits = waits;
    }
    if (ok && pg->notices.look) {
        pg->notices.look(pg->notices.looker, probe);
    }
    pg_rows_free(&rows);
    pg_close(&probe);
    return ok;
}

/* *answered is false where the server is there, but full. */
static bool ask(struct pg *pg, bool *answered, struct err *err)
{
    struct err failure = {0};
    *answered = take_answer(pg, &failure);
    if (!*answered && failure.kind == ERR_STOPPED) {
        *err = failure;
        return false;
    }
    return *answered || refuses(&failure) || lost(pg, failure.message, err);
}

/* With `shared` taken. *said: what it waits for was logged; NULL: do not log it. */
static bool look(struct pg *pg, bool *said, bool *working, struct err *err)
{
    bool answered = is_known(pg);
    *working = true;
    if (!answered && !ask(pg, &answered, err)) {
        return false;
    }
    if (answered) {
        *working = is_working(pg);
    }
    if (answered && *working && said) {
        *said |= pg_report_wait(pg, shared.waits);
    }
    return true;
}

/* *asked: now, or a short time ago; false: another thread is asking now. */
static bool still_served(struct pg *pg, bool *said, bool *asked, struct err *err)
{
    bool working, ready;
    *asked = true;
    if (pg->kind == PG_PROBE) {
        return lost(pg, "so is a new one", err);
    }
    if (atomic_flag_test_and_set(&shared.taken)) {
        *asked = false;
        return true;
    }
    bool ok = look(pg, said, &working, err);
    atomic_flag_clear(&shared.taken);
    if (!ok || working) {
        return ok;
    }
    return pg_poll(pg, POLLIN, 0, &ready, err) &&
           (ready || lost(pg, "the server has nothing more to say on it", err));
}

bool pg_still_served(struct pg *pg, struct err *err)
{
    bool asked;
    return still_served(pg, NULL, &asked, err);
}

/* Who holds the lock that a statement waits for, and nothing else: whether the connection is lost,
 * a later look finds. */
static void report_soon(struct pg *pg, bool *said)
{
    struct err ignored = {0};
    if (atomic_flag_test_and_set(&shared.taken)) {
        return;
    }
    if (is_known(pg) || take_answer(pg, &ignored)) {
        *said |= pg_report_wait(pg, shared.waits);
    }
    atomic_flag_clear(&shared.taken);
    pg->next_soon_us = clock_monotonic_us() + (*said ? REPORT_US : SILENCE_US);
}

/* Before the server may end the statement. */
static bool wait_soon(struct pg *pg, short events, bool *ready, bool *said, struct err *err)
{
    *ready = false;
    if (!pg->notices.soon || !pg->notices.wait || clock_monotonic_us() < pg->next_soon_us) {
        return true;
    }
    if (!pg_poll(pg, events, SOON_US, ready, err)) {
        return false;
    }
    if (!*ready) {
        report_soon(pg, said);
    }
    return true;
}

static bool wait_saying(struct pg *pg, short events, bool *said, struct err *err)
{
    bool ready, asked = true;
    if (!wait_soon(pg, events, &ready, said, err) || ready) {
        return ready;
    }
    int64_t silence_us = SILENCE_US, reported_us = *said ? clock_monotonic_us() : 0;
    for (;;) {
        if (!pg_poll(pg, events, asked ? silence_us : OTHERS_ASK_US, &ready, err) || ready) {
            return ready;
        }
        int64_t now_us = clock_monotonic_us();
        bool report = pg->notices.wait && now_us - reported_us >= REPORT_US;
        if (!still_served(pg, report ? said : NULL, &asked, err)) {
            return false;
        }
        if (asked) {
            reported_us = report ? now_us : reported_us;
            silence_us = silence_us * 2 < SILENCE_MOST_US ? silence_us * 2 : SILENCE_MOST_US;
        }
    }
}

bool pg_wait_while_served(struct pg *pg, short events, struct err *err)
{
    bool said = false, ready = wait_saying(pg, events, &said, err);
    if (said) {
        pg->notices.wait(pg->notices.context, NULL, NULL);
    }
    return ready;
}
