/* The directory as a whole: opening it, and keeping checkpoints. */
#include "files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"
#include "runtime/counter.h"

enum {
    OPEN_SHARE = 4, /* of the descriptors that the process may have */
    OPEN_LEAST = 4,
    OPEN_MOST = 256,
    SYNCED_ALONE = 16, /* files; when there are more, the file system is synced as a whole */
    LOOK_US = 1000 * 1000,
};

static int descriptors(void)
{
    struct rlimit limit;
    int most = getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / OPEN_SHARE > OPEN_MOST
                   ? OPEN_MOST
                   : (int)(limit.rlim_cur / OPEN_SHARE);
    return most > OPEN_LEAST ? most : OPEN_LEAST;
}

static bool make(struct files *f, struct err *err)
{
    if (mkdir(f->path, 0777) && errno != EEXIST) {
        return disk_unusable(err, "make the directory", mem_string(f->path));
    }
    f->directory = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->directory < 0) {
        return disk_unusable(err, "open the directory", mem_string(f->path));
    }
    f->syncs_all = disk_can_sync_all(f->directory);
    /* The directory's own name must be synced, too. */
    int above = openat(f->directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above >= 0) {
        (void)fsync(above); /* if we may not read the parent, we did not just make a name in it */
        close(above);
    }
    return true;
}

static bool lock(struct files *f, struct err *err)
{
    f->lock = openat(f->directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (f->lock < 0) {
        return disk_unusable(err, "make", files_path(f, NULL, "lock"));
    }
    if (!flock(f->lock, LOCK_EX | LOCK_NB)) {
        return true;
    }
    if (errno != EWOULDBLOCK) {
        return disk_unusable(err, "lock", files_path(f, NULL, "lock"));
    }
    return err_set(err, ERR_CONFIG,
                   "another read writes to %s: let it end first, or name another directory, and "
                   "another slot in the configuration",
                   f->path);
}

struct files *files_open(const struct files_options *options, struct err *err)
{
    struct files *f = mem_zero(sizeof *f);
    *f = (struct files){.path = mem_string(options->directory),
                        .directory = -1,
                        .lock = -1,
                        .rotate_bytes = options->rotate_bytes,
                        .rotate_ms = options->rotate_ms,
                        .zstd = options->zstd,
                        .open_most = descriptors()};
    f->whole = checkpoint_new(0);
    f->open = mem_zero((size_t)f->open_most * sizeof(struct series *));
    out_init(&f->state, 4096);
    out_init(&f->frame, 4096);
    if (!make(f, err) || !lock(f, err)) {
        files_close(&f);
    }
    return f;
}

void files_close(struct files **files)
{
    struct files *f = *files;
    *files = NULL;
    if (!f) {
        return;
    }
    for (size_t i = 0; i < f->count; i++) {
        series_free(f->series[i]);
    }
    free((void *)f->series);
    free((void *)f->of_stream);
    free((void *)f->written);
    free((void *)f->open);
    ZSTD_freeCCtx(f->compressor);
    out_free(&f->state);
    out_free(&f->frame);
    checkpoint_free(&f->whole);
    if (f->directory >= 0) {
        close(f->directory);
    }
    if (f->lock >= 0) {
        close(f->lock);
    }
    free(f->path);
    free(f);
}

/* A stream that joins later may also find a directory from before. */
static bool find_series(struct files *f, int stream, struct err *err)
{
    const struct catalog_stream *named = &f->catalog->streams[stream];
    char *directory = directory_name(named->schema, named->table);
    size_t known = f->count;
    f->of_stream[stream] = series_get(f, &directory);
    return f->count == known || series_recover(f->of_stream[stream], err);
}

bool files_load(struct files *f, const struct config *config, const struct catalog *catalog,
                const struct captured_streams *captured, struct state *state, struct err *err)
{
    f->config = config;
    f->catalog = catalog;
    f->of_stream = mem_zero((size_t)catalog->room * sizeof(struct series *));
    bool ok = state_load(f, captured, state, err);
    if (ok && state->checkpoint) {
        f->cursor = state->checkpoint->cursor;
        state_write_whole(&f->state, &state->identity, state->checkpoint);
    }
    for (int i = 0; ok && i < catalog->count; i++) {
        ok = find_series(f, i, err);
    }
    return ok;
}

void files_begin(struct files *f, struct run *run, uint64_t *acknowledged)
{
    f->run = run;
    f->acknowledged = acknowledged;
}

static void frame(void *context, int stream, struct frame *frame)
{
    const struct files *f = context;
    (void)stream;
    *frame = (struct frame){.head = "", .tail = "\n", .tag = f->config->source_tag};
}

static void checkpoint(void *context, struct out *out, const struct capture_identity *identity,
                       const struct checkpoint *newer, const uint64_t *counts)
{
    struct files *f = context;
    (void)counts;
    f->state.len = 0;
    f->cursor = newer->cursor;
    checkpoint_apply(f->whole, newer);
    state_write_whole(out, identity, f->whole);
}

static void end(void *context, struct out *out, bool complete)
{
    struct files *f = context;
    (void)out;
    f->over = complete;
}

struct codec files_codec(struct files *f)
{
    return (struct codec){.context = f,
                          .frame = frame,
                          .checkpoint = checkpoint,
                          .end = end,
                          .release = "it is with the next checkpoint"};
}

/* The sink's `write`: gets states alone, since records go to the streams' files. */
static bool take_state(void *context, const char *data, size_t len, struct err *err)
{
    struct files *f = context;
    (void)err;
    out_bytes(&f->state, data, len);
    return true;
}

static struct out *out_of_stream(void *context, int stream)
{
    struct files *f = context;
    if (!f->of_stream[stream] && !find_series(f, stream, &f->err)) {
        f->failed = true;
        run_fail(f->run, &f->err);
    }
    return series_out(f->of_stream[stream]);
}

static bool is_due(const struct files *f, const struct series *s, int64_t now_ms)
{
    return s->at.length && (f->over || s->at.length >= f->rotate_bytes ||
                            now_ms - s->at.since_ms >= f->rotate_ms || s->at.zstd != f->zstd);
}

static bool is_unsynced(const struct series *s)
{
    return s->dirty || s->made;
}

/* Sync everything that was written to files of tables, and names in their directories. */
static bool sync_all(struct files *f, struct err *err)
{
    size_t unsynced = 0;
    for (size_t i = 0; i < f->count; i++) {
        unsynced += is_unsynced(f->series[i]);
    }
    bool whole = f->sync_all || (f->syncs_all && unsynced > SYNCED_ALONE);
    if (whole && !disk_sync_all(f, err)) {
        return false;
    }
    for (size_t i = 0; unsynced && i < f->count; i++) {
        if (whole && is_unsynced(f->series[i])) {
            series_synced(f->series[i]);
        } else if (is_unsynced(f->series[i]) && !series_sync(f->series[i], err)) {
            return false;
        }
    }
    f->sync_all = false;
    return true;
}

/* Sync all that was written: afterwards it is on the disk. */
static bool sync_written(struct files *f, struct err *err)
{
    for (size_t i = 0; i < f->written_count; i++) {
        if (!series_flush(f->written[i], err)) {
            return false;
        }
    }
    if (!sync_all(f, err)) {
        return false;
    }
    for (size_t i = 0; i < f->written_count; i++) {
        if (!series_check(f->written[i], err)) {
            return false;
        }
        f->written[i]->written = false;
    }
    f->written_count = 0;
    return true;
}

static void finish_due(struct files *f)
{
    int64_t now_ms = clock_wall_ms();
    for (size_t i = 0; i < f->count; i++) {
        if (is_due(f, f->series[i], now_ms)) {
            series_finish(f->series[i]);
        }
    }
}

static bool name_finished(struct files *f, struct err *err)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->series[i]->finished.number && !series_name_finished(f->series[i], err)) {
            return false;
        }
    }
    return sync_all(f, err);
}

