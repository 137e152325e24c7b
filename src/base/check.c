/* Ending the process for a bug. */
#include "base/check.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A descriptor that polls as writable takes some kilobytes without blocking. */
void last_words(const char *format, ...)
{
    struct pollfd fd = {STDERR_FILENO, POLLOUT, 0};
    va_list args;
    va_start(args, format);
    if (poll(&fd, 1, 0) == 1 && fd.revents & POLLOUT) {
        vdprintf(STDERR_FILENO, format, args);
    }
    va_end(args);
}

void check_failed(const char *what, const char *file, int line)
{
    last_words("source-postgres: bug: \"%s\" does not hold (%s:%d)\n", what, file, line);
    abort();
}
