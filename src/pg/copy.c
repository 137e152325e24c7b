/* Reading COPY data, of a chunk or of the replication stream. */
#include "internal.h"

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
        bool ready;
        if (!pg_poll(pg, false, -1, &ready, err)) {
            return -1;
        }
        if (ready && !PQconsumeInput(pg->conn)) {
            pg_fail_connection(pg, err);
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

int pg_stream_next(struct pg *pg, char **data, struct err *err)
{
    int len = PQgetCopyData(pg->conn, data, 1);
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
    return !ready || PQconsumeInput(pg->conn) || pg_fail_connection(pg, err);
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
