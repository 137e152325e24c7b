/*
 * Preloaded into the connector: keeps in the directory SURVIVES what a power cut would leave of
 * what is synced. Of each file it has the content as it was when it was synced last, in a file
 * named by the inode; of each directory the names, in "dir-INODE": a line "INODE TYPE NAME" each,
 * with the type f or d.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static FILE *begin(char *path, size_t size, const char *kind, ino_t inode)
{
    snprintf(path, size, "%s/%s%lu", getenv("SURVIVES"), kind, (unsigned long)inode);
    char *next = strcat(strcpy(malloc(strlen(path) + 5), path), ".new");
    FILE *file = fopen(next, "w");
    free(next);
    return file;
}

static void end(const char *path, FILE *file)
{
    char *next = strcat(strcpy(malloc(strlen(path) + 5), path), ".new");
    if (fclose(file) || rename(next, path)) {
        abort();
    }
    free(next);
}

static void keep_file(int directory, const char *name, ino_t inode)
{
    char path[4096], data[65536];
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    ssize_t len;
    if (fd < 0) {
        return; /* it has another name by now */
    }
    FILE *file = begin(path, sizeof path, "", inode);
    while ((len = read(fd, data, sizeof data)) > 0) {
        fwrite(data, 1, (size_t)len, file);
    }
    close(fd);
    end(path, file);
}

static void keep_directory(int at, const char *name, bool deep)
{
    char path[4096];
    struct stat status;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fdopendir(fd);
    fstat(fd, &status);
    FILE *file = begin(path, sizeof path, "dir-", status.st_ino);
    for (const struct dirent *e; (e = readdir(directory));) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            bool is_directory = e->d_type == DT_DIR;
            fprintf(file, "%lu %c %s\n", (unsigned long)e->d_ino, is_directory ? 'd' : 'f',
                    e->d_name);
            if (deep && is_directory) {
                keep_directory(fd, e->d_name, true);
            } else if (deep) {
                keep_file(fd, e->d_name, e->d_ino);
            }
        }
    }
    end(path, file);
    closedir(directory);
}

static int keep(int fd, int result)
{
    char name[64];
    struct stat status;
    if (result || fstat(fd, &status)) {
        return result;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    if (S_ISDIR(status.st_mode)) {
        keep_directory(AT_FDCWD, name, false);
    } else {
        keep_file(AT_FDCWD, name, status.st_ino);
    }
    return 0;
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return keep(fd, real(fd));
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return keep(fd, real(fd));
}

int syncfs(int fd)
{
    char name[64];
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "syncfs");
    int result = real(fd);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    if (!result) {
        keep_directory(AT_FDCWD, name, true);
    }
    return result;
}
