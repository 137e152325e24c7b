/* Calls of the file system, and what their failures mean. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/mem.h"
#include "internal.h"

char *files_path(const struct files *f, const char *directory, const char *name)
{
    return directory ? mem_format("%s/%s/%s", f->path, directory, name)
                     : mem_format("%s/%s", f->path, name);
}

static const char *remedy(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT: return "make room, then run the same command again: it goes on from state.json";
    case EFBIG:
        return "let files be larger (see ulimit -f), or make --rotate-mb less, then run the same "
               "command again: it goes on from state.json";
    case ENOENT: return "put it back, then run the same command again: it goes on from state.json";
    case EACCES:
    case EPERM:
    case EROFS:
        return "make it writable, then run the same command again: it goes on from state.json";
    default: return "fix that, then run the same command again: it goes on from state.json";
    }
}

/* Sets the error; frees the path. */
static bool fail(struct err *err, enum err_kind kind, const char *what, char *path, int error,
                 const char *remedy)
{
    err_set(err, kind, "cannot %s %s: %s; %s", what, path, strerror(error), remedy);
    free(path);
    return false;
}

bool disk_error(struct err *err, const char *what, char *path)
{
    int error = errno;
    return fail(err, ERR_SYSTEM, what, path, error, remedy(error));
}

/* The remedy if nothing is in the directory yet that a run could continue from. */
static const char *first_remedy(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT: return "make room";
    case ENOENT: return "make the directory above it, or name another one with --output";
    case EEXIST:
    case ENOTDIR: return "a file is in the way: move it, or name another directory with --output";
    case EACCES:
    case EPERM:
    case EROFS: return "let the user write there, or name another directory with --output";
    default: return "name another directory with --output";
    }
}

bool disk_unusable(struct err *err, const char *what, char *path)
{
    int error = errno;
    return fail(err, ERR_CONFIG, what, path, error, first_remedy(error));
}

bool disk_write(int fd, const char *data, size_t len, uint64_t at)
{
    while (len) {
        ssize_t written = pwrite(fd, data, len, (off_t)at);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        size_t some = written > 0 ? (size_t)written : 0;
        data += some;
        len -= some;
        at += some;
    }
    return true;
}

/*
 * One syncfs instead of thousands of fdatasync, each of which waits for the disk. From Linux 5.8 on
 * it reports what could not be written back of any file, no matter which process had it open. A
 * file system on top of another, or on a network, might sync nothing.
 */
bool disk_can_sync_all(int directory)
{
    static const long known[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                 F2FS_SUPER_MAGIC, TMPFS_MAGIC};
    struct statfs status;
    struct utsname system;
    char *end;
    if (uname(&system) || fstatfs(directory, &status)) {
        return false;
    }
    long major = strtol(system.release, &end, 10), minor = *end ? strtol(end + 1, NULL, 10) : 0;
    if (major < 5 || (major == 5 && minor < 8)) {
        return false;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (status.f_type == known[i]) {
            return true;
        }
    }
    return false;
}

bool disk_sync_all(const struct files *f, struct err *err)
{
    return !syncfs(f->directory) || disk_error(err, "sync the file system of", mem_string(f->path));
}

/* Some file systems cannot sync a directory: EINVAL. If the directory is gone, it was empty, or
 * series_check finds that the file is missing. */
bool disk_sync_directory(const struct files *f, const char *name, struct err *err)
{
    int fd = openat(f->directory, name ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && name && errno == ENOENT) {
        return true;
    }
    bool ok = fd >= 0 && (!fsync(fd) || errno == EINVAL);
    if (!ok) {
        disk_error(err, "sync the directory", files_path(f, NULL, name ? name : ""));
    }
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}
