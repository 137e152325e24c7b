/* One connection in the tunnel: a local socket and its channel in the session. */
#ifndef TUNNEL_PIPE_H
#define TUNNEL_PIPE_H

#include <libssh/libssh.h>

#include "config/config.h"

struct pipe;

/* Takes the socket, which must not block. Opens the channel as it is moved. */
struct pipe *pipe_new(ssh_session, int fd, const struct config *to);
void pipe_free(struct pipe **);

enum pipe_move {
    PIPE_WAITS,   /* until the session or the socket is ready */
    PIPE_MORE,    /* there is more to move, but other connections get their turn first */
    PIPE_ENDED,   /* one side has closed it, and has received what the other sent */
    PIPE_REFUSED, /* the SSH server cannot reach the database; ssh_get_error says why */
};

/* Move what can be moved now, in both directions, up to a limit; nothing waits. */
enum pipe_move pipe_move(struct pipe *);

int pipe_fd(const struct pipe *);
short pipe_wants(const struct pipe *); /* poll's events of the socket that it waits for; 0: none */

#endif
