/* Running a capture, and waiting for it, for signals and for who else speaks meanwhile. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "exporter.h"
#include "output.h"
#include "program.h"
#include "runtime/counter.h"
#include "show.h"

enum { STOP_MOST_US = 8 * 1000 * 1000 }; /* platforms kill after 10 s */

struct capture {
    struct engine_config engine;
    uint64_t ended; /* shared; 1: the engine has returned */
};

static bool write_sink(void *context, const char *data, size_t len, struct err *err)
{
    (void)context;
    return output_stream(data, len, err);
}

void take_signal(struct program *p)
{
    struct signalfd_siginfo info;
    if (read(p->signals, &info, sizeof info) == sizeof info) {
        p->stopped = true;
        log_line(p->log, LOG_INFO, "%s: the capture stops",
                 info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
    }
}

static void listen_once(struct program *p, struct listener *listener)
{
    struct err err = {0};
    if (!listener->take(listener->context, &err)) {
        run_fail(p->run, &err);
    }
}

/*
 * Until the run stops, by itself or by a signal. A consumer that no longer reads would hold the
 * last line back for ever: then the process ends without it.
 */
static void wait_for_run(struct program *p, struct show *show, struct exporter *exporter,
                         struct listener *listener)
{
    while (!run_stopping(p->run)) {
        struct pollfd fds[4] = {{p->signals, POLLIN, 0},
                                {run_stop_fd(p->run), POLLIN, 0},
                                {listener->fd, POLLIN, 0},
                                {p->hangups, POLLIN, 0}};
        bool some = poll(fds, 4, 1000) > 0;
        if (some && fds[0].revents) {
            take_signal(p);
            run_stop(p->run);
        } else if (some && fds[2].revents) {
            listen_once(p, listener);
        }
        if (some && fds[3].revents) {
            take_hangup(p);
        }
        show_progress(show);
        exporter_step(exporter);
        if (listener->step) {
            listener->step(listener->context);
        }
    }
}

static struct sink sink_of(const struct program *p)
{
    return p->files ? files_sink(p->files) : (struct sink){.write = write_sink};
}

/* Log the cause of the stop as the last line. After a signal it is no failure that the output is
 * not complete. A file system that hangs may hold the metrics' file, too. */
static void give_up(struct program *p, struct exporter *exporter)
{
    struct err err = {0};
    if (!p->files) {
        exporter_end(exporter);
    }
    log_line(p->log, p->stopped ? LOG_WARN : LOG_ERROR, "%s: stopped without it",
             p->files ? "the file system takes too long to write" : "standard output is not read");
    if (!run_result(p->run, &err)) {
        say_error(p, &err);
        _exit(EXIT_FAILURE);
    }
    _exit(p->stopped ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void wait_for_end(struct program *p, struct exporter *exporter, const uint64_t *ended,
                         int64_t deadline_us)
{
    while (!shared_load(ended)) {
        if (clock_monotonic_us() > deadline_us) {
            give_up(p, exporter);
        }
        poll(NULL, 0, 5);
    }
}

static void run_engine(void *context)
{
    struct capture *capture = context;
    engine_run(&capture->engine);
    shared_store(&capture->ended, 1);
}

bool capture_run(struct program *p, const struct work *work, struct progress *progress,
                 struct err *err)
{
    struct show show;
    struct exporter exporter;
    const struct checkpoint *given = work->state->checkpoint;
    struct capture capture = {.engine = {work->config, work->catalog, work->state, work->codec,
                                         sink_of(p), p->log, p->run, progress, &p->acknowledged,
                                         p->catalogs}};
    p->acknowledged = given ? given->cursor : 0;
    show_init(&show, progress, p->log, p->command.command != COMMAND_FLOW);
    show.statuses = p->command.command == COMMAND_FLOW;
    show.status = -1;
    show.files = p->files != NULL;
    show.platform = p->command.command == COMMAND_READ && !p->files;
    if (!exporter_start(&exporter, p, work->config, progress, err)) {
        return false;
    }
    if (!p->files) {
        output_widen();
    }
    struct thread *thread = thread_start("merger", run_engine, &capture, err);
    if (!thread) {
        exporter_end(&exporter);
        return false;
    }
    wait_for_run(p, &show, &exporter, work->listener);
    int64_t deadline_us = clock_monotonic_us() + STOP_MOST_US;
    wait_for_end(p, &exporter, &capture.ended, deadline_us);
    thread_join(&thread);
    output_narrow(p->signals, p->stopped ? deadline_us : INT64_MAX);
    exporter_end(&exporter);
    show_end(&show);
    return run_result(p->run, err);
}
