/*
 * The file of a table that is being written.
 *
 * With thousands of tables: each has a buffer that grows with its output, and all together take at
 * most BUFFERS_MOST; and only as many files are open as the process may have descriptors for. A
 * file that is closed before the checkpoint is synced first, unless the whole file system will be:
 * an error in writing it back might not be reported to another descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "internal.h"

enum {
    BUFFER_LEAST = 4 * 1024,
    BUFFER_MOST = 256 * 1024,
    BUFFERS_MOST = 32 * 1024 * 1024,
    MAKE_TRIES = 10,
};

struct series *series_get(struct files *f, char **directory)
{
    for (size_t i = 0; i < f->count; i++) {
        if (!strcmp(f->series[i]->at.directory, *directory)) {
            free(*directory);
            *directory = NULL;
            return f->series[i];
        }
    }
    struct series *s = mem_zero(sizeof *s);
    *s = (struct series){.files = f, .fd = -1};
    s->at = (struct file_entry){.directory = *directory, .number = 1, .zstd = f->zstd};
    *directory = NULL;
    f->series = mem_grow_array((void *)f->series, &f->cap, f->count + 1, sizeof(struct series *));
    return f->series[f->count++] = s;
}

void series_free(struct series *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
    out_free(&s->out);
    free(s->at.directory);
    free(s);
}

static char *path_of(const struct series *s)
{
    return files_path(s->files, s->at.directory, file_name(s->at.number, s->at.zstd, true).s);
}

/* The file's path below our directory. */
static char *name_of(const struct series *s)
{
    return mem_format("%s/%s", s->at.directory, file_name(s->at.number, s->at.zstd, true).s);
}

static bool sync_data(struct series *s, struct err *err)
{
    if (s->dirty && fdatasync(s->fd)) {
        return disk_error(err, "sync", path_of(s));
    }
    s->dirty = false;
    return true;
}

static void close_file(struct series *s)
{
    struct files *f = s->files;
    int i = 0;
    if (s->fd < 0) {
        return;
    }
    while (f->open[i] != s) {
        i++;
        CHECK(i < f->open_count);
    }
    f->open[i] = f->open[--f->open_count];
    close(s->fd);
    s->fd = -1;
}

static bool close_least_used(struct files *f, struct err *err)
{
    struct series *least = f->open[0];
    for (int i = 1; i < f->open_count; i++) {
        least = f->open[i]->used < least->used ? f->open[i] : least;
    }
    if (f->syncs_all) {
        f->sync_all |= least->dirty;
    } else if (!sync_data(least, err)) {
        return false;
    }
    close_file(least);
    return true;
}

/* Its name in our directory is synced together with state.json. */
static bool make_directory(const struct series *s, struct err *err)
{
    if (!mkdirat(s->files->directory, s->at.directory, 0777)) {
        crash_point("directory-made");
        return true;
    }
    return errno == EEXIST ||
           disk_error(err, "make the directory", files_path(s->files, NULL, s->at.directory));
}

static bool was_replaced(const struct series *s, struct err *err)
{
    char *path = path_of(s);
    err_set(err, ERR_SYSTEM,
            "%s was removed or changed while it was written: put it back as it was, then run the "
            "same command again; or name another directory, which begins again with all rows",
            path);
    free(path);
    return false;
}

static bool is_same(struct series *s, struct err *err)
{
    struct stat status;
    if (fstat(s->fd, &status)) {
        return disk_error(err, "look at", path_of(s));
    }
    if (s->inode && status.st_ino != s->inode) {
        return was_replaced(s, err);
    }
    s->inode = status.st_ino;
    return true;
}

