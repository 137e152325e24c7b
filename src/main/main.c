/*
 * The program: reads the files that the command line names, and runs the command.
 *
 * The main thread alone meets signals: it blocks them before others start, waits for them and for
 * the run's end, and decides the exit code. 0: done, or stopped by SIGTERM or SIGINT. 1: an error,
 * which is said on stdout as a TRACE and in one line on stderr.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "airbyte/airbyte.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "command_line.h"
#include "config/file.h"
#include "runtime/counter.h"
#include "show.h"

enum { STOP_MOST_US = 8 * 1000 * 1000 }; /* platforms kill after 10 s */

/* Everything a command works with; what it does not need stays NULL. */
struct program {
    struct command_line command;
    struct config *config;
    struct catalog *catalog;
    struct state state;
    struct log *log;
    struct run *run;
    int signals;
    bool stopped; /* by a signal */
};

static void write_log(enum log_level level, const char *line)
{
    fprintf(stderr, "%s: %s\n", log_level_name(level), line);
}

static enum log_level log_threshold(void)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    const char *wanted = getenv("LOG_LEVEL");
    for (int i = 0; wanted && i < 4; i++) {
        if (!strcasecmp(wanted, names[i])) {
            return (enum log_level)i;
        }
    }
    return LOG_INFO;
}

static bool write_all(void *context, const char *data, size_t len, struct err *err)
{
    (void)context;
    while (len) {
        ssize_t written = write(STDOUT_FILENO, data, len);
        if (written >= 0) {
            data += written;
            len -= (size_t)written;
        } else if (errno != EINTR) {
            return err_set(err, ERR_SYSTEM,
                           errno == EPIPE ? "standard output was closed by its reader%s%s"
                                          : "cannot write to standard output%s%s",
                           errno == EPIPE ? "" : ": ", errno == EPIPE ? "" : strerror(errno));
        }
    }
    return true;
}

static bool write_out(struct out *out, struct err *err)
{
    return write_all(NULL, out->data, out->len, err);
}

/* The error once for the platform, once for people. */
static int fail(const struct err *err)
{
    struct out out;
    struct err ignored;
    out_init(&out, 4096);
    airbyte_error(&out, err);
    write_out(&out, &ignored);
    out_free(&out);
    fprintf(stderr, "source-postgres: %s%s%s%s\n", err->message, err->detail[0] ? " (" : "",
            err->detail, err->detail[0] ? ")" : "");
    return EXIT_FAILURE;
}

static void say_notices(struct log *log, struct out *notices)
{
    char *rest = (char *)out_text(notices), *line;
    while ((line = strsep(&rest, "\n"))) {
        if (*line) {
            log_line(log, LOG_WARN, "%s", line);
        }
    }
}

static bool load_config(struct program *p, struct err *err)
{
    struct out text, notices;
    out_init(&text, 4096);
    out_init(&notices, 256);
    bool ok = file_read("config", p->command.config, &text, err) &&
              (p->config = config_parse(text.data, text.len, &notices, err));
    say_notices(p->log, &notices);
    out_free(&text);
    out_free(&notices);
    return ok;
}

static bool load_catalog(struct program *p, struct err *err)
{
    struct out text;
    out_init(&text, 4096);
    bool ok = file_read("catalog", p->command.catalog, &text, err) &&
              (p->catalog = catalog_parse(text.data, text.len, err));
    out_free(&text);
    return ok;
}

static bool load_state(struct program *p, struct err *err)
{
    struct out text;
    if (!p->command.state) {
        return true;
    }
    out_init(&text, 4096);
    bool ok = file_read("state", p->command.state, &text, err) &&
              state_parse(&p->state, text.data, text.len, err);
    out_free(&text);
    return ok;
}

/* One signal asked for: true. Takes it, so that the descriptor is quiet again. */
static void take_signal(struct program *p)
{
    struct signalfd_siginfo info;
    if (read(p->signals, &info, sizeof info) == sizeof info) {
        p->stopped = true;
    }
}

static int spec(struct err *err)
{
    struct out out;
    out_init(&out, 16 * 1024);
    airbyte_spec(&out);
    bool ok = write_out(&out, err);
    out_free(&out);
    return ok ? EXIT_SUCCESS : fail(err);
}

