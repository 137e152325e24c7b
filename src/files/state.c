/* state.json: read at the start, and replaced as a whole at each checkpoint. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/mem.h"
#include "config/file.h"
#include "internal.h"

static const char state_name[] = "state.json", new_name[] = "state.json.new";

static bool write_new(const struct files *f, const struct out *text)
{
    int fd =
        openat(f->directory, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && disk_write(fd, text->data, text->len, 0) && !fsync(fd);
    if (fd >= 0) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return ok;
}

static bool replace(const struct files *f, const struct out *text, struct err *err)
{
    if (!write_new(f, text)) {
        return disk_error(err, "write", files_path(f, NULL, new_name));
    }
    crash_point("manifest-written");
    if (renameat(f->directory, new_name, f->directory, state_name)) {
        return disk_error(err, "replace", files_path(f, NULL, state_name));
    }
    crash_point("manifest-renamed");
    return disk_sync_directory(f, NULL, err);
}

bool state_save(struct files *f, struct err *err)
{
    struct out out;
    bool first = true;
    out_init(&out, f->state.len + 4096);
    manifest_begin(&out, f->state.data, f->state.len);
    for (size_t i = 0; i < f->count; i++) {
        manifest_add(&out, &f->series[i]->at, &first);
    }
    manifest_end(&out);
    bool ok = replace(f, &out, err);
    out_free(&out);
    return ok;
}

/* Directories of tables have a dot in their names, but not at the beginning. */
static bool check_unused(const struct files *f, struct err *err)
{
    DIR *directory = opendir(f->path);
    const struct dirent *entry;
    bool ok = true;
    if (!directory) {
        return disk_error(err, "list", mem_string(f->path));
    }
    while (errno = 0, ok && (entry = readdir(directory))) {
        const char *name = entry->d_name;
        if (*name != '.' && strchr(name, '.') && strcmp(name, new_name) != 0) {
            ok = err_set(err, ERR_CONFIG,
                         "%s holds %s, but no state.json that tells what it is: put the newest "
                         "state.json back; or name an empty directory, which begins with all rows",
                         f->path, name);
        }
    }
    if (ok && errno) {
        ok = disk_error(err, "list", mem_string(f->path));
    }
    closedir(directory);
    return ok;
}

/* Write the first state.json before anything else is made: files without one are not ours to
 * remove. */
static bool begin(struct files *f, struct err *err)
{
    static const char none[] = "{}";
    struct out out;
    if (!check_unused(f, err)) {
        return false;
    }
    out_init(&out, 64);
    manifest_begin(&out, none, strlen(none));
    manifest_end(&out);
    bool ok = replace(f, &out, err);
    out_free(&out);
    return ok;
}

static bool take_entry(void *context, struct file_entry *entry, struct err *err)
{
    (void)err;
    struct series *s = series_get(context, &entry->directory);
    entry->directory = s->at.directory;
    s->at = *entry;
    return true;
}

static bool recover(struct files *f, struct err *err)
{
    for (size_t i = 0; i < f->count; i++) {
        if (!series_recover(f->series[i], err)) {
            return false;
        }
    }
    return true;
}

static bool parse(struct files *f, const struct out *text, const struct captured_streams *captured,
                  struct state *state, struct err *err)
{
    cJSON *document = json_parse("state", text->data, text->len, err);
    struct json_at root = json_root("state", document);
    bool ok = document && manifest_read(&root, take_entry, f, err) &&
              state_read(state, document, captured, err);
    if (!ok) {
        err_prefix(err, "%s/%s cannot be used: ", f->path, state_name);
        err_suffix(err, ": put the newest one back; or name another directory, which begins again "
                        "with all rows");
    }
    cJSON_Delete(document);
    return ok && recover(f, err);
}

bool state_load(struct files *f, const struct captured_streams *captured, struct state *state,
                struct err *err)
{
    struct out text;
    if (faccessat(f->directory, state_name, F_OK, 0) && errno == ENOENT) {
        return begin(f, err);
    }
    char *path = files_path(f, NULL, state_name);
    out_init(&text, 4096);
    bool ok = file_read("state", path, &text, err) && parse(f, &text, captured, state, err);
    out_free(&text);
    free(path);
    return ok;
}
