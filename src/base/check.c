/* Ending the process for a bug. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *what, const char *file, int line)
{
    dprintf(STDERR_FILENO, "source-postgres: bug: \"%s\" does not hold (%s:%d)\n", what, file,
            line);
    abort();
}