/* A configuration that cannot be used is an answer to `check`, not a failure of it. */
static int check(struct program *p, struct err *err)
{
    struct out out;
    out_init(&out, 4096);
    bool ok = load_config(p, err);
    if (ok) {
        ok = airbyte_check(p->config, p->signals, &out, err);
    } else {
        airbyte_check_failed(&out, err->message);
        ok = true;
    }
    ok = ok && write_out(&out, err);
    out_free(&out);
    return ok || err->kind == ERR_STOPPED ? EXIT_SUCCESS : fail(err);
}

static int discover(struct program *p, struct err *err)
{
    struct out out;
    out_init(&out, 64 * 1024);
    bool ok = load_config(p, err) && airbyte_discover(p->config, p->signals, &out, err) &&
              write_out(&out, err);
    out_free(&out);
    return ok || err->kind == ERR_STOPPED ? EXIT_SUCCESS : fail(err);
}

static void run_engine(void *context)
{
    engine_run(context);
}

/*
 * Until the run stops, by itself or by a signal. A consumer that no longer reads would hold the
 * last line back for ever: then the process ends without it.
 */
static void wait_for_run(struct program *p, struct show *show)
{
    struct pollfd fds[2] = {{p->signals, POLLIN, 0}, {run_stop_fd(p->run), POLLIN, 0}};
    while (!run_stopping(p->run)) {
        if (poll(fds, 2, 1000) > 0 && fds[0].revents) {
            take_signal(p);
            run_stop(p->run);
        }
        show_progress(show);
    }
}

static void wait_for_end(const struct program *p, const uint64_t *ended)
{
    int64_t deadline_us = clock_monotonic_us() + STOP_MOST_US;
    while (!shared_load(ended)) {
        if (clock_monotonic_us() > deadline_us) {
            fprintf(stderr, "source-postgres: standard output is not read: stopped without it\n");
            _exit(p->stopped ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        poll(NULL, 0, 5);
    }
}

struct capture {
    struct engine_config engine;
    uint64_t ended;
};

static void run_capture(void *context)
{
    struct capture *capture = context;
    run_engine(&capture->engine);
    shared_store(&capture->ended, 1);
}

static bool capture(struct program *p, struct airbyte_read *read, struct progress *progress,
                    struct err *err)
{
    uint64_t acknowledged = p->state.checkpoint ? p->state.checkpoint->cursor : 0;
    struct show show;
    struct capture capture = {.engine = {p->config,
                                         p->catalog,
                                         &p->state,
                                         airbyte_codec(read),
                                         {NULL, write_all},
                                         p->log,
                                         p->run,
                                         progress,
                                         &acknowledged}};
    show_init(&show, progress, p->log);
    struct thread *thread = thread_start("merger", run_capture, &capture, err);
    if (!thread) {
        return false;
    }
    wait_for_run(p, &show);
    wait_for_end(p, &capture.ended);
    thread_join(&thread);
    show_end(&show);
    return run_result(p->run, err);
}

static int read_command(struct program *p, struct err *err)
{
    struct progress progress = {0};
    bool ok = load_config(p, err) && load_catalog(p, err) && load_state(p, err);
    if (ok) {
        struct airbyte_read *read = airbyte_read_new(p->config, p->catalog, &progress);
        ok = (p->run = run_new(err)) && capture(p, read, &progress, err);
        airbyte_read_free(&read);
        free(progress.streams);
    }
    return ok ? EXIT_SUCCESS : fail(err);
}

static int dispatch(struct program *p, struct err *err)
{
    switch (p->command.command) {
    case COMMAND_SPEC: return spec(err);
    case COMMAND_CHECK: return check(p, err);
    case COMMAND_DISCOVER: return discover(p, err);
    case COMMAND_READ: return read_command(p, err);
    case COMMAND_HELP: fputs(command_line_help, stdout); return EXIT_SUCCESS;
    case COMMAND_VERSION:
        crash_point("version");
        puts("source-postgres " VERSION);
        return EXIT_SUCCESS;
    case COMMAND_FLOW: break;
    }
    err_set(err, ERR_CONFIG,
            "Flow's capture protocol is not built yet: use spec, check, discover or read");
    return fail(err);
}

static int block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
    struct program p = {0};
    struct err err = {0};
    p.signals = block_signals();
    if (!command_line_parse(&p.command, argc, argv, &err)) {
        return fail(&err);
    }
    p.log = log_new(log_threshold(), write_log, p.command.command == COMMAND_READ);
    int status = dispatch(&p, &err);
    state_clear(&p.state);
    catalog_free(&p.catalog);
    config_free(&p.config);
    run_free(&p.run);
    log_free(&p.log);
    close(p.signals);
    return status;
}
