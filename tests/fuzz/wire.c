/*
 * What a hostile server sends over a connection that is ours: lengths, types and order as it likes.
 *
 * Input: a byte whose lowest bit says whether the connection streams, then pieces: a control byte, of
 * which the highest bit says that the arena is left before and the others how many bytes the server
 * sends at once, and these bytes.
 */
#include <pthread.h>
#include <signal.h>

#include "base/bytes.h"
#include "fake_server.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TAKEN_MOST = 1 << 20 }; /* what is longer is only memory */

static char directory[] = "/tmp/source-postgres-fuzz-XXXXXX";
static int listener = -1, server = -1;
static struct pg *pg;

/* libFuzzer's alarm is for the thread that is tested: here it would interrupt a read. */
static void *let_in(void *unused)
{
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    server = accept(listener, NULL, NULL);
    fake_let_in(server, NULL);
    return unused;
}

static void clean_up(void)
{
    unlink(fake_address(directory).sun_path);
    rmdir(directory);
}

static void connect_to(enum pg_kind kind)
{
    static char user[] = "u", sslmode[] = "disable";
    static struct config config = {
        .host = directory, .port = 5432, .user = user, .database = user, .sslmode = sslmode};
    struct err err;
    pthread_t thread;
    if (listener < 0) {
        signal(SIGPIPE, SIG_IGN);
        if (!mkdtemp(directory)) {
            abort();
        }
        listener = fake_listen(directory);
        atexit(clean_up);
    }
    pthread_create(&thread, NULL, let_in, NULL);
    pg = pg_open(&config, kind, "fuzz", -1, &err);
    pthread_join(thread, NULL);
    if (!pg) {
        abort();
    }
}

/* A connection that lives is used again: opening one costs more than what is tested. */
static void be_connected(enum pg_kind kind)
{
    if (pg && pg_alive(pg)) {
        pg->kind = kind;
        return;
    }
    pg_close(&pg);
    if (server >= 0) {
        close(server);
    }
    connect_to(kind);
}

/* Every byte of a body is there to be read, and so are the fields of an error. */
static void look_at(const struct message *message)
{
    struct err err;
    unsigned sum = 0;
    for (size_t i = 0; i < message->len; i++) {
        sum += message->body[i];
    }
    if (message->type == WIRE_ERROR && (wire_fail(pg, message, &err) || sum == UINT32_MAX)) {
        abort();
    }
}

/* All that the server has sent. False: the connection is of no use any more. */
static bool take(struct arena *arena)
{
    struct message message;
    struct err err = {0};
    size_t count;
    do {
        while (wire_next(pg, &message)) {
            look_at(&message);
        }
        size_t here = (size_t)(pg->wire.end - pg->wire.next);
        size_t wanted = message_size(pg->wire.next, here);
        if (wanted != SIZE_MAX && wanted > TAKEN_MOST) {
            pg_drop(pg);
            return false;
        }
        if (!wire_take(pg, arena, &count, &err)) {
            if (err.kind != ERR_TRANSIENT || pg_alive(pg)) {
                abort();
            }
            return false;
        }
    } while (count);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct arena arena;
    bool lives = true;
    be_connected(bytes_u8(&in) & 1 ? PG_REPLICATION : PG_SQL);
    arena_init(&arena, 4096);
    while (lives && bytes_left(&in)) {
        uint8_t control = bytes_u8(&in);
        size_t left = bytes_left(&in), len = (control & 0x7f) < left ? control & 0x7f : left;
        const uint8_t *piece = bytes_take(&in, len);
        if (control & 0x80) {
            wire_leave(pg);
            arena_reset(&arena);
        }
        if (len && write(server, piece, len) != (ssize_t)len) {
            abort();
        }
        lives = take(&arena);
    }
    wire_leave(pg);
    pg->wire.kept.len = 0;
    arena_free(&arena);
    return 0;
}
