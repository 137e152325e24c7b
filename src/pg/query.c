/* Statements and their results: simple messages of several, and single ones with parameters. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"

enum { CANCEL_S = 3, FAR_US = 1000 };

bool pg_poll(struct pg *pg, short events, int64_t timeout_us, bool *ready, struct err *err)
{
    struct pollfd fds[2] = {{PQsocket(pg->conn), events, 0}, {pg->stop_fd, POLLIN, 0}};
    int64_t deadline_us = clock_monotonic_us() + timeout_us;
    int some;
    *ready = false;
    if (fds[0].fd < 0) {
        return pg_fail_connection(pg, err);
    }
    do { /* a signal is neither an answer nor a timeout */
        int64_t left_us = deadline_us - clock_monotonic_us();
        left_us = left_us > 0 ? left_us : 0;
        struct timespec limit = {left_us / 1000000, left_us % 1000000 * 1000};
        some = ppoll(fds, 2, &limit, NULL);
    } while (some < 0 && errno == EINTR);
    if (fds[1].revents) {
        return err_set(err, ERR_STOPPED, "stopped");
    }
    *ready = fds[0].revents != 0;
    return true;
}

/* Send what libpq has queued, and read answers meanwhile, so that neither side can block the
 * other. */
static bool flush(struct pg *pg, struct err *err)
{
    for (;;) {
        int left = PQflush(pg->conn);
        if (left == 0) {
            return true;
        }
        if (left < 0) {
            return pg_fail_connection(pg, err);
        }
        if (!pg_wait_while_served(pg, POLLIN | POLLOUT, err)) {
            return false;
        }
        if (!PQconsumeInput(pg->conn)) {
            return pg_fail_connection(pg, err);
        }
    }
}

static bool wait_input(struct pg *pg, struct err *err)
{
    return pg_wait_while_served(pg, POLLIN, err) &&
           (PQconsumeInput(pg->conn) || pg_fail_connection(pg, err));
}

/* Wait for the next result, watching the stop descriptor; *result NULL: the message is answered. */
static bool next_result(struct pg *pg, PGresult **result, struct err *err)
{
    while (PQisBusy(pg->conn)) {
        if (!wait_input(pg, err)) {
            return false;
        }
    }
    *result = PQgetResult(pg->conn);
    return true;
}

bool pg_send(struct pg *pg, const char *sql, struct err *err)
{
    pg->sqlstate[0] = '\0';
    if (!PQsendQuery(pg->conn, sql)) {
        return pg_fail_connection(pg, err);
    }
    return flush(pg, err);
}

enum pg_step pg_next(struct pg *pg, struct err *err)
{
    PGresult *result;
    if (!next_result(pg, &result, err)) {
        return PG_FAILED;
    }
    if (!result) {
        return PG_DONE;
    }
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        PQclear(pg->rows);
        pg->rows = result;
        return PG_ROWS;
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY: PQclear(result); return PG_OK;
    case PGRES_FATAL_ERROR: pg_fail_result(pg, result, err); break;
    default:
        pg_drop(pg); /* an unexpected COPY: the connection cannot be used any more */
        err_set(err, ERR_SYSTEM, "the server's answer does not match what it was asked");
        break;
    }
    PQclear(result);
    return PG_FAILED;
}

struct pg_rows *pg_take_rows(struct pg *pg)
{
    struct pg_rows *rows = mem_alloc(sizeof *rows);
    rows->result = pg->rows;
    pg->rows = NULL;
    return rows;
}

/* Read the rest of the answer; what failed first is what err keeps. */
static void drain(struct pg *pg)
{
    struct err ignored = {0};
    while (pg_alive(pg)) {
        enum pg_step step = pg_next(pg, &ignored);
        if (step == PG_DONE || ignored.kind == ERR_STOPPED) {
            return;
        }
    }
}

static void note_answer(struct pg *pg, int64_t sent_us)
{
    int64_t took_us = clock_monotonic_us() - sent_us;
    if (!pg->answered_us || took_us < pg->answered_us) {
        pg->answered_us = took_us;
    }
}

