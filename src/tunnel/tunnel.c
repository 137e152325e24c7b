/*
 * The tunnel's thread: takes connections, and moves what goes through them.
 *
 *   LOST --a connection--> LOGGED IN --the session breaks--> LOST
 */
#include "tunnel/tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "login.h"
#include "pipe.h"
#include "runtime/run.h"

enum { PROBE_TIMEOUT_US = 30 * 1000 * 1000, BACKLOG = 64, FIXED_FDS = 3 };

struct tunnel {
    struct config *config;
    struct log_wait wait;
    char fingerprint[FINGERPRINT];
    ssh_session session; /* NULL: lost */
    ssh_event event;     /* drives the session */
    int listener, stop;  /* `stop` is an eventfd */
    struct pipe **pipes;
    int pipe_count;
    struct thread *thread;
};

/* Set the error that explains the SSH server's failure to users. */
static bool probe_failed(const struct tunnel *t, struct err *err)
{
    return err_set(err, ERR_TRANSIENT,
                   "the SSH server %s:%d cannot connect to %s:%d: %s; check %s "
                   "as seen from there, and that it allows forwarding",
                   t->config->ssh.host, t->config->ssh.port, t->config->host, t->config->port,
                   ssh_get_error(t->session), config_words(t->config)->place);
}

/* Try a connection to the database now: later a failure would only close a connection without a
 * reason. */
static bool probe(struct tunnel *t, int stop_fd, struct err *err)
{
    int64_t deadline_us = clock_monotonic_us() + PROBE_TIMEOUT_US;
    ssh_channel channel = ssh_channel_new(t->session);
    int result = SSH_ERROR;
    while (channel &&
           (result = ssh_channel_open_forward(channel, t->config->host, t->config->port,
                                              "127.0.0.1", 0)) == SSH_AGAIN &&
           session_wait(t->session, stop_fd, deadline_us, err)) {
    }
    bool ok = result == SSH_OK || (result != SSH_AGAIN && probe_failed(t, err));
    if (channel) {
        ssh_channel_free(channel);
    }
    return ok;
}

static bool log_in(struct tunnel *t, int stop_fd, struct err *err)
{
    t->session = login(&t->config->ssh, t->fingerprint, stop_fd, err);
    if (!t->session) {
        return false;
    }
    t->event = ssh_event_new();
    ssh_event_add_session(t->event, t->session);
    log_waited(&t->wait);
    log_line(t->wait.log, LOG_INFO, "logged in to the SSH server %s:%d, whose host key is %s",
             t->config->ssh.host, t->config->ssh.port, t->fingerprint);
    return true;
}

static void log_out(struct tunnel *t)
{
    for (int i = 0; i < t->pipe_count; i++) {
        pipe_free(&t->pipes[i]);
    }
    t->pipe_count = 0;
    if (t->session) {
        ssh_event_remove_session(t->event, t->session);
        ssh_event_free(t->event);
    }
    logout(&t->session);
}

static bool listen_locally(struct tunnel *t, struct err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    t->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->listener < 0 || t->stop < 0 || bind(t->listener, (struct sockaddr *)&at, len) ||
        listen(t->listener, BACKLOG) || getsockname(t->listener, (struct sockaddr *)&at, &len)) {
        return err_set(err, ERR_SYSTEM, "cannot listen for the SSH tunnel: %s", strerror(errno));
    }
    t->config->tunnel_port = ntohs(at.sin_port);
    return true;
}

static bool is_stopped(const struct tunnel *t)
{
    struct pollfd fd = {t->stop, POLLIN, 0};
    return poll(&fd, 1, 0) > 0;
}

static void take_connection(struct tunnel *t)
{
    struct err err;
    int fd = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    if (!t->session && !log_in(t, t->stop, &err)) {
        if (err.kind != ERR_STOPPED) {
            log_wait(&t->wait, LOG_WARN, "%s", err.message);
        }
        close(fd);
        return;
    }
    t->pipes = mem_grow((void *)t->pipes, (size_t)(t->pipe_count + 1) * sizeof *t->pipes);
    t->pipes[t->pipe_count++] = pipe_new(t->session, fd, t->config);
}

/* True: some have more to move at once. */
static bool move_all(struct tunnel *t)
{
    bool more = false;
    struct err err;
    for (int i = 0; i < t->pipe_count;) {
        enum pipe_move move = pipe_move(t->pipes[i]);
        more |= move == PIPE_MORE;
        if (move == PIPE_WAITS || move == PIPE_MORE) {
            i++;
            continue;
        }
        if (move == PIPE_REFUSED && ssh_is_connected(t->session)) {
            probe_failed(t, &err);
            log_line(t->wait.log, LOG_WARN, "%s", err.message);
        }
        pipe_free(&t->pipes[i]);
        t->pipes[i] = t->pipes[--t->pipe_count];
    }
    return more;
}

static void drive(struct tunnel *t)
{
    if (t->session &&
        (ssh_event_dopoll(t->event, 0) == SSH_ERROR || !ssh_is_connected(t->session))) {
        log_wait(&t->wait, LOG_WARN,
                 "the SSH tunnel through %s:%d is lost (%s): the next connection logs in again",
                 t->config->ssh.host, t->config->ssh.port, ssh_get_error(t->session));
        log_out(t);
    }
}

static void wait_for_any(struct tunnel *t, bool more)
{
    nfds_t count = FIXED_FDS + (nfds_t)t->pipe_count;
    struct pollfd *fds = mem_zero(count * sizeof *fds);
    bool writes = t->session && ssh_get_poll_flags(t->session) & SSH_WRITE_PENDING;
    fds[0] = (struct pollfd){t->stop, POLLIN, 0};
    fds[1] = (struct pollfd){t->listener, POLLIN, 0};
    fds[2] = (struct pollfd){t->session ? ssh_get_fd(t->session) : -1,
                             (short)(writes ? POLLIN | POLLOUT : POLLIN), 0};
    for (int i = 0; i < t->pipe_count; i++) {
        short wants = pipe_wants(t->pipes[i]);
        fds[FIXED_FDS + i] = (struct pollfd){wants ? pipe_fd(t->pipes[i]) : -1, wants, 0};
    }
    poll(fds, count, more ? 0 : -1);
    free(fds);
}

static void run(void *context)
{
    struct tunnel *t = context;
    bool more = false;
    while (!is_stopped(t)) {
        wait_for_any(t, more);
        take_connection(t);
        drive(t);
        more = move_all(t);
    }
    log_out(t);
}

bool tunnel_open(struct tunnel **tunnel, struct config *config, struct log *log, int stop_fd,
                 struct err *err)
{
    if (!config->ssh.host) {
        return true;
    }
    struct tunnel *t = mem_zero(sizeof *t);
    *t = (struct tunnel){.config = config, .wait = {.log = log}, .listener = -1, .stop = -1};
    if (log_in(t, stop_fd, err) && probe(t, stop_fd, err) && listen_locally(t, err) &&
        (t->thread = thread_start("tunnel", run, t, err))) {
        *tunnel = t;
        return true;
    }
    tunnel_close(&t);
    return false;
}

void tunnel_close(struct tunnel **tunnel)
{
    struct tunnel *t = *tunnel;
    uint64_t one = 1;
    *tunnel = NULL;
    if (!t) {
        return;
    }
    if (t->thread && write(t->stop, &one, sizeof one) == sizeof one) {
        thread_join(&t->thread);
    } else {
        log_out(t);
    }
    t->config->tunnel_port = 0;
    close(t->listener);
    close(t->stop);
    free((void *)t->pipes);
    free(t);
}
