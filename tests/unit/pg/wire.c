/*
 * The socket under a connection, against a fake server: it accepts the connection, and then sends
 * what a test says, cut where the test says.
 */
#include "pg/wire.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_server.h"

static char directory[] = "/tmp/source-postgres-wire-XXXXXX";
static char user[] = "u", database[] = "d", sslmode[] = "disable";
static struct config config = {
    .host = directory, .port = 5432, .user = user, .database = database, .sslmode = sslmode};
static int listener, server; /* the server's end of the connection */
static struct pg *pg;
static struct arena arena;
static struct err err;

static void *let_in(void *wrong)
{
    server = accept(listener, NULL, NULL);
    fake_let_in(server, wrong);
    return NULL;
}

/* `wrong`: a setting that the server does not take. */
static void connect_to(enum pg_kind kind, const char *wrong)
{
    pthread_t thread;
    err = (struct err){0};
    cr_assert(mkdtemp(directory));
    listener = fake_listen(directory);
    cr_assert(!pthread_create(&thread, NULL, let_in, (void *)wrong));
    pg = pg_open(&config, kind, "test", -1, &err);
    pthread_join(thread, NULL);
    arena_init(&arena, 4096);
}

static void connect_as(enum pg_kind kind)
{
    connect_to(kind, NULL);
    cr_assert(pg, "%s", err.message);
}

static void set_up(void)
{
    connect_as(PG_SQL);
}

static void tear_down(void)
{
    struct sockaddr_un at = fake_address(directory);
    pg_close(&pg);
    arena_free(&arena);
    close(server);
    close(listener);
    unlink(at.sun_path);
    rmdir(directory);
}

TestSuite(wire, .init = set_up, .fini = tear_down);

static void set_up_stream(void)
{
    connect_as(PG_REPLICATION);
}

TestSuite(wire_stream, .init = set_up_stream, .fini = tear_down);

static void serve(const char *bytes, size_t len)
{
    cr_assert_eq(write(server, bytes, len), (ssize_t)len);
}

#define SERVE(bytes) serve(bytes, sizeof(bytes) - 1)

/* A look at the socket; returns how many bytes were new. */
static size_t take(void)
{
    size_t count;
    cr_assert(wire_take(pg, &arena, &count, &err), "%s", err.message);
    return count;
}

static void expect_next(char type, size_t len)
{
    struct message message;
    cr_assert(wire_next(pg, &message));
    cr_expect_eq(message.type, type);
    cr_expect_eq(message.len, len);
}

static void expect_none(void)
{
    struct message message;
    cr_expect_not(wire_next(pg, &message));
}

static void expect_failure(enum err_kind kind, const char *words)
{
    size_t count = 0;
    bool ok;
    while ((ok = wire_take(pg, &arena, &count, &err)) && count) {
        expect_none();
    }
    cr_assert_not(ok);
    cr_expect_eq(err.kind, kind);
    cr_expect(strstr(err.message, words), "%s", err.message);
    cr_expect_not(pg_alive(pg));
}

Test(wire, unsolicited_messages_are_skipped)
{
    SERVE("1\0\0\0\4"
          "2\0\0\0\4"
          "S\0\0\0\x08"
          "a\0b\0"
          "N\0\0\0\5\0"
          "A\0\0\0\x0a"
          "1234a\0"
          "D\0\0\0\6\0\0"
          "T\0\0\0\6\0\0"
          "Z\0\0\0\5I");
    take();
    expect_next(WIRE_ROW, 2);
    expect_next(WIRE_READY, 1);
    expect_none();
}

Test(wire, no_data_is_not_a_failure)
{
    cr_expect_eq(take(), 0);
    expect_none();
    cr_expect_not(wire_has_more(pg));
}

Test(wire, the_end_is_reported_after_the_messages_before_it)
{
    SERVE("D\0\0\0\4"
          "D\0\0\0");
    close(server);
    take();
    expect_next(WIRE_ROW, 0);
    expect_none();
    expect_failure(ERR_TRANSIENT, "closed");
}

Test(wire, what_was_kept_is_handed_out_although_the_end_has_come)
{
    SERVE("D\0\0\0\4"
          "C\0\0\0\4");
    take();
    expect_next(WIRE_ROW, 0);
    wire_leave(pg);
    arena_reset(&arena);
    close(server);
    take();
    expect_next(WIRE_DONE, 0);
    expect_failure(ERR_TRANSIENT, "closed");
}

Test(wire, an_invalid_message_ends_the_connection)
{
    SERVE("D\0\0\0\4"
          "D\xff\xff\xff\xff"
          "D\0\0\0\4");
    take();
    expect_next(WIRE_ROW, 0);
    expect_failure(ERR_TRANSIENT, "protocol");
}

Test(wire, an_invalid_message_that_was_kept_ends_the_connection)
{
    SERVE("D\0\0\0\4"
          "Z\0\0\0\3");
    take();
    expect_next(WIRE_ROW, 0);
    wire_leave(pg);
    arena_reset(&arena);
    expect_failure(ERR_TRANSIENT, "protocol");
}

Test(wire, what_is_kept_is_looked_at_before_the_socket)
{
    SERVE("D\0\0\0\4"
          "C\0\0\0\4"
          "Z\0\0\0\5I");
    take();
    expect_next(WIRE_ROW, 0);
    wire_leave(pg);
    arena_reset(&arena);
    expect_none();
    cr_expect(wire_has_more(pg));
    cr_expect(wire_wait_while_served(pg, &err), "does not wait");
    cr_expect_eq(take(), 11);
    expect_next(WIRE_DONE, 0);
    expect_next(WIRE_READY, 1);
    cr_expect_not(wire_has_more(pg));
}

