/*
 * When the next piece of work may begin: limits what all workers together take per second, and
 * waits while a standby lags too far. Any thread; it has neither a clock nor a connection: callers
 * pass in the time and the lag.
 */
#ifndef RUNTIME_THROTTLE_H
#define RUNTIME_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

struct throttle;

/* 0: no limit. */
struct throttle *throttle_new(uint64_t bytes_per_second, uint64_t lag_bytes);
void throttle_free(struct throttle **);

enum throttle_step {
    THROTTLE_GO,
    THROTTLE_RATE, /* too much was taken lately, */
    THROTTLE_LAG,  /* or the standby is too far behind: ask again after *wait_us */
    THROTTLE_LOOK, /* report the lag to throttle_lag(), then ask again */
};
enum throttle_step throttle_next(struct throttle *, int64_t now_us, int64_t *wait_us);

/* Work that began at `begun_us` took so many bytes. */
void throttle_took(struct throttle *, int64_t begun_us, uint64_t bytes);

void throttle_lag(struct throttle *, int64_t now_us, uint64_t bytes);

/* How large a piece of work may be at this rate: the bytes of a second. UINT64_MAX: no limit. */
uint64_t throttle_piece(const struct throttle *);

/* True at the first call only: the caller is to warn that the lag is limited but cannot be read. */
bool throttle_says_blind(struct throttle *);

#endif
