/* Logging in to the SSH server. */
#ifndef TUNNEL_LOGIN_H
#define TUNNEL_LOGIN_H

#include <libssh/libssh.h>

#include "base/err.h"
#include "config/config.h"

/* The fingerprint of the server's key: "SHA256:…"; empty before the first login. */
enum { FINGERPRINT = 128 };

/*
 * A session that does not block. ERR_TRANSIENT: the server is not reached, or has another key than
 * `fingerprint` says; ERR_CONFIG: its key is not the one in the configuration, or it refuses our
 * key or password. Errors contain no secrets.
 */
ssh_session login(const struct ssh *, char fingerprint[FINGERPRINT], int stop_fd, struct err *);

/* Log out and free it. NULL is fine. */
void logout(ssh_session *);

/*
 * Wait until a call that returned SSH_AGAIN can be repeated, until the deadline at most. False: the
 * time has passed, or stop_fd is readable, which the error says.
 */
bool session_wait(ssh_session, int stop_fd, int64_t deadline_us, struct err *);

#endif
