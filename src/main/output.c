/*
 * What poll calls writable takes a page without blocking, if it is a pipe: so what must not block is
 * written a page at a time. It is not for us to make a descriptor non-blocking that others share.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { PAGE = 4096, PATIENCE_MS = 1000, PIPE_BYTES = 1 << 20, DRAIN_MS = 5 };

static int usual_bytes; /* of the pipe, before it was widened; 0: it was not */

/* Less room means more turns between us and the reader, and is no reason to fail. */
void output_widen(void)
{
    int bytes = fcntl(STDOUT_FILENO, F_GETPIPE_SZ); /* -1: it is no pipe */
    if (bytes > 0 && bytes < PIPE_BYTES && fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES) > 0) {
        usual_bytes = bytes;
    }
}

void output_narrow(int stop_fd, int64_t deadline_us)
{
    struct pollfd fds[2] = {{STDOUT_FILENO, 0, 0}, {stop_fd, POLLIN, 0}};
    while (usual_bytes && fcntl(STDOUT_FILENO, F_SETPIPE_SZ, usual_bytes) < 0 && errno == EBUSY &&
           clock_monotonic_us() < deadline_us && poll(fds, 2, DRAIN_MS) <= 0) {
    }
    usual_bytes = 0;
}

static bool fail(struct err *err)
{
    return errno == EPIPE
               ? err_set(err, ERR_SYSTEM, "standard output was closed by its reader")
               : err_set(err, ERR_SYSTEM, "cannot write to standard output: %s", strerror(errno));
}

static bool may_again(void)
{
    return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
}

bool output_write(const char *data, size_t len, int stop_fd, struct err *err)
{
    while (len) {
        struct pollfd fds[2] = {{STDOUT_FILENO, POLLOUT, 0}, {stop_fd, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0) {
            continue;
        }
        if (!fds[0].revents) {
            return err_set(err, ERR_STOPPED, "stopped");
        }
        ssize_t written = write(STDOUT_FILENO, data, len < PAGE ? len : PAGE);
        if (written < 0 && !may_again()) {
            return fail(err);
        }
        data += written > 0 ? written : 0;
        len -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

bool output_stream(const char *data, size_t len, struct err *err)
{
    while (len) {
        ssize_t written = write(STDOUT_FILENO, data, len);
        if (written >= 0) {
            data += written;
            len -= (size_t)written;
        } else if (!may_again()) {
            return fail(err);
        } else if (errno != EINTR) {
            struct pollfd fd = {STDOUT_FILENO, POLLOUT, 0};
            poll(&fd, 1, -1);
        }
    }
    return true;
}

static bool is_ready(int timeout_ms)
{
    struct pollfd fd = {STDERR_FILENO, POLLOUT, 0};
    return poll(&fd, 1, timeout_ms) > 0;
}

/* Returns how much was written before nothing was taken for so long. */
static size_t write_some(const char *data, size_t len, int patience_ms)
{
    size_t done = 0;
    while (done < len && is_ready(patience_ms)) {
        size_t left = len - done;
        ssize_t written = write(STDERR_FILENO, data + done, left < PAGE ? left : PAGE);
        if (written < 0 && !may_again()) {
            return len; /* closed: no reader is left */
        }
        done += written > 0 ? (size_t)written : 0;
    }
    return done;
}

bool output_error(const char *data, size_t len)
{
    return write_some(data, len, PATIENCE_MS) == len;
}

bool output_error_is_file(void)
{
    struct stat status;
    return fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

bool output_error_ready(void)
{
    return is_ready(0);
}

void output_log(const char *line, size_t len, void (*say_dropped)(unsigned count))
{
    static bool blocked, cut; /* of the one standard error that there is */
    static unsigned dropped;
    if (blocked && !is_ready(0)) {
        dropped++;
        return;
    }
    blocked = false;
    if (dropped) {
        unsigned count = dropped;
        dropped = 0;
        if (cut) {
            write_some("\n", 1, 0);
        }
        say_dropped(count);
    }
    size_t done = write_some(line, len, PATIENCE_MS);
    if (done < len) {
        blocked = true;
        cut = done > 0;
        dropped++;
    }
}
