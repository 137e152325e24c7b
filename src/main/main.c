/*
 * The program: reads the files that the command line names, and runs the command.
 *
 * The main thread alone meets signals: it blocks them before others start, waits for them and for
 * the run's end, and decides the exit code. 0: done, or stopped by SIGTERM or SIGINT. 1: an error,
 * which is said on stderr (in one line, or a line a problem where several keep a capture from
 * starting), and by Airbyte's commands on stdout as a TRACE.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "airbyte/airbyte.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "commands/commands.h"
#include "config/file.h"
#include "environment.h"
#include "logs.h"
#include "output.h"
#include "program.h"
#include "state_file.h"
#include "tunnel/tunnel.h"

enum { ROTATE_MB = 256, ROTATE_SECONDS = 600 };

bool write_out(const struct program *p, const struct out *out, struct err *err)
{
    return output_write(out->data, out->len, p->signals, err);
}

/* False before the command line is understood. */
static bool speaks_flow(const struct program *p)
{
    return p->understood && p->command.command == COMMAND_FLOW;
}

static bool speaks_to_people(const struct program *p)
{
    enum command command = p->command.command;
    return command == COMMAND_SETUP_SQL || command == COMMAND_STATUS ||
           command == COMMAND_BACKFILL || command == COMMAND_TEARDOWN;
}

static const char *how_to_begin_again(const struct program *p)
{
    return p->command.command == COMMAND_FLOW ? ": raise the backfill counter of all its bindings"
           : p->command.output ? ": name another directory, so that it backfills all tables"
                               : ": start it without a state, so that it backfills all tables";
}

/* Add the remedy, in the words of the platform or person that runs the program. */
static void name_remedy(const struct program *p, struct err *err)
{
    switch (err->remedy) {
    case REMEDY_BEGIN_AGAIN: err_suffix(err, "%s", how_to_begin_again(p)); break;
    case REMEDY_NONE: break;
    }
    err->remedy = REMEDY_NONE;
}

void say_error(struct program *p, struct err *err)
{
    name_remedy(p, err);
    logs_error(p->log, p->json_logs, err);
}

/* The error once for people, once for the platform, who may not be reading. */
static int fail(struct program *p, struct err *err)
{
    struct out out;
    struct err ignored;
    say_error(p, err);
    if (!speaks_flow(p) && !speaks_to_people(p) && !p->command.output) {
        out_init(&out, 4096);
        airbyte_error(&out, err);
        write_out(p, &out, &ignored);
        out_free(&out);
    }
    return EXIT_FAILURE;
}

