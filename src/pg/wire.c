/*
 * The socket under a connection: sending requests, and taking answers into an arena.
 *
 * What is taken lies in pieces of the arena. A message that the end of a piece cuts is moved to the
 * beginning of the next one; one that is larger than a piece gets one of its size.
 */
#include "pg/wire.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/check.h"
#include "internal.h"
#include "message.h"

static bool lost(struct pg *pg, const char *why, struct err *err)
{
    pg_drop(pg);
    pg->sqlstate[0] = '\0';
    return err_set(err, ERR_TRANSIENT, "lost the connection to the server: %s", why);
}

static bool out_of_step(struct pg *pg, struct err *err)
{
    return lost(pg, "it sent something that is not of its protocol", err);
}

enum { AGAIN = -1, FAILED = -2 }; /* instead of a count of bytes */

static ssize_t plain_result(ssize_t count)
{
    if (count > 0) {
        return count;
    }
    if (count == 0) {
        errno = 0; /* closed */
        return FAILED;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? AGAIN : FAILED;
}

static ssize_t tls_result(SSL *tls, int count)
{
    if (count > 0) {
        return count;
    }
    int code = SSL_get_error(tls, count);
    return code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE ? AGAIN : FAILED;
}

static int tls_len(size_t len)
{
    ERR_clear_error(); /* SSL_get_error also reports errors that other calls left */
    return len < INT_MAX ? (int)len : INT_MAX;
}

static ssize_t read_some(struct pg *pg, char *to, size_t room)
{
    errno = 0;
    return pg->tls ? tls_result(pg->tls, SSL_read(pg->tls, to, tls_len(room)))
                   : plain_result(recv(PQsocket(pg->conn), to, room, MSG_DONTWAIT));
}

static ssize_t write_some(struct pg *pg, const char *data, size_t len)
{
    errno = 0;
    return pg->tls ? tls_result(pg->tls, SSL_write(pg->tls, data, tls_len(len)))
                   : plain_result(send(PQsocket(pg->conn), data, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static bool socket_failed(struct pg *pg, struct err *err)
{
    const char *tls = pg->tls ? ERR_reason_error_string(ERR_peek_error()) : NULL;
    return lost(pg, tls ? tls : errno ? strerror(errno) : "the server closed it", err);
}

bool wire_send(struct pg *pg, const struct out *request, struct err *err)
{
    for (size_t done = 0; done < request->len;) {
        ssize_t count =
            pg_alive(pg) ? write_some(pg, request->data + done, request->len - done) : FAILED;
        if (count == FAILED) {
            return pg_alive(pg) || socket_failed(pg, err); /* the next read shows why */
        }
        if (count == AGAIN && !pg_wait_while_served(pg, POLLOUT, err)) {
            return false;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

/* The SQLSTATE of the failure that a notice is here; NULL: it is not a failure, or is an error
 * message already. */
static const char *notice_failure(const struct pg *pg, const struct message *message)
{
    return pg_notice_failure(pg, message_field(message, PG_DIAG_SEVERITY_NONLOCALIZED),
                             message_field(message, PG_DIAG_SQLSTATE));
}

/* Whether callers see it. A notice that reports a failure becomes an error. Not seen: parsed,
 * bound, closed, notifications, changed settings, and row descriptions. */
static bool is_for_caller(const struct pg *pg, struct message *message)
{
    switch (message->type) {
    case WIRE_ROW:
    case WIRE_DATA: return true;
    case 'N': message->type = WIRE_ERROR; return notice_failure(pg, message) != NULL;
    case '1':
    case '2':
    case '3':
    case 'A':
    case 'S':
    case 'T': return false;
    default: return true;
    }
}

bool wire_next(struct pg *pg, struct message *message)
{
    struct wire *w = &pg->wire;
    do {
        size_t count = (size_t)(w->end - w->next), size = message_size(w->next, count);
        if (!size || size > count) {
            return false;
        }
        message->type = *w->next;
        message->body = (const uint8_t *)w->next + MESSAGE_HEADER;
        message->len = size - MESSAGE_HEADER;
        w->next += size;
    } while (!is_for_caller(pg, message));
    return true;
}

/* Room for `size` bytes and more, at the end of what is here. */
static void new_piece(struct wire *w, struct arena *arena, size_t size)
{
    size_t here = (size_t)(w->end - w->next);
    char *piece = arena_alloc(arena, size > WIRE_PIECE ? size : WIRE_PIECE);
    if (here) {
        memcpy(piece, w->next, here);
    }
    *w = (struct wire){.next = piece,
                       .end = piece + here,
                       .limit = piece + (size > WIRE_PIECE ? size : WIRE_PIECE),
                       .arena = arena,
                       .kept = w->kept};
}

/* Returns how many bytes are to be looked at now: none if they are not a whole message. */
static size_t take_kept(struct wire *w, struct arena *arena)
{
    size_t len = w->kept.len, size = message_size(w->kept.data, len);
    if (!len) {
        return 0;
    }
    w->next = w->kept.data;
    w->end = w->next + len;
    new_piece(w, arena, size > len && size != SIZE_MAX ? size : len);
    w->kept.len = 0;
    return size && size <= len ? len : 0;
}

/* Whether to begin a new piece: the next message does not fit, or too little room is left for a
 * read to be worth the call; unless more than that would have to be moved. */
static bool wants_piece(const struct wire *w, size_t size)
{
    size_t here = (size_t)(w->end - w->next), room = (size_t)(w->limit - w->end);
    return size > here + room || (room < WIRE_PIECE / 4 && here < WIRE_PIECE / 4);
}

bool wire_take(struct pg *pg, struct arena *arena, size_t *count, struct err *err)
{
    struct wire *w = &pg->wire;
    ssize_t some = 1;
    CHECK(!w->arena || w->arena == arena); /* else wire_leave was forgotten */
    *count = take_kept(w, arena);
    size_t size = message_size(w->next, (size_t)(w->end - w->next));
    if (size == SIZE_MAX) {
        return out_of_step(pg, err);
    }
    if (wants_piece(w, size)) {
        new_piece(w, arena, size);
    }
    while (some > 0 && w->end < w->limit) {
        some = pg_alive(pg) ? read_some(pg, w->end, (size_t)(w->limit - w->end)) : FAILED;
        w->end += some > 0 ? some : 0;
        *count += some > 0 ? (size_t)some : 0;
        if (some > 0 && !pg->tls) {
            break; /* TLS hands out one record at a time */
        }
    }
    w->full = w->end == w->limit;
    return some != FAILED || (*count && pg_alive(pg)) || socket_failed(pg, err);
}

bool wire_has_more(const struct pg *pg)
{
    return pg->wire.full || pg->wire.kept.len;
}

bool wire_wait_while_served(struct pg *pg, struct err *err)
{
    return wire_has_more(pg) || pg_wait_while_served(pg, POLLIN, err);
}

bool wire_wait_for(struct pg *pg, int64_t timeout_us, struct err *err)
{
    bool ready;
    return wire_has_more(pg) || pg_poll(pg, POLLIN, timeout_us, &ready, err);
}

void wire_leave(struct pg *pg)
{
    struct wire *w = &pg->wire;
    if (w->end > w->next) {
        out_bytes(&w->kept, w->next, (size_t)(w->end - w->next));
    }
    *w = (struct wire){.kept = w->kept};
}

bool wire_answer(struct pg *pg, struct arena *arena, struct message *message, struct err *err)
{
    size_t count;
    while (!wire_next(pg, message)) {
        if (!wire_take(pg, arena, &count, err) || (!count && !wire_wait_while_served(pg, err))) {
            return false;
        }
    }
    return true;
}

bool wire_fail(struct pg *pg, const struct message *message, struct err *err)
{
    const char *sqlstate = notice_failure(pg, message);
    struct server_words words = {
        sqlstate ? sqlstate : message_field(message, PG_DIAG_SQLSTATE),
        message_field(message, PG_DIAG_MESSAGE_PRIMARY),
        message_field(message, PG_DIAG_MESSAGE_DETAIL),
        message_field(message, PG_DIAG_MESSAGE_HINT),
        message_field(message, PG_DIAG_CONTEXT),
        message_field(message, PG_DIAG_SOURCE_FUNCTION),
    };
    return pg_fail_words(pg, &words, err);
}
