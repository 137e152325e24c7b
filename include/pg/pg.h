/*
 * One connection to PostgreSQL, used by one thread. The only layer that knows libpq.
 *
 * Every call that waits also watches the stop descriptor given at open: when it becomes readable
 * the call fails with ERR_STOPPED. Errors carry the server's words and SQLSTATE, and never the
 * password.
 */
#ifndef PG_PG_H
#define PG_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

enum pg_kind {
    PG_SQL,         /* settings that decide how values print are pinned */
    PG_REPLICATION, /* the same, with replication=database */
    PG_PROBE,       /* asks about another connection: no answer in time is an answer, too */
};

struct pg;
struct pg_rows;

/* The application_name of the connection that reads a slot. */
#define REPLICATION_NAME "source-postgres replication"

/* `name` is shown as application_name. stop_fd -1: nothing to watch. NULL on failure. The
 * configuration is borrowed as long as the connection lives. */
struct pg *pg_open(const struct config *, enum pg_kind, const char *name, int stop_fd,
                   struct err *);
void pg_close(struct pg **);

/* The user's log. `line` gets what was created or left out, and warnings. `wait` gets what the
 * session waits for: `about` identifies the wait, `text` adds for how long and because of whom;
 * NULL: it is over. */
struct notices {
    void (*line)(void *context, bool warning, const char *text);
    void (*wait)(void *context, const char *about, const char *text);
    void *context;
    bool soon; /* statements end after 2 s of a wait for a lock: it is to be told before */

    /* Called while a statement takes long, each time that the server is asked whether it still
     * works for it, with the connection that asks; NULL: nothing is to be done then. */
    void (*look)(void *looker, struct pg *probe);
    void *looker;
};

/*
 * From now on, lines about this connection go there; before this call they are dropped. Among them:
 * after some seconds (`soon`: after one), and then from time to time, which session holds the lock
 * that a statement waits for.
 */
void pg_tell(struct pg *, const struct notices *);

int pg_server_version(const struct pg *); /* 150004 */

/* Whether it is older than 13.21, 14.18, 15.13, 16.9 or 17.5: see struct renewal
 * (backfill/backfill.h). */
bool pg_forgets_published(const struct pg *);
int pg_backend_pid(const struct pg *);
/* Give the connection up: it is lost, out of step, or not wanted. pg_alive is false from here on. */
void pg_drop(struct pg *);
bool pg_alive(const struct pg *);       /* false once the connection is known to be lost */
bool pg_is_local(const struct pg *);    /* over a Unix socket */
bool pg_is_far(const struct pg *);      /* each of its answers so far took a millisecond or more */
bool pg_in_recovery(const struct pg *); /* it was a standby when the connection was made */

/*
 * After a silence: ask the server, over another connection, whether it still works for this one.
 * False if it does not, or does not answer: then the connection is lost (ERR_TRANSIENT). All calls
 * here that wait without limit do this by themselves; the reader of a stream must do it itself.
 */
bool pg_still_served(struct pg *, struct err *);

/* The last error's SQLSTATE, "" when it had none. */
const char *pg_sqlstate(const struct pg *);

/* Append `name` quoted as an identifier, `text` as a literal. Both work in any
 * standard_conforming_strings. */
void pg_quote_identifier(struct out *, const char *name);
void pg_quote_literal(struct out *, const char *text, size_t len);

/* Append items as the text of an array parameter: {"a","b\"c"}. */
void pg_array_open(struct out *);
void pg_array_add(struct out *, const char *item);
void pg_array_close(struct out *);

/* Append names as one item: an array within the array, as text, since an array of arrays would want
 * them all of one length. None: NULL. */
void pg_array_add_names(struct out *, char *const *names);

/* One or several statements by the simple protocol; rows are discarded. */
bool pg_exec(struct pg *, const char *sql, struct err *);

/* One statement with text parameters; NULL on failure. Free the rows. */
struct pg_rows *pg_query(struct pg *, const char *sql, int param_count, const char *const *params,
                         struct err *);
int pg_rows_count(const struct pg_rows *);
const char *pg_rows_value(const struct pg_rows *, int row, int column); /* NULL: SQL NULL */
bool pg_rows_null(const struct pg_rows *, int row, int column);
size_t pg_rows_len(const struct pg_rows *, int row, int column);
void pg_rows_free(struct pg_rows **);

/* The same by the simple protocol, the only one of replication connections. */
struct pg_rows *pg_command(struct pg *, const char *sql, struct err *);

/*
 * Several statements sent as one message, results taken one by one: pg_send, then pg_next until
 * PG_DONE. After an error the rest of the message is not run; pg_next then yields PG_FAILED once
 * and PG_DONE after.
 */
enum pg_step {
    PG_OK,     /* a statement without rows has ended */
    PG_ROWS,   /* pg_take_rows holds its rows */
    PG_FAILED, /* err says how */
    PG_DONE,   /* the message has been answered: the connection is free again */
};
bool pg_send(struct pg *, const char *sql, struct err *);
enum pg_step pg_next(struct pg *, struct err *);
struct pg_rows *pg_take_rows(struct pg *);

/* Ask the server, over another connection and for seconds at most, to stop the statement that runs;
 * it then fails with SQLSTATE 57014. */
void pg_cancel(struct pg *);

#endif
