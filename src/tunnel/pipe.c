/*
 * Data read from one side waits until the other side has taken it, so each side slows the other
 * down: the socket is not read while the channel's window is full, nor the channel while the socket
 * is.
 *
 *   OPENING --> OPEN, or the end
 */
#include "pipe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum { BUFFER_BYTES = 32 * 1024, TURNS = 16 };

struct buffer {
    char data[BUFFER_BYTES];
    uint32_t next, len;
    bool ended; /* there is no more to read */
};

struct pipe {
    const struct config *to;
    ssh_channel channel;
    int fd;
    bool open;
    struct buffer up, down; /* to the database, and from it */
};

struct pipe *pipe_new(ssh_session session, int fd, const struct config *to)
{
    struct pipe *p = mem_zero(sizeof *p);
    p->to = to;
    p->fd = fd;
    p->channel = ssh_channel_new(session);
    return p;
}

void pipe_free(struct pipe **pipe)
{
    if (*pipe) {
        close((*pipe)->fd);
        if ((*pipe)->channel) {
            ssh_channel_free((*pipe)->channel);
        }
        free(*pipe);
        *pipe = NULL;
    }
}

/* Whether something was moved; *failed is set if the receiving side is gone. */
static bool move_down(struct pipe *p, bool *failed)
{
    struct buffer *b = &p->down;
    if (b->next == b->len && !b->ended) {
        int len = ssh_channel_read_nonblocking(p->channel, b->data, BUFFER_BYTES, 0);
        b->ended = len < 0 || (!len && ssh_channel_is_eof(p->channel));
        b->next = 0;
        b->len = len > 0 ? (uint32_t)len : 0;
    }
    if (b->next == b->len) {
        return false;
    }
    ssize_t sent = send(p->fd, b->data + b->next, b->len - b->next, MSG_DONTWAIT | MSG_NOSIGNAL);
    *failed |= sent < 0 && errno != EAGAIN && errno != EINTR;
    b->next += sent > 0 ? (uint32_t)sent : 0;
    return sent > 0;
}

static bool move_up(struct pipe *p, bool *failed)
{
    struct buffer *b = &p->up;
    if (b->next == b->len && !b->ended && ssh_channel_window_size(p->channel)) {
        ssize_t len = recv(p->fd, b->data, BUFFER_BYTES, MSG_DONTWAIT);
        b->ended = !len || (len < 0 && errno != EAGAIN && errno != EINTR);
        b->next = 0;
        b->len = len > 0 ? (uint32_t)len : 0;
    }
    if (b->next == b->len) {
        return false;
    }
    int sent = ssh_channel_write(p->channel, b->data + b->next, b->len - b->next);
    *failed |= sent < 0 && sent != SSH_AGAIN;
    b->next += sent > 0 ? (uint32_t)sent : 0;
    return sent > 0;
}

static bool is_done(const struct buffer *b)
{
    return b->ended && b->next == b->len;
}

enum pipe_move pipe_move(struct pipe *p)
{
    bool failed = false, moved = true;
    if (!p->open) {
        int result = p->channel ? ssh_channel_open_forward(p->channel, p->to->host, p->to->port,
                                                           "127.0.0.1", p->to->tunnel_port)
                                : SSH_ERROR;
        if (result != SSH_OK) {
            return result == SSH_AGAIN ? PIPE_WAITS : PIPE_REFUSED;
        }
        p->open = true;
    }
    for (int turn = 0; moved && !failed && turn < TURNS; turn++) {
        moved = move_down(p, &failed);
        moved |= move_up(p, &failed);
    }
    return failed || is_done(&p->up) || is_done(&p->down) ? PIPE_ENDED
           : moved                                        ? PIPE_MORE
                                                          : PIPE_WAITS;
}

int pipe_fd(const struct pipe *p)
{
    return p->fd;
}

short pipe_wants(const struct pipe *p)
{
    bool takes = p->open && p->up.next == p->up.len && ssh_channel_window_size(p->channel);
    bool gives = p->down.next < p->down.len;
    return (short)((takes ? POLLIN : 0) | (gives ? POLLOUT : 0));
}