Test(wire_stream, a_warning_that_changes_are_left_out_is_an_error)
{
    struct message message;
    SERVE("N\0\0\0\x18"
          "VWARNING\0C01000\0Mx\0\0"
          "N\0\0\0\x19"
          "VWARNING\0C55000\0Mno\0\0");
    take();
    cr_assert(wire_next(pg, &message));
    cr_expect_eq(message.type, WIRE_ERROR);
    cr_expect_not(wire_fail(pg, &message, &err));
    cr_expect_str_eq(pg_sqlstate(pg), "42704");
    cr_expect_eq(err.kind, ERR_CONFIG);
    expect_none();
}

/* Message k: no other has its length and bytes. */
enum { MESSAGES = 400, LONGEST = 400 * 1000 };

static size_t length_of(unsigned k)
{
    return k % 29 == 7 ? (k * 7919U) % LONGEST : k % 5 == 3 ? (k * 104729U) % 9000 : k % 40;
}

static char *all_messages(size_t *len)
{
    struct out out;
    out_init(&out, 1 << 20);
    for (unsigned k = 0; k < MESSAGES; k++) {
        char *body = malloc(length_of(k) + 1);
        memset(body, (int)k, length_of(k));
        wire_data(&out, body, length_of(k));
        free(body);
    }
    *len = out.len;
    return out.data; /* the caller's */
}

static bool is_message(const struct message *m, unsigned k)
{
    bool same = m->type == WIRE_DATA && m->len == length_of(k);
    for (size_t i = 0; same && i < m->len; i++) {
        same = m->body[i] == (uint8_t)k;
    }
    return same;
}

/* Send all in pieces of random size; in between the arena is replaced, as with a full batch, unless
 * messages in it are still to be read. */
static void expect_all_whole(unsigned seed)
{
    struct message messages[MESSAGES];
    struct arena old = {0};
    size_t len, sent = 0;
    unsigned first = 0, next = 0;
    char *all = all_messages(&len);
    while (next < MESSAGES) {
        size_t piece = rand_r(&seed) % 4 ? rand_r(&seed) % 50 : rand_r(&seed) % 150000;
        piece = piece < len - sent ? piece : len - sent;
        ssize_t some = send(server, all + sent, piece, MSG_DONTWAIT); /* it may be full */
        sent += some > 0 ? (size_t)some : 0;
        take();
        for (; wire_next(pg, &messages[next]); next++) {
            cr_assert_lt(next, MESSAGES);
        }
        if (rand_r(&seed) % 3) {
            continue;
        }
        wire_leave(pg);
        arena_free(&old);
        old = arena;
        arena_init(&arena, rand_r(&seed) % 2 ? 4096 : 256 * 1024);
        for (; first < next; first++) {
            cr_assert(is_message(&messages[first], first), "message %u", first);
        }
    }
    for (; first < next; first++) {
        cr_assert(is_message(&messages[first], first), "message %u", first);
    }
    arena_free(&old);
    free(all);
}

Test(wire, every_message_is_whole_however_it_comes)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        expect_all_whole(seed);
    }
}

/* The server reads meanwhile: a request may be larger than the buffer of the socket. */
static void *drain(void *count)
{
    static char block[65536];
    ssize_t some;
    usleep(20 * 1000);
    while ((some = read(server, block, sizeof block)) > 0) {
        *(size_t *)count += (size_t)some;
    }
    return NULL;
}

Test(wire, a_request_larger_than_the_sockets_buffer_is_sent)
{
    pthread_t thread;
    size_t count = 0;
    struct out request;
    out_init(&request, 0);
    memset(out_reserve(&request, 4 << 20), 'x', 4 << 20);
    out_commit(&request, request.data + (4 << 20));
    cr_assert(!pthread_create(&thread, NULL, drain, &count));
    cr_assert(wire_send(pg, &request, &err), "%s", err.message);
    pg_close(&pg);
    pthread_join(thread, NULL);
    cr_expect_geq(count, (size_t)4 << 20); /* and libpq's Terminate message */
    out_free(&request);
}

/* Failed at bc41374, which reported the broken pipe instead. */
Test(wire, the_servers_last_message_is_read_although_the_request_does_not_arrive)
{
    struct message message;
    struct out request;
    SERVE("E\0\0\0\x17"
          "SFATAL\0C57P01\0Mbye\0\0");
    close(server);
    out_init(&request, 0);
    wire_sync(&request);
    bool ok = wire_send(pg, &request, &err) && wire_answer(pg, &arena, &message, &err);
    cr_expect(ok, "%s", err.message);
    if (ok) {
        wire_fail(pg, &message, &err);
        cr_expect_str_eq(pg_sqlstate(pg), "57P01");
    }
    out_free(&request);
}

Test(settings, one_that_does_not_stick_is_named_and_a_pooler_suspected, .fini = tear_down)
{
    static const char *const some[] = {"search_path", "DateStyle", "row_security"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        connect_to(i ? PG_SQL : PG_REPLICATION, some[i]);
        cr_assert_null(pg);
        cr_expect_eq(err.kind, ERR_CONFIG);
        cr_expect(strstr(err.message, some[i]) && strstr(err.message, "pooler"), "%s", err.message);
        if (i < 2) {
            tear_down();
            strcpy(directory, "/tmp/source-postgres-wire-XXXXXX");
        }
    }
}
