/*
 * A table's directory at the start. A crash of the last run may have left in it:
 *
 *   - more in the open file than state.json says: that is cut off, it comes again;
 *   - an open file that state.json does not know: the first one, or the next after a finished one;
 *   - a finished file that does not have its final name.
 *
 * Finished files are left alone here, except one that should not exist yet.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "internal.h"

struct recovery {
    struct series *series;
    int fd; /* of its directory */
    bool found;
    bool changed;
};

static char *path_of(const struct series *s, const char *name)
{
    return files_path(s->files, s->at.directory, name);
}

/* Set the error: there are records that state.json does not count. */
static bool is_newer(const struct series *s, const char *name, struct err *err)
{
    char *path = path_of(s, name);
    err_set(err, ERR_CONFIG,
            "%s is newer than %s/state.json, which must be an old copy: put the newest state.json "
            "back; or name another directory, which begins again with all rows",
            path, s->files->path);
    free(path);
    return false;
}

static bool is_short(const struct series *s, const char *name, uint64_t size, struct err *err)
{
    char *path = path_of(s, name);
    err_set(err, ERR_CONFIG,
            "%s has %" PRIu64 " bytes, and %s/state.json counts on %" PRIu64
            ": put the whole file back; or name another directory, which begins again with all "
            "rows",
            path, size, s->files->path, s->at.length);
    free(path);
    return false;
}

static bool is_missing(const struct series *s, struct err *err)
{
    char *path = path_of(s, file_name(s->at.number, s->at.zstd, true).s);
    err_set(err, ERR_CONFIG,
            "%s is missing, and %s/state.json counts on %" PRIu64
            " bytes of it: put it back; or name another directory, which begins again with all "
            "rows",
            path, s->files->path, s->at.length);
    free(path);
    return false;
}

/* Before the file is finished, at the latest: nothing looks at its length after that. */
static bool sync_cut(struct files *f, int fd)
{
    f->sync_all |= f->syncs_all;
    return f->syncs_all || !fsync(fd);
}

static bool cut_off(struct recovery *r, const char *name, struct err *err)
{
    const struct series *s = r->series;
    struct stat status;
    int fd = openat(r->fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0 && !fstat(fd, &status);
    if (ok && (uint64_t)status.st_size < s->at.length) {
        close(fd);
        return is_short(s, name, (uint64_t)status.st_size, err);
    }
    if (ok && (uint64_t)status.st_size > s->at.length) {
        ok = !ftruncate(fd, (off_t)s->at.length) && sync_cut(s->files, fd);
    }
    if (!ok) {
        disk_error(err, "cut off the end of", path_of(s, name));
    }
    if (fd >= 0) {
        close(fd);
    }
    return r->found = ok;
}

static bool remove_file(struct recovery *r, const char *name, struct err *err)
{
    r->changed = r->series->made = true;
    return !unlinkat(r->fd, name, 0) || disk_error(err, "remove", path_of(r->series, name));
}

static bool recover_file(struct recovery *r, const char *name, struct err *err)
{
    struct series *s = r->series;
    struct file_entry file = {0};
    bool open;
    if (!file_name_parse(name, &file.number, &file.zstd, &open)) {
        return true;
    }
    bool next = file.number >= s->at.number;
    if (!open) {
        return !next || is_newer(s, name, err);
    }
    if (!next) {
        s->finished = file;
        r->changed = true;
        return series_name_finished(s, err);
    }
    bool counts = s->at.length && file.number == s->at.number && file.zstd == s->at.zstd;
    return counts ? cut_off(r, name, err) : remove_file(r, name, err);
}

static bool recover_all(struct recovery *r, DIR *directory, struct err *err)
{
    const struct series *s = r->series;
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(directory))) {
        if (!recover_file(r, entry->d_name, err)) {
            return false;
        }
    }
    if (errno) {
        return disk_error(err, "list", files_path(s->files, NULL, s->at.directory));
    }
    if (s->at.length && !r->found) {
        return is_missing(s, err);
    }
    return !r->changed || series_sync(r->series, err);
}

bool series_recover(struct series *s, struct err *err)
{
    struct files *f = s->files;
    struct recovery r = {.series = s};
    r.fd = openat(f->directory, s->at.directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (r.fd < 0 && errno == ENOENT) {
        return !s->at.length || is_missing(s, err);
    }
    DIR *directory = r.fd >= 0 ? fdopendir(r.fd) : NULL;
    if (!directory) {
        return disk_error(err, "list", files_path(f, NULL, s->at.directory));
    }
    bool ok = recover_all(&r, directory, err);
    closedir(directory);
    return ok;
}
