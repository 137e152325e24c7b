/*
 * How often states are written. A state that is as large as thousands of streams make it must not
 * be most of what is written; one of a few streams may come after every few changes.
 */
#ifndef STATE_PACE_H
#define STATE_PACE_H

#include <stdint.h>

enum {
    PACE_SHARE = 20,                     /* a state per so many bytes for each of its own */
    PACE_FREE_BYTES_A_SECOND = 8 * 1024, /* that states may take without any output */
    PACE_MOST_US = 10 * 1000 * 1000,     /* something that is due waits no longer */
};

/*
 * How long after the last state the next one may follow, and `least_us` at least.
 * `state_bytes`: the size of the last one; `output_bytes`: of all that was written since.
 * Output makes it shorter: ask again when there was some.
 */
int64_t pace_pause_us(uint64_t state_bytes, uint64_t output_bytes, int64_t least_us);

#endif
