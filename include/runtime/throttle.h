/*
 * When the next piece of work may begin: what all workers together may take a second, and a lag of others
 * that must be small. Any thread; it has neither a clock nor a connection, who asks it does.
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
    THROTTLE_LAG,  /* or the others are too far behind: ask again after *wait_us */
    THROTTLE_LOOK, /* tell throttle_lag() how far they are, then ask again */
};
enum throttle_step throttle_next(struct throttle *, int64_t now_us, int64_t *wait_us);

/* So much was taken by work that began then. */
void throttle_took(struct throttle *, int64_t begun_us, uint64_t bytes);

void throttle_lag(struct throttle *, int64_t now_us, uint64_t bytes);

/* How much work of one piece suits the rate: what a second may take. UINT64_MAX: any. */
uint64_t throttle_piece(const struct throttle *);

/* Whether the lag is limited, but was not to be seen, and that was not said yet. */
bool throttle_says_blind(struct throttle *);

#endif