/* Some of the first statements take next to no time to run. */
bool pg_is_far(const struct pg *pg)
{
    return pg->answered_us >= FAR_US;
}

bool pg_exec(struct pg *pg, const char *sql, struct err *err)
{
    int64_t sent_us = clock_monotonic_us();
    if (!pg_send(pg, sql, err)) {
        return false;
    }
    for (;;) {
        enum pg_step step = pg_next(pg, err);
        if (step == PG_DONE) {
            note_answer(pg, sent_us);
            return true;
        }
        if (step == PG_FAILED) {
            drain(pg);
            return false;
        }
    }
}

/* One statement gives one set of rows. */
static struct pg_rows *take_answer(struct pg *pg, struct err *err)
{
    struct pg_rows *rows = NULL;
    enum pg_step step = pg_next(pg, err);
    if (step == PG_ROWS) {
        rows = pg_take_rows(pg);
        step = pg_next(pg, err);
    }
    if (rows && step == PG_DONE) {
        return rows;
    }
    if (step != PG_FAILED) {
        err_set(err, ERR_SYSTEM, "the server's answer to a query is not one set of rows");
    }
    pg_rows_free(&rows);
    drain(pg);
    return NULL;
}

struct pg_rows *pg_query(struct pg *pg, const char *sql, int param_count, const char *const *params,
                         struct err *err)
{
    int64_t sent_us = clock_monotonic_us();
    pg->sqlstate[0] = '\0';
    if (!PQsendQueryParams(pg->conn, sql, param_count, NULL, params, NULL, NULL, 0)) {
        pg_fail_connection(pg, err);
        return NULL;
    }
    struct pg_rows *rows = flush(pg, err) ? take_answer(pg, err) : NULL;
    if (rows) {
        note_answer(pg, sent_us);
    }
    return rows;
}

struct pg_rows *pg_command(struct pg *pg, const char *sql, struct err *err)
{
    return pg_send(pg, sql, err) ? take_answer(pg, err) : NULL;
}

int pg_rows_count(const struct pg_rows *rows)
{
    return PQntuples(rows->result);
}

bool pg_rows_null(const struct pg_rows *rows, int row, int column)
{
    return PQgetisnull(rows->result, row, column);
}

const char *pg_rows_value(const struct pg_rows *rows, int row, int column)
{
    return pg_rows_null(rows, row, column) ? NULL : PQgetvalue(rows->result, row, column);
}

size_t pg_rows_len(const struct pg_rows *rows, int row, int column)
{
    return (size_t)PQgetlength(rows->result, row, column);
}

void pg_rows_free(struct pg_rows **rows)
{
    if (*rows) {
        PQclear((*rows)->result);
        free(*rows);
        *rows = NULL;
    }
}

/*
 * Not with libpq's own cancel request: that waits as long as TCP does for a server that does not
 * answer, and is not encrypted. This one has a timer.
 */
void pg_cancel(struct pg *pg)
{
    char pid[16];
    const char *params[] = {pid};
    struct err ignored;
    int limit = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    timerfd_settime(limit, 0, &(struct itimerspec){.it_value = {CANCEL_S, 0}}, NULL);
    snprintf(pid, sizeof pid, "%d", pg_backend_pid(pg));
    struct pg *other = pg_open(pg->config, PG_SQL, "source-postgres cancel", limit, &ignored);
    struct pg_rows *rows =
        other ? pg_query(other, "SELECT pg_cancel_backend($1::int)", 1, params, &ignored) : NULL;
    pg_rows_free(&rows);
    pg_close(&other);
    close(limit);
}

/* Doubling every quote is right for both, as long as standard_conforming_strings is on: it is
 * pinned. */
static void quote(struct out *out, const char *text, size_t len, char mark)
{
    char *p = out_reserve(out, len * 2 + 2);
    *p++ = mark;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == mark) {
            *p++ = mark;
        }
        *p++ = text[i];
    }
    *p++ = mark;
    out_commit(out, p);
}

void pg_quote_identifier(struct out *out, const char *name)
{
    quote(out, name, strlen(name), '"');
}

void pg_quote_literal(struct out *out, const char *text, size_t len)
{
    quote(out, text, len, '\'');
}
