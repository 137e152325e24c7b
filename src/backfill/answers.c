/* Answers to statements, one by one, and what it means when one of them is an error. */
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "chunk_reader.h"

enum {
    GATHER_LEAST_US = 20,
    GATHER_MOST_US = 1000,
    PLENTY = 512 * 1024,
    PLENTY_LOCAL = 96 * 1024, /* half of what a Unix socket holds */
};

bool chunk_reader_answer(struct chunk_reader *r, struct message *message, struct err *err)
{
    if (wire_next(r->pg, message)) {
        return true;
    }
    wire_leave(r->pg);
    arena_reset(&r->aside);
    return wire_answer(r->pg, &r->aside, message, err);
}

/*
 * Pause while rows gather in the socket. The more bytes came since the last pause, the shorter this
 * one: the server must not have to wait for us to read. It is no longer than the bytes that are
 * `left` take to arrive.
 */
static void let_gather(struct chunk_reader *r, double left)
{
    size_t plenty = pg_is_local(r->pg) ? PLENTY_LOCAL : PLENTY;
    double left_us = left * r->gather_us / (double)(r->gathered + 1);
    int us = r->gathered > plenty ? r->gather_us / 2 : r->gather_us + r->gather_us / 8 + 1;
    r->gather_us = us < GATHER_LEAST_US  ? GATHER_LEAST_US
                   : us > GATHER_MOST_US ? GATHER_MOST_US
                                         : us;
    r->gathered = 0;
    us = left_us < r->gather_us ? (int)left_us : r->gather_us;
    if (us >= GATHER_LEAST_US) {
        nanosleep(&(struct timespec){0, us * 1000L}, NULL);
    }
}

bool chunk_reader_take_more(struct chunk_reader *r, double left, struct err *err)
{
    size_t count;
    if (!wire_has_more(r->pg)) {
        let_gather(r, left);
    }
    if (!wire_take(r->pg, &r->batch->arena, &count, err)) {
        return false;
    }
    r->gathered += count;
    return count || wire_wait_while_served(r->pg, err);
}

void chunk_reader_drain(struct chunk_reader *r)
{
    struct err ignored = {0};
    struct message message = {.type = WIRE_DONE};
    if (r->ahead) {
        pg_drop(r->pg);
        return;
    }
    while (message.type != WIRE_READY && chunk_reader_answer(r, &message, &ignored)) {
    }
    if (pg_alive(r->pg) && ignored.kind != ERR_STOPPED) {
        pg_exec(r->pg, "ROLLBACK", &ignored);
    }
}

/*
 * Errors of statements that do not fit the table any more: no such table, column, type, function,
 * operator or cast; text of a key that its type does not take; an exported snapshot that has ended.
 */
static bool tells_difference(const char *sqlstate)
{
    static const char *const states[] = {"42P01", "42703", "42704", "42883", "42846",
                                         "22P02", "42809", "22023", "42804"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (!strcmp(sqlstate, states[i])) {
            return true;
        }
    }
    return false;
}

bool chunk_reader_failed(struct chunk_reader *r, const struct message *message, struct err *err)
{
    r->failure = OUTCOME_FAILED;
    if (message->type != WIRE_ERROR) {
        return err_set(err, ERR_SYSTEM,
                       "the server's answers to a chunk's statements do not match them");
    }
    wire_fail(r->pg, message, err);
    r->failure = tells_difference(err->sqlstate) ? OUTCOME_CHANGED : OUTCOME_FAILED;
    chunk_reader_drain(r);
    return false;
}

bool chunk_reader_expect(struct chunk_reader *r, char type, struct message *message,
                         struct err *err)
{
    if (!chunk_reader_answer(r, message, err)) {
        return false;
    }
    return message->type == type || chunk_reader_failed(r, message, err);
}

bool chunk_reader_expect_done(struct chunk_reader *r, int statements, struct err *err)
{
    struct message message;
    for (int i = 0; i < statements; i++) {
        if (!chunk_reader_expect(r, WIRE_DONE, &message, err)) {
            return false;
        }
    }
    return true;
}

bool chunk_reader_expect_ready(struct chunk_reader *r, struct err *err)
{
    struct message message;
    return chunk_reader_expect(r, WIRE_READY, &message, err);
}
