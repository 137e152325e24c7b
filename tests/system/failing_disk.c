/*
 * Preloaded into the connector: calls of the file system that fail, or take long. FAILING_CALL
 * names one (fsync, fdatasync, syncfs, pwrite, renameat), and FAILING_FILE a file: while it is
 * there, the call fails with EIO, after FAILING_MS; or is made after FAILING_MS, if FAILING_SLOW is
 * set.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool fails(const char *call)
{
    const char *failing = getenv("FAILING_CALL"), *file = getenv("FAILING_FILE");
    if (!failing || !file || strcmp(failing, call) != 0 || access(file, F_OK)) {
        return false;
    }
    const char *ms = getenv("FAILING_MS");
    usleep(ms ? (useconds_t)atoi(ms) * 1000 : 0);
    errno = EIO;
    return !getenv("FAILING_SLOW");
}

#define CALL(type, name, parameters, arguments)                                                    \
    type name parameters                                                                           \
    {                                                                                              \
        type(*real) parameters = (type(*) parameters)dlsym(RTLD_NEXT, #name);                      \
        return fails(#name) ? -1 : real arguments;                                                 \
    }

CALL(int, fsync, (int fd), (fd))
CALL(int, fdatasync, (int fd), (fd))
CALL(int, syncfs, (int fd), (fd))
CALL(ssize_t, pwrite, (int fd, const void *data, size_t len, off_t at), (fd, data, len, at))
CALL(int, renameat, (int from, const char *a, int to, const char *b), (from, a, to, b))