/* The configuration, and the tunnel that its connections go through. */
static bool load_config(struct program *p, struct err *err)
{
    struct out text, notices;
    out_init(&text, 4096);
    out_init(&notices, 256);
    bool ok = file_read("config", p->command.config, &text, err) &&
              (p->config = config_parse(text.data, text.len, &notices, err)) &&
              config_read_password(p->config, err);
    log_lines(p->log, LOG_WARN, out_text(&notices));
    out_free(&text);
    out_free(&notices);
    return ok && tunnel_open(&p->tunnel, p->config, p->log, p->signals, err);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **stream_ids(const struct catalog *catalog)
{
    char **ids = mem_zero((size_t)catalog->count * sizeof *ids);
    for (int i = 0; i < catalog->count; i++) {
        ids[i] = stream_name(catalog->streams[i].schema, catalog->streams[i].table);
    }
    qsort((void *)ids, (size_t)catalog->count, sizeof *ids, by_id);
    return ids;
}

static bool load_state(struct program *p, struct err *err)
{
    struct out text;
    if (!p->command.state && !p->files) {
        return true;
    }
    out_init(&text, 4096);
    char **ids = stream_ids(p->catalog);
    struct captured_streams captured = {(const char *const *)ids, (size_t)p->catalog->count,
                                        p->config->other_slot};
    bool ok = p->files ? files_load(p->files, p->config, p->catalog, &captured, &p->state, err)
                       : file_read("state", p->command.state, &text, err) &&
                             state_parse(&p->state, text.data, text.len, &captured, err);
    for (int i = 0; i < p->catalog->count; i++) {
        free(ids[i]);
    }
    free((void *)ids);
    out_free(&text);
    return ok;
}

static int spec(struct program *p, struct err *err)
{
    struct out out;
    out_init(&out, 16 * 1024);
    airbyte_spec(&out);
    bool ok = write_out(p, &out, err);
    out_free(&out);
    return ok || err->kind == ERR_STOPPED ? EXIT_SUCCESS : fail(p, err);
}

static int say(struct program *p, const char *text, struct err *err)
{
    struct out out;
    out_init(&out, 4096);
    out_string(&out, text);
    bool ok = write_out(p, &out, err);
    out_free(&out);
    return ok || err->kind == ERR_STOPPED ? EXIT_SUCCESS : fail(p, err);
}

/* A configuration that cannot be used is an answer to `check`, not a failure of it. */
static int check(struct program *p, struct err *err)
{
    struct out out;
    out_init(&out, 4096);
    bool ok = load_config(p, err);
    if (ok) {
        ok = airbyte_check(p->config, p->signals, &out, err);
    } else if (err->kind != ERR_STOPPED) {
        airbyte_check_failed(&out, err->message);
        ok = true;
    }
    ok = ok && write_out(p, &out, err);
    out_free(&out);
    return ok || err->kind == ERR_STOPPED ? EXIT_SUCCESS : fail(p, err);
}

static int discover(struct program *p, struct err *err)
{
    struct out out;
    out_init(&out, 64 * 1024);
    bool ok = load_config(p, err) && airbyte_discover(p->config, p->signals, &out, err) &&
              write_out(p, &out, err);
    out_free(&out);
    return ok || err->kind == ERR_STOPPED ? EXIT_SUCCESS : fail(p, err);
}

static bool open_files(struct program *p, struct err *err)
{
    const struct command_line *c = &p->command;
    struct files_options options = {
        .directory = c->output,
        .rotate_bytes = command_line_number(c->rotate_mb, ROTATE_MB) * 1000 * 1000,
        .rotate_ms = (int64_t)command_line_number(c->rotate_seconds, ROTATE_SECONDS) * 1000,
        .zstd = c->compress != NULL,
    };
    return !c->output || (p->files = files_open(&options, err));
}

/* status shows the slot all the same, if there are no tables that can be captured. */
static bool is_shown_without_catalog(struct program *p, struct err *err)
{
    bool shown = p->command.command == COMMAND_STATUS && p->command.all && err->kind == ERR_CONFIG;
    if (shown) {
        p->unlisted = *err;
        *err = (struct err){0};
    }
    return shown;
}

/* The catalog decides which slot is used, and the slot decides which states are valid. */
static bool load_files(struct program *p, struct err *err)
{
    if (!open_files(p, err) || !load_config(p, err)) {
        return false;
    }
    if (p->command.catalog || p->command.all) {
        p->catalog = load_catalog(p, err);
        if (!p->catalog && !is_shown_without_catalog(p, err)) {
            return false;
        }
        if (p->catalog && p->catalog->full_refresh) {
            config_use_other_slot(p->config);
        }
    }
    return load_state(p, err);
}

static bool read_to_stdout(struct program *p, struct progress *progress, struct err *err)
{
    struct airbyte_read *read = airbyte_read_new(p->config, p->catalog, progress);
    struct state_file file;
    struct listener listener = {-1, NULL, state_file_step, &file};
    state_file_begin(&file, p, read);
    struct work work = {p->config, p->catalog, &p->state, airbyte_codec(read), &listener};
    bool ok = capture_run(p, &work, progress, err);
    airbyte_read_free(&read);
    return ok;
}

static bool read_to_files(struct program *p, struct progress *progress, struct err *err)
{
    struct listener listener = {.fd = -1};
    files_begin(p->files, p->run, &p->acknowledged);
    struct work work = {p->config, p->catalog, &p->state, files_codec(p->files), &listener};
    return capture_run(p, &work, progress, err);
}

/* What is of no table has no file of its own. */
static bool check_logical(const struct program *p, struct err *err)
{
    for (int i = 0; p->files && i < LOGICAL_STREAMS; i++) {
        if (p->catalog->logical[i]) {
            return err_set(err, ERR_CONFIG,
                           "stream %s does not go with --output: take it out of the catalog, or "
                           "its option out of the configuration",
                           stream_label(logical_streams[i].schema, logical_streams[i].table).s);
        }
    }
    return airbyte_check_logical(p->config, p->catalog, p->log, err);
}

static int read_command(struct program *p, struct err *err)
{
    struct progress progress = {0};
    bool ok = wait_for_hangups(p, err) && load_files(p, err) && check_logical(p, err) &&
              (p->run = run_new(err)) &&
              (p->files ? read_to_files(p, &progress, err) : read_to_stdout(p, &progress, err));
    progress_clear(&progress);
    return ok || err->kind == ERR_STOPPED ? EXIT_SUCCESS : fail(p, err);
}

static int for_people(struct program *p, struct err *err)
{
    bool ok = load_files(p, err);
    switch (p->command.command) {
    case COMMAND_SETUP_SQL: ok = ok && people_show(p, command_setup_sql, err); break;
    case COMMAND_STATUS: ok = ok && people_show(p, command_status, err); break;
    case COMMAND_BACKFILL: ok = ok && people_show(p, command_backfill, err); break;
    default: ok = ok && people_teardown(p, err); break;
    }
    return ok || err->kind == ERR_STOPPED ? EXIT_SUCCESS : fail(p, err);
}

/* The last line of the log is the error. */
static int flow(struct program *p, struct err *err)
{
    return flow_run(p, err) || err->kind == ERR_STOPPED ? EXIT_SUCCESS : fail(p, err);
}

static int dispatch(struct program *p, struct err *err)
{
    switch (p->command.command) {
    case COMMAND_SPEC: return spec(p, err);
    case COMMAND_CHECK: return check(p, err);
    case COMMAND_DISCOVER: return discover(p, err);
    case COMMAND_READ: return read_command(p, err);
    case COMMAND_SETUP_SQL:
    case COMMAND_STATUS:
    case COMMAND_BACKFILL:
    case COMMAND_TEARDOWN: return for_people(p, err);
    case COMMAND_HELP: return say(p, command_line_help(p->command.about), err);
    case COMMAND_VERSION:
        crash_point("version");
        return say(p, "source-postgres " VERSION "\n", err);
    case COMMAND_FLOW: return flow(p, err);
    }
    return EXIT_FAILURE;
}

/*
 * Open /dev/null in the place of closed standard descriptors, so that no later descriptor gets
 * their number. To read or write them still fails with EBADF.
 */
static bool open_standard(struct err *err)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    bool has_output = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd) {
            return err_set(err, ERR_SYSTEM, "cannot open /dev/null: %s", strerror(errno));
        }
    }
    return has_output || err_set(err, ERR_SYSTEM, "standard output is closed");
}

static int block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that must not become larger is an error like others */
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
    struct program p = {.hangups = -1, .signals = -1, .version = VERSION};
    struct err err = {0};
    if (!open_standard(&err)) {
        return fail(&p, &err);
    }
    environment_clean();
    prctl(PR_SET_DUMPABLE, 0); /* no core dump has passwords or keys, in libpq's memory either */
    p.signals = block_signals();
    p.understood = command_line_parse(&p.command, argc, argv, &err);
    p.json_logs = logs_json(p.command.log_format, speaks_flow(&p));
    p.log = logs_new(p.json_logs, p.command.command == COMMAND_READ && !p.command.output);
    logs_say_ignored(p.log, p.command.log_format);
    int status = p.understood ? dispatch(&p, &err) : fail(&p, &err);
    log_flush(p.log);
    files_close(&p.files);
    state_clear(&p.state);
    drop_hangups(&p);
    catalog_free(&p.catalog);
    tunnel_close(&p.tunnel);
    config_free(&p.config);
    run_free(&p.run);
    log_free(&p.log);
    close(p.signals);
    return status;
}