/* The order is what makes it exact: see files.h. After a failure nothing is tried again: the next
 * start finds out what is on the disk. */
static bool keep(struct files *f, struct err *err)
{
    if (!sync_written(f, err)) {
        return false;
    }
    finish_due(f);
    if (!state_save(f, err)) {
        return false;
    }
    shared_store(f->acknowledged, f->cursor);
    return name_finished(f, err);
}

static bool commit(void *context, struct err *err)
{
    struct files *f = context;
    if (!f->failed && keep(f, err)) {
        return true;
    }
    *err = f->failed ? f->err : *err;
    f->err = *err;
    f->failed = true;
    return false;
}

/* Finish files that have become old, and at the end the last ones, without another checkpoint. */
static bool idle(void *context, struct err *err)
{
    struct files *f = context;
    int64_t now_us = clock_monotonic_us(), now_ms = clock_wall_ms();
    if (f->failed || f->written_count || !f->state.len ||
        (!f->over && now_us - f->looked_us < LOOK_US)) {
        return true;
    }
    f->looked_us = now_us;
    for (size_t i = 0; i < f->count; i++) {
        if (is_due(f, f->series[i], now_ms)) {
            return commit(f, err);
        }
    }
    return true;
}

struct sink files_sink(struct files *f)
{
    return (struct sink){
        .context = f, .write = take_state, .stream = out_of_stream, .commit = commit, .idle = idle};
}
