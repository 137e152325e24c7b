/* The pause between two states. */
#include "state/pace.h"

int64_t pace_pause_us(uint64_t state_bytes, uint64_t output_bytes, int64_t least_us)
{
    uint64_t paid = output_bytes / PACE_SHARE;
    uint64_t due = state_bytes > paid ? state_bytes - paid : 0;
    const uint64_t most = (uint64_t)PACE_MOST_US / 1000000 * PACE_FREE_BYTES_A_SECOND;
    int64_t pause_us =
        due >= most ? PACE_MOST_US : (int64_t)(due * 1000000 / PACE_FREE_BYTES_A_SECOND);
    return pause_us > least_us ? pause_us : least_us;
}
