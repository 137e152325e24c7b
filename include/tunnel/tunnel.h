/*
 * An SSH tunnel (direct-tcpip, RFC 4254): a connection to a port on loopback leads through the SSH
 * server to the database's host and port.
 *
 *   libpq --loopback--> the tunnel's thread --one SSH session--> SSH server --> database
 *
 * The thread owns the session. When that is lost, so are the connections in it, as in any outage;
 * the next connection logs in again. The host key is the one that the configuration names; if it
 * names none, the key of the first login is accepted and logged, and later logins accept no other.
 */
#ifndef TUNNEL_TUNNEL_H
#define TUNNEL_TUNNEL_H

#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"
#include "runtime/log.h"

struct tunnel;

/*
 * Log in, check that the database can be reached from there, and listen: from then on, connections
 * by this configuration go through the tunnel. The configuration and the log are borrowed. Without
 * a tunnel in the configuration: does nothing and returns true. A stop_fd that is readable ends the
 * wait: ERR_STOPPED.
 */
bool tunnel_open(struct tunnel **, struct config *, struct log *, int stop_fd, struct err *);
void tunnel_close(struct tunnel **); /* NULL is fine */

#endif
