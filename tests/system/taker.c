/*
 * Preloaded into the connector: a program that takes its files at the worst moments. A finished
 * file is moved to the directory TAKEN as soon as it has its name, and its directory removed if
 * that was all of it; and each other time that a directory was made, it is removed at once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
    char place[4096], target[8192];
    int (*real)(int, const char *, int, const char *, unsigned) =
        (int (*)(int, const char *, int, const char *, unsigned))dlsym(RTLD_NEXT, "renameat2");
    int result = real(from, a, to, b, flags);
    snprintf(place, sizeof place, "%s/%s", getenv("TAKEN"), b);
    *strrchr(place, '/') = '\0';
    snprintf(target, sizeof target, "%s/%s", place, strrchr(b, '/') + 1);
    if (!result) {
        mkdir(getenv("TAKEN"), 0777);
        mkdir(place, 0777);
        renameat(to, b, AT_FDCWD, target);
        unlinkat(to, strrchr(place, '/') + 1, AT_REMOVEDIR);
    }
    return result;
}

int mkdirat(int directory, const char *path, mode_t mode)
{
    static unsigned made;
    int (*real)(int, const char *, mode_t) =
        (int (*)(int, const char *, mode_t))dlsym(RTLD_NEXT, "mkdirat");
    int result = real(directory, path, mode);
    if (!result && made++ % 2 == 0) {
        unlinkat(directory, path, AT_REMOVEDIR);
    }
    return result;
}
