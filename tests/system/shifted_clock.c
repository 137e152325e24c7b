/*
 * Preloaded into the connector: the time of day is wrong by as many seconds as the file CLOCK_SHIFT
 * says, while it is there. The monotonic clock is right.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long shift(void)
{
    long seconds = 0;
    const char *name = getenv("CLOCK_SHIFT");
    FILE *file = name ? fopen(name, "r") : NULL;
    if (file) {
        seconds = fscanf(file, "%ld", &seconds) == 1 ? seconds : 0;
        fclose(file);
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) {
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    }
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME) {
        now->tv_sec += shift();
    }
    return result;
}
