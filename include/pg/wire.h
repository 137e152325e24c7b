/*
 * A connection's messages as the server sends them, for what comes in large numbers: rows of chunks
 * and changes of the stream. libpq opens the connection and asks everything else, but would
 * allocate and copy each of these; here they stay where the socket put them.
 *
 * Both use one connection in turn: from wire_send to the answer WIRE_READY this layer reads the
 * socket, and libpq otherwise. Once a stream begins, this layer reads to the end of the connection.
 * One of the two may have read half of an unsolicited message when the other takes over: then the
 * connection is out of step, counts as lost, and is opened again (ERR_TRANSIENT).
 *
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
#ifndef PG_WIRE_H
#define PG_WIRE_H

#include "base/arena.h"
#include "base/out.h"
#include "pg/pg.h"
#include "row/relation.h"

/* Types of the messages that a caller sees. */
enum {
    WIRE_ROW = 'D',    /* Int16 columns, then for each Int32 len (-1: null) and bytes */
    WIRE_DATA = 'd',   /* of a stream: bytes */
    WIRE_DONE = 'C',   /* a statement has ended */
    WIRE_ERROR = 'E',  /* … or failed; so do all after it, up to WIRE_READY */
    WIRE_READY = 'Z',  /* the request has been answered */
    WIRE_STREAM = 'W', /* a stream begins, in both directions */
};

/* The least that wire_take allocates: blocks of this size serve an arena for answers best. */
enum { WIRE_PIECE = 128 * 1024 };

struct message {
    char type;
    const uint8_t *body; /* in the arena that wire_take was given */
    size_t len;
};

/*
 * Append to a request. A statement's columns come in the form that `rows` says: binary or text;
 * NULL: all as text. wire_sync ends a request of statements: what comes after one that fails is
 * skipped. A command is one of the replication protocol, and a request by itself.
 */
void wire_statement(struct out *request, const char *sql, const struct relation *rows);
void wire_sync(struct out *request);

/* The same in two steps, for what is asked again and again, with other parameters, as text: `name`
 * lasts as long as the connection. */
void wire_prepare(struct out *request, const char *name, const char *sql);
void wire_execute(struct out *request, const char *name, const char *const *params, int count,
                  const struct relation *rows);

void wire_command(struct out *request, const char *sql);
void wire_data(struct out *request, const void *data, size_t len); /* to a stream */

/* Waits for room while the server works for this connection. */
bool wire_send(struct pg *, const struct out *request, struct err *);

/* The next message that is here; false: none is, as a whole. Never waits. */
bool wire_next(struct pg *, struct message *);

/*
 * Once wire_next has none: read what the socket has. *count: how many bytes are new; 0: nothing
 * came, so wait. Messages live as long as what is allocated from `arena`.
 */
bool wire_take(struct pg *, struct arena *, size_t *count, struct err *);

/* Whether more may be there without waiting: the last wire_take filled all its room, or something
 * is kept. */
bool wire_has_more(const struct pg *);

/*
 * Wait until there is something to take: as long as it takes, while the server works for this
 * connection (pg_still_served); or for timeout_us at most: then the caller handles a silent server,
 * and sends the status messages of a stream.
 */
bool wire_wait_while_served(struct pg *, struct err *);
bool wire_wait_for(struct pg *, int64_t timeout_us, struct err *);

/* Before the arena of the last wire_take is reset or given away: what has not been handed out as a
 * message is kept aside. */
void wire_leave(struct pg *);

/* The next message, waited for while served; false: the connection has failed, or the run stops. */
bool wire_answer(struct pg *, struct arena *, struct message *, struct err *);

/* Set err and pg_sqlstate from a WIRE_ERROR. Returns false. */
bool wire_fail(struct pg *, const struct message *, struct err *);

#endif
