/* Answers to statements one by one, and what is to be done when one of them is a failure. */
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "reader.h"

enum {
    NAP_LEAST_US = 20,
    NAP_MOST_US = 1000,
    PLENTY = 512 * 1024,
    PLENTY_LOCAL = 96 * 1024, /* half of what a Unix socket holds */
};

bool reader_answer(struct reader *r, struct message *message, struct err *err)
{
    if (wire_next(r->pg, message)) {
        return true;
    }
    wire_leave(r->pg);
    arena_reset(&r->aside);
    return wire_answer(r->pg, &r->aside, message, err);
}

/*
 * The more came since the last time, the shorter: the server must not have to wait. And no longer
 * than what is `left` will take: then it is the server that waits for us.
 */
static void nap(struct reader *r, double left)
{
    size_t plenty = pg_is_local(r->pg) ? PLENTY_LOCAL : PLENTY;
    double left_us = left * r->nap_us / (double)(r->gathered + 1);
    int us = r->gathered > plenty ? r->nap_us / 2 : r->nap_us + r->nap_us / 8 + 1;
    r->nap_us = us < NAP_LEAST_US ? NAP_LEAST_US : us > NAP_MOST_US ? NAP_MOST_US : us;
    r->gathered = 0;
    us = left_us < r->nap_us ? (int)left_us : r->nap_us;
    if (us >= NAP_LEAST_US) {
        nanosleep(&(struct timespec){0, us * 1000L}, NULL);
    }
}

bool reader_take_more(struct reader *r, double left, struct err *err)
{
    size_t count;
    if (!wire_has_more(r->pg)) {
        nap(r, left);
    }
    if (!wire_take(r->pg, &r->batch->arena, &count, err)) {
        return false;
    }
    r->gathered += count;
    return count || wire_wait(r->pg, -1, err);
}

void reader_drain(struct reader *r)
{
    struct err ignored = {0};
    struct message message = {.type = WIRE_DONE};
    while (message.type != WIRE_READY && reader_answer(r, &message, &ignored)) {
    }
    if (pg_alive(r->pg) && ignored.kind != ERR_STOPPED) {
        pg_exec(r->pg, "ROLLBACK", &ignored);
    }
}

/*
 * What a statement meets when the table is not as it was described: no such table, column, type,
 * function or operator, a cast that is not there, a key's text that is none any more, an exported
 * snapshot that has ended.
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

bool reader_failed(struct reader *r, const struct message *message, struct err *err)
{
    r->cancelled = false;
    if (message->type != WIRE_ERROR) {
        return err_set(err, ERR_SYSTEM,
                       "the server's answers to a chunk's statements do not match them");
    }
    wire_fail(r->pg, message, err);
    r->differs = tells_difference(pg_sqlstate(r->pg));
    r->cancelled = !strcmp(pg_sqlstate(r->pg), "57014");
    reader_drain(r);
    return false;
}

bool reader_expect(struct reader *r, char type, struct message *message, struct err *err)
{
    if (!reader_answer(r, message, err)) {
        return false;
    }
    return message->type == type || reader_failed(r, message, err);
}

bool reader_expect_done(struct reader *r, int statements, struct err *err)
{
    struct message message;
    for (int i = 0; i < statements; i++) {
        if (!reader_expect(r, WIRE_DONE, &message, err)) {
            return false;
        }
    }
    return true;
}

bool reader_expect_ready(struct reader *r, struct err *err)
{
    struct message message;
    return reader_expect(r, WIRE_READY, &message, err);
}
