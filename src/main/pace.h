/* Rates of what is shown, which come in chunks. */
#ifndef MAIN_PACE_H
#define MAIN_PACE_H

#include <stdint.h>

enum {
    STILL_US = 5 * 1000 * 1000,   /* a query of the backfill takes 2 s or so */
    STEADY_US = 10 * 1000 * 1000, /* the time left is estimated from the rate of so long */
};

/* A second, in that time. */
static inline double pace_of(uint64_t now, uint64_t before, int64_t us)
{
    return us > 0 ? (double)(now - before) * 1e6 / (double)us : 0;
}

/* How much the rate of that time counts beside the rate before. */
static inline double pace_weight(int64_t us)
{
    return us > 2 * STEADY_US ? 1 : (double)us / (double)(us + STEADY_US);
}

#endif
