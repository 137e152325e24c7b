/* The two clocks: one that only goes forward, for waiting, and the wall's, for what users read. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_monotonic_us(void);
int64_t clock_wall_ms(void); /* since 1970 */

enum { CLOCK_UTC = 40 };

/* The wall's time as RFC 3339 has it: 2026-11-28T15:02:11.123Z */
void clock_utc(char text[CLOCK_UTC], int64_t wall_ms);

#endif
