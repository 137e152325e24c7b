/* clock_gettime in the units that we use. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_monotonic_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void clock_utc(char text[CLOCK_UTC], int64_t wall_ms)
{
    struct tm tm;
    time_t seconds = (time_t)(wall_ms / 1000);
    gmtime_r(&seconds, &tm);
    size_t len = strftime(text, CLOCK_UTC, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, CLOCK_UTC - len, ".%03dZ", (int)(wall_ms % 1000));
}
