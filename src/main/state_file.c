/* A state file that is rewritten while its read runs acknowledges what the state proves. */
#include "state_file.h"

#include <errno.h>
#include <string.h>

#include "base/lsn.h"
#include "config/file.h"
#include "runtime/counter.h"
#include "state/state.h"

enum { FAILURES_MOST = 3 }; /* a file that is being written is whole soon */

static const char *path_of(const struct program *p)
{
    return p->command.state && strcmp(p->command.state, "-") != 0 ? p->command.state : NULL;
}

void state_file_begin(struct state_file *f, struct program *p, struct airbyte_read *read)
{
    *f = (struct state_file){.program = p, .read = read};
    if (path_of(p)) {
        (void)stat(path_of(p), &f->taken);
    }
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool take(struct state_file *f, struct err *err)
{
    struct program *p = f->program;
    struct state state = {0};
    struct out text;
    uint64_t stored = 0;
    out_init(&text, 4096);
    bool ok = file_read("state", p->command.state, &text, err) &&
              state_parse(&state, text.data, text.len, NULL, err) &&
              airbyte_read_stored(f->read, &state, &stored, err);
    if (ok && stored > shared_load(&p->acknowledged)) {
        shared_store(&p->acknowledged, stored);
        log_line(p->log, LOG_DEBUG, "the state file says that all is stored up to %s",
                 lsn_format(stored).s);
    }
    state_clear(&state);
    out_free(&text);
    return ok;
}

/* Between two writes it may be missing for a moment. */
static void note_missing(struct state_file *f, const char *path)
{
    if (++f->missing == FAILURES_MOST) {
        log_line(f->program->log, LOG_WARN,
                 "the state file %s cannot be seen (%s): nothing is acknowledged, and the server "
                 "keeps WAL, until it is there again",
                 path, strerror(errno));
    }
}

void state_file_step(void *context)
{
    struct state_file *f = context;
    struct stat now;
    struct err err = {0};
    const char *path = path_of(f->program);
    if (!path) {
        return;
    }
    if (stat(path, &now)) {
        note_missing(f, path);
        return;
    }
    f->missing = 0;
    if (is_same(&now, &f->taken)) {
        return;
    }
    if (take(f, &err)) {
        f->taken = now;
        f->failures = 0;
    } else if (++f->failures == FAILURES_MOST) {
        f->taken = now;
        f->failures = 0;
        log_line(f->program->log, LOG_WARN,
                 "the state file was changed and acknowledges nothing: %s", err.message);
    }
}
