/* Removing variables of libpq's. */
#include "environment.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

extern char **environ;

/* libpq looks for a password there, if the configuration has none. */
static bool counts(const char *variable, size_t len)
{
    static const char *const names[] = {"PGPASSWORD", "PGPASSFILE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (len == strlen(names[i]) && !strncmp(variable, names[i], len)) {
            return true;
        }
    }
    return strncmp(variable, "PG", 2) != 0;
}

void environment_clean(void)
{
    for (char **variable = environ; *variable;) {
        size_t len = strcspn(*variable, "=");
        if (counts(*variable, len)) {
            variable++;
            continue;
        }
        char *name = mem_string_n(*variable, len);
        if (unsetenv(name)) {
            variable++; /* a name that is none */
        }
        free(name);
    }
}
