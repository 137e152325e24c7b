/* ck_ec on Linux futexes. */
#include "runtime/bell.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int now(const struct ck_ec_ops *ops, struct timespec *out)
{
    (void)ops;
    return clock_gettime(CLOCK_MONOTONIC, out);
}

/* FUTEX_WAIT_BITSET takes an absolute monotonic deadline. */
static void futex_wait(const struct ck_ec_wait_state *state, const uint32_t *address,
                       uint32_t expected, const struct timespec *deadline)
{
    (void)state;
    syscall(SYS_futex, address, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, deadline, NULL,
            FUTEX_BITSET_MATCH_ANY);
}

static void futex_wake(const struct ck_ec_ops *ops, const uint32_t *address)
{
    (void)ops;
    syscall(SYS_futex, address, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
}

/* Threads hand over big batches, rarely: spinning first would only burn CPU time that the server
 * could use. */
static const struct ck_ec_ops ops = {
    .gettime = now,
    .wait32 = futex_wait,
    .wake32 = futex_wake,
    .busy_loop_iter = 1,
};
static const struct ck_ec_mode mode = {.ops = &ops, .single_producer = false};

void bell_init(struct bell *bell)
{
    ck_ec32_init(&bell->count, 0);
}

uint32_t bell_count(const struct bell *bell)
{
    return ck_ec32_value(&bell->count);
}

void bell_ring(struct bell *bell)
{
    ck_ec32_inc(&bell->count, &mode);
}

/*
 * ck_ec sleeps in steps that grow to a second before it comes to the caller's deadline, and may
 * oversleep it. Its predicate may set the end of each step: the deadline itself.
 */
static int until_deadline(const struct ck_ec_wait_state *state, struct timespec *step_end)
{
    *step_end = *(const struct timespec *)state->data;
    return 0;
}

void bell_wait(struct bell *bell, uint32_t seen, int64_t deadline_us)
{
    struct timespec deadline = {deadline_us / 1000000, deadline_us % 1000000 * 1000};
    ck_ec32_wait_pred(&bell->count, &mode, seen, until_deadline, &deadline, &deadline);
}
