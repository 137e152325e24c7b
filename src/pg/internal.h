/* What the files of this layer share: the connection's insides. Not for other layers. */
#ifndef PG_INTERNAL_H
#define PG_INTERNAL_H

#include <libpq-fe.h>

#include "pg/pg.h"

struct pg {
    PGconn *conn;
    const struct config *config;
    int stop_fd;
    bool is_probe; /* asks after another connection: after its own silence nobody is asked */
    char sqlstate[6];
    char skipped[256]; /* what a stream left out, as the server says in a warning; "": nothing */
    PGresult *rows;    /* PG_ROWS not yet taken */
};

struct pg_rows {
    PGresult *result;
};

/*
 * Wait until the socket may be read (or also written, with `write`), the stop descriptor is
 * readable (ERR_STOPPED), or the timeout has passed (*ready false). timeout_us -1: no limit.
 */
bool pg_poll(struct pg *, bool write, int64_t timeout_us, bool *ready, struct err *);

/* The same without limit, but for a connection that is dead without a word. */
bool pg_wait(struct pg *, bool write, struct err *);

/* What libpq says is wrong with the connection, on one line. */
void pg_connection_words(const struct pg *, char *to, size_t size);

/* A field of an error or a notice, "" where it has none. */
const char *pg_field(const PGresult *, int code);

/* The connection itself has failed. Returns false. */
bool pg_fail_connection(struct pg *, struct err *);

/* The server answered with an error. Remembers its SQLSTATE. Returns false. */
bool pg_fail_result(struct pg *, const PGresult *, struct err *);

#endif
