/* The two clocks: one that only goes forward, for waiting, and the wall's, for what users read. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_monotonic_us(void);
int64_t clock_wall_ms(void); /* since 1970 */

#endif
