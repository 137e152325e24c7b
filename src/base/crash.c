/* The one mutable global of the program, and only in builds made for crashing. */
#include "base/crash.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef CRASH_POINTS

static long reached;

void crash_point(const char *name)
{
    const char *wanted = getenv("CRASH_POINT");
    size_t len = strlen(name);
    if (wanted && !strncmp(wanted, name, len) && wanted[len] == ':' &&
        __atomic_add_fetch(&reached, 1, __ATOMIC_SEQ_CST) == strtol(wanted + len + 1, NULL, 10)) {
        kill(getpid(), SIGKILL);
    }
}

#endif
