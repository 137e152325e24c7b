#include "passfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

bool passfile_is_ignored(char *path, size_t size)
{
    const char *named = getenv("PGPASSFILE"), *home = getenv("HOME");
    struct stat status;
    if (named && *named) {
        snprintf(path, size, "%s", named);
    } else {
        snprintf(path, size, "%s/.pgpass", home ? home : "");
    }
    return !stat(path, &status) &&
           (!S_ISREG(status.st_mode) || status.st_mode & (S_IRWXG | S_IRWXO));
}
