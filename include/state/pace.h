/*
 * How often states are written: they are at most a twentieth of the output, and while one is due,
 * it waits at most ten seconds. In addition they may take a few bytes per second, so that with few
 * streams and rare changes the small state follows each change at once.
 */
#ifndef STATE_PACE_H
#define STATE_PACE_H

#include <stdint.h>

enum {
    PACE_SHARE = 20,                     /* a state per so many bytes for each of its own */
    PACE_FREE_BYTES_A_SECOND = 4 * 1024, /* that states may take without any output */
    PACE_MOST_US = 10 * 1000 * 1000,     /* one that is due waits no longer */
};

/*
 * How long after the last state the next one may follow, and `least_us` at least.
 * `state_bytes`: the size of the last one; `output_bytes`: of all that was written since.
 * Output makes it shorter: ask again when there was some.
 */
int64_t pace_pause_us(uint64_t state_bytes, uint64_t output_bytes, int64_t least_us);

#endif
