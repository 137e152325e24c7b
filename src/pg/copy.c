/*
 * Reading COPY data, of a chunk or of the replication stream.
 *
 * The server sends a few kilobytes at a time, and whoever waits on the socket is woken for each:
 * that costs both sides more than the bytes. So what flows is taken in big gulps.
 */
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>

#include "internal.h"

enum {
    GULPS = 6,           /* libpq's buffer doubles with each that fills it, from 16 KiB on */
    NAP_NS = 100 * 1000, /* some 50 KiB of a COPY; a Unix socket's buffer holds four times that */
};

/*
 * Take in all that is there: libpq reads what its buffer has room for, and makes more room only
 * when it is full. Over TLS it may leave the rest of a record behind, of which the socket tells
 * nothing.
 */
static bool take_in(struct pg *pg, struct err *err)
{
    int waiting = 1;
    for (int i = 0; waiting && i < GULPS; i++) {
        if (!PQconsumeInput(pg->conn)) {
            return pg_fail_connection(pg, err);
        }
        if (ioctl(PQsocket(pg->conn), FIONREAD, &waiting)) {
            waiting = 0;
        }
    }
    return !PQsslInUse(pg->conn) || PQconsumeInput(pg->conn) || pg_fail_connection(pg, err);
}

/* More of a COPY that flows: let it gather, then look; wait where there is still nothing. */
static bool take_more(struct pg *pg, struct err *err)
{
    int waiting = 0;
    nanosleep(&(struct timespec){0, NAP_NS}, NULL);
    if (ioctl(PQsocket(pg->conn), FIONREAD, &waiting) || !waiting) {
        if (!pg_wait(pg, false, err)) {
            return false;
        }
    }
    return take_in(pg, err);
}

int pg_copy_next(struct pg *pg, char **data, struct err *err)
{
    for (;;) {
        int len = PQgetCopyData(pg->conn, data, 1);
        if (len > 0) {
            return len;
        }
        if (len == -1) {
            return 0;
        }
        if (len < -1) {
            pg_fail_connection(pg, err);
            return -1;
        }
        if (!take_more(pg, err)) {
            return -1;
        }
    }
}

/* The server ended the stream: its last result says why. */
static int stream_ended(struct pg *pg, struct err *err)
{
    PGresult *result = PQgetResult(pg->conn);
    if (result && PQresultStatus(result) == PGRES_FATAL_ERROR) {
        pg_fail_result(pg, result, err);
    } else {
        err_set(err, ERR_TRANSIENT, "the server ended the replication stream");
    }
    PQclear(result);
    return -1;
}

/* The warning becomes the error that it was before PostgreSQL 18: undefined_object. */
static int stream_skipped(struct pg *pg, char *data, struct err *err)
{
    PQfreemem(data);
    snprintf(pg->sqlstate, sizeof pg->sqlstate, "42704");
    err_set(err, ERR_CONFIG, "%s", pg->skipped);
    return -1;
}

int pg_stream_next(struct pg *pg, char **data, struct err *err)
{
    int len = PQgetCopyData(pg->conn, data, 1);
    if (pg->skipped[0]) {
        return stream_skipped(pg, len > 0 ? *data : NULL, err);
    }
    if (len >= 0) {
        return len;
    }
    if (len == -1) {
        return stream_ended(pg, err);
    }
    pg_fail_connection(pg, err);
    return -1;
}

bool pg_stream_wait(struct pg *pg, int64_t timeout_us, struct err *err)
{
    bool ready;
    if (!pg_poll(pg, false, timeout_us, &ready, err)) {
        return false;
    }
    return !ready || take_in(pg, err);
}

bool pg_stream_send(struct pg *pg, const void *data, size_t len, struct err *err)
{
    if (PQputCopyData(pg->conn, data, (int)len) != 1 || PQflush(pg->conn) < 0) {
        return pg_fail_connection(pg, err);
    }
    return true;
}

void pg_free_data(void *data)
{
    PQfreemem(data);
}
