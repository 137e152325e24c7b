/* The inside of a connection, shared by the files of this layer. Not for other layers. */
#ifndef PG_INTERNAL_H
#define PG_INTERNAL_H

#include <libpq-fe.h>

#include "base/out.h"
#include "pg/pg.h"

/* Bytes that were read from the socket and not handed out yet: see wire.c. */
struct wire {
    char *next, *end, *limit;  /* in a piece of the taker's arena; room for more from `end` on */
    const struct arena *arena; /* that the piece is in */
    struct out kept;           /* bytes from before that arena was reset: then there is no piece */
    bool full;                 /* the last look filled all room */
};

struct pg {
    PGconn *conn;
    struct wire wire;
    void *tls; /* OpenSSL's SSL under the connection, libpq's own; NULL: none */
    const struct config *config;
    enum pg_kind kind;
    struct notices notices; /* all NULL: they are dropped */
    int64_t next_soon_us;   /* notices.soon: no early look at waits before this */
    int stop_fd;
    int pid;          /* of the server's process, which a pooler's greeting does not show */
    bool in_recovery; /* the server was, when the connection was made */
    bool asked_identifier;
    char system_identifier
        [24]; /* asked_identifier: of its server; "": we may not know. See slot.c */
    char sqlstate[6];
    PGresult *rows;      /* PG_ROWS not yet taken */
    int64_t answered_us; /* the least time that the answer to a statement took; 0: none came */
};

struct pg_rows {
    PGresult *result;
};

/* pg_open, but for the session's settings. */
struct pg *pg_connect(const struct config *, enum pg_kind, const char *name, int stop_fd,
                      struct err *);

/*
 * Two ways to wait until the socket is ready for what poll's `events` say, or the stop descriptor
 * is readable (ERR_STOPPED). There is no third: a wait has a limit, or the server is known to work
 * for us.
 *
 * pg_poll: at most timeout_us, then *ready is false. The caller must handle a silent server.
 */
bool pg_poll(struct pg *, short events, int64_t timeout_us, bool *ready, struct err *);

/* Without a limit, as long as the server works for this connection: see pg_still_served, which is
 * asked after each silence. Logs which sessions the statement waits for. */
bool pg_wait_while_served(struct pg *, short events, struct err *);

/* libpq's error message of the connection, on one line. */
void pg_connection_words(const struct pg *, char *to, size_t size);

/* One line for the user's log. */
void pg_notice(const struct pg *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pg_warning(const struct pg *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* pg_waits_sql: which sessions the statements of this user's sessions wait for. pg_report_wait: log
 * that of this one; returns whether it waits. */
extern const char pg_waits_sql[];
bool pg_report_wait(const struct pg *, const struct pg_rows *waits);

/* The connection itself has failed; or it was never made. Return false. */
bool pg_fail_connection(struct pg *, struct err *);
bool pg_fail_open(struct pg *, struct err *);

/* An error of the server, field by field: "" if it has none. */
struct server_words {
    const char *sqlstate, *message, *detail, *hint, *context;
    const char *routine; /* function in the server's source: the same in every language */
};

/*
 * The SQLSTATE of the failure that the capture sees in a notice of that severity (not translated)
 * and SQLSTATE; NULL: in none.
 */
const char *pg_notice_failure(const struct pg *, const char *severity, const char *sqlstate);

/* The server answered with an error. Remembers its SQLSTATE. Returns false. */
bool pg_fail_words(struct pg *, const struct server_words *, struct err *);
bool pg_fail_result(struct pg *, const PGresult *, struct err *);

#endif