static bool open_again(struct series *s, const char *name, struct err *err)
{
    s->fd = openat(s->files->directory, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    return s->fd >= 0 || disk_error(err, "open", path_of(s));
}

/* A program that takes finished files may remove the then empty directory at any moment. */
static bool make_file(struct series *s, const char *name, struct err *err)
{
    for (int i = 0; s->fd < 0 && i < MAKE_TRIES; i++) {
        if (!make_directory(s, err)) {
            return false;
        }
        s->fd = openat(s->files->directory, name,
                       O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_CREAT | O_EXCL, 0666);
        if (s->fd < 0 && errno != ENOENT) {
            break;
        }
    }
    s->made = true;
    return s->fd >= 0 || disk_error(err, "make", path_of(s));
}

static bool open_file(struct series *s, struct err *err)
{
    struct files *f = s->files;
    s->used = ++f->uses;
    if (s->fd >= 0) {
        return true;
    }
    if (f->open_count == f->open_most && !close_least_used(f, err)) {
        return false;
    }
    char *name = name_of(s);
    bool ok = s->at.length ? open_again(s, name, err) : make_file(s, name, err);
    free(name);
    if (ok) {
        f->open[f->open_count++] = s;
    }
    return ok && is_same(s, err);
}

/* One frame. */
static bool compress(struct files *f, const char *data, size_t len, struct err *err)
{
    if (!f->compressor) {
        f->compressor = ZSTD_createCCtx();
        if (!f->compressor) {
            mem_exhausted(0);
        }
        ZSTD_CCtx_setParameter(f->compressor, ZSTD_c_checksumFlag, 1);
    }
    f->frame.len = 0;
    char *to = out_reserve(&f->frame, ZSTD_compressBound(len));
    size_t size = ZSTD_compress2(f->compressor, to, ZSTD_compressBound(len), data, len);
    if (ZSTD_isError(size)) {
        return err_set(err, ERR_SYSTEM, "cannot compress: %s", ZSTD_getErrorName(size));
    }
    out_commit(&f->frame, to + size);
    return true;
}

static bool write_file(struct series *s, const char *data, size_t len, struct err *err)
{
    struct files *f = s->files;
    if (!open_file(s, err) || (s->at.zstd && !compress(f, data, len, err))) {
        return false;
    }
    if (s->at.zstd) {
        data = f->frame.data;
        len = f->frame.len;
    }
    if (!s->at.length) {
        s->at.since_ms = clock_wall_ms();
        crash_point("file-made");
    }
    if (!disk_write(s->fd, data, len, s->at.length)) {
        return disk_error(err, "write", path_of(s));
    }
    s->at.length += len;
    s->dirty = true;
    crash_point("file-written");
    return true;
}

/* When all buffers together are too large, write and free all but one. */
static void make_room(struct files *f, const struct series *but)
{
    size_t bytes = 0;
    for (size_t i = 0; i < f->count; i++) {
        bytes += f->series[i]->out.cap;
    }
    f->makes_room = bytes > BUFFERS_MOST;
    for (size_t i = 0; f->makes_room && i < f->count; i++) {
        if (f->series[i] != but) {
            out_flush(&f->series[i]->out);
            out_free(&f->series[i]->out);
        }
    }
    f->makes_room = false;
}

/* Grow the buffer if it was full, or half full at a checkpoint. */
static void grow(struct series *s, size_t len)
{
    if (len > s->out.cap / 2 && s->out.cap < BUFFER_MOST && !s->files->makes_room) {
        s->out.cap *= 2;
        s->out.data = mem_grow(s->out.data, s->out.cap);
        make_room(s->files, s);
    }
}

/* The buffer's sink. A failure to write stops the run at once. */
static bool take(void *context, const char *data, size_t len)
{
    struct series *s = context;
    struct files *f = s->files;
    if (f->failed || !write_file(s, data, len, &f->err)) {
        if (!f->failed) {
            f->failed = true;
            run_fail(f->run, &f->err);
        }
        return false;
    }
    grow(s, len);
    return true;
}

struct out *series_out(struct series *s)
{
    struct files *f = s->files;
    if (!s->written) {
        f->written = mem_grow_array((void *)f->written, &f->written_cap, f->written_count + 1,
                                    sizeof(struct series *));
        f->written[f->written_count++] = s;
        s->written = true;
    }
    if (!s->out.cap) {
        make_room(f, NULL);
        out_init(&s->out, BUFFER_LEAST);
        out_sink(&s->out, take, s);
    }
    return &s->out;
}

bool series_flush(struct series *s, struct err *err)
{
    if (out_flush(&s->out) && !s->files->failed) {
        return true;
    }
    *err = s->files->err;
    return false;
}

bool series_sync(struct series *s, struct err *err)
{
    if (!sync_data(s, err) || (s->made && !disk_sync_directory(s->files, s->at.directory, err))) {
        return false;
    }
    series_synced(s);
    return true;
}

void series_synced(struct series *s)
{
    s->dirty = s->made = false;
    crash_point("file-synced");
}

/* A file that was not opened in this run was checked when the run began. */
bool series_check(struct series *s, struct err *err)
{
    struct stat status;
    if (!s->inode) {
        return true;
    }
    char *name = name_of(s);
    bool there = !fstatat(s->files->directory, name, &status, AT_SYMLINK_NOFOLLOW);
    free(name);
    return (there && status.st_ino == s->inode && (uint64_t)status.st_size == s->at.length) ||
           was_replaced(s, err);
}

void series_finish(struct series *s)
{
    CHECK(!s->dirty && !s->finished.number);
    close_file(s);
    s->finished = s->at;
    s->finished.directory = NULL;
    s->at.number++;
    s->at.length = 0;
    s->at.since_ms = 0;
    s->at.zstd = s->files->zstd;
    s->inode = 0;
}

bool series_name_finished(struct series *s, struct err *err)
{
    struct files *f = s->files;
    struct file_entry *done = &s->finished;
    char *from = mem_format("%s/%s", s->at.directory, file_name(done->number, done->zstd, true).s);
    char *to = mem_format("%s/%s", s->at.directory, file_name(done->number, done->zstd, false).s);
    int failed = renameat2(f->directory, from, f->directory, to, RENAME_NOREPLACE);
    if (failed && errno == EINVAL) { /* the file system does not support the flag */
        failed = renameat(f->directory, from, f->directory, to);
    }
    if (failed) {
        disk_error(err, "give its name to", files_path(f, NULL, to));
    }
    free(from);
    free(to);
    done->number = 0;
    s->made = true;
    crash_point("file-renamed");
    return !failed;
}
