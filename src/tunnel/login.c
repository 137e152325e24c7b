/*
 * Logging in. libssh keeps the key in memory: nothing of it is written anywhere, and it is freed as
 * soon as we are logged in.
 */
#include "login.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "pg/resolve.h"

enum { LOGIN_TIMEOUT_US = 30 * 1000 * 1000 };

struct attempt {
    const struct ssh *to;
    int stop_fd;
    int64_t deadline_us;
    ssh_session session;
};

bool session_wait(ssh_session session, int stop_fd, int64_t deadline_us, struct err *err)
{
    bool writes = ssh_get_poll_flags(session) & SSH_WRITE_PENDING;
    struct pollfd fds[2] = {{ssh_get_fd(session), (short)(writes ? POLLIN | POLLOUT : POLLIN), 0},
                            {stop_fd, POLLIN, 0}};
    int64_t left_us = deadline_us - clock_monotonic_us();
    left_us = left_us > 0 ? left_us : 0;
    struct timespec limit = {left_us / 1000000, left_us % 1000000 * 1000};
    int ready = ppoll(fds, 2, &limit, NULL);
    if (fds[1].revents) {
        return err_set(err, ERR_STOPPED, "stopped");
    }
    return ready != 0 || err_set(err, ERR_TRANSIENT, "the SSH server has stopped answering");
}

static bool fail(const struct attempt *a, const char *what, struct err *err)
{
    return err_set(err, ERR_TRANSIENT, "%s the SSH server %s:%d: %s", what, a->to->host,
                   a->to->port, ssh_get_error(a->session));
}

static bool set_options(const struct attempt *a, const char *address)
{
    static const int no = 0;
    /* No configuration files of users or the system: what is in them depends on the machine. */
    return !ssh_options_set(a->session, SSH_OPTIONS_HOST, address) &&
           !ssh_options_set(a->session, SSH_OPTIONS_PORT, &a->to->port) &&
           !ssh_options_set(a->session, SSH_OPTIONS_USER, a->to->user) &&
           !ssh_options_set(a->session, SSH_OPTIONS_PROCESS_CONFIG, &no) &&
           !ssh_options_set(a->session, SSH_OPTIONS_SSH_DIR, "/nonexistent") &&
           !ssh_options_set(a->session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") &&
           !ssh_options_set(a->session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
}

static bool reach(const struct attempt *a, const char *address, struct err *err)
{
    int result;
    if (!set_options(a, address)) {
        return fail(a, "cannot prepare for", err);
    }
    ssh_set_blocking(a->session, 0);
    while ((result = ssh_connect(a->session)) == SSH_AGAIN) {
        if (!session_wait(a->session, a->stop_fd, a->deadline_us, err)) {
            return false;
        }
    }
    return result == SSH_OK || fail(a, "cannot connect to", err);
}

static bool take_fingerprint(ssh_session session, char fingerprint[FINGERPRINT])
{
    ssh_key key = NULL;
    unsigned char *hash = NULL;
    size_t len;
    char *text = NULL;
    if (!ssh_get_server_publickey(session, &key) &&
        !ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len)) {
        text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
    }
    snprintf(fingerprint, FINGERPRINT, "%s", text ? text : "");
    ssh_string_free_char(text);
    ssh_clean_pubkey_hash(&hash);
    ssh_key_free(key);
    return *fingerprint;
}

static bool check_fingerprint(const struct attempt *a, char known[FINGERPRINT], struct err *err)
{
    char shown[FINGERPRINT];
    if (!take_fingerprint(a->session, shown)) {
        return fail(a, "cannot read the host key of", err);
    }
    if (a->to->host_key && strcmp(a->to->host_key, shown) != 0) {
        return err_set(
            err, ERR_CONFIG,
            "the SSH server %s:%d shows the host key %s, and advanced.tunnel_host_key "
            "is %s: another machine may be in between; correct the option if the server's "
            "key is another one now",
            a->to->host, a->to->port, shown, a->to->host_key);
    }
    if (*known && strcmp(known, shown) != 0) {
        return err_set(err, ERR_TRANSIENT,
                       "the SSH server %s:%d shows another host key than before: %s, and it was "
                       "%s; if that is right, start the capture again",
                       a->to->host, a->to->port, shown, known);
    }
    memcpy(known, shown, FINGERPRINT);
    return true;
}

static int try_secret(const struct attempt *a, ssh_key key)
{
    return key ? ssh_userauth_publickey(a->session, NULL, key)
               : ssh_userauth_password(a->session, NULL, a->to->password);
}

static bool prove(const struct attempt *a, ssh_key key, struct err *err)
{
    int result;
    while ((result = try_secret(a, key)) == SSH_AUTH_AGAIN) {
        if (!session_wait(a->session, a->stop_fd, a->deadline_us, err)) {
            return false;
        }
    }
    if (result == SSH_AUTH_ERROR) {
        return fail(a, "cannot log in to", err);
    }
    return result == SSH_AUTH_SUCCESS ||
           err_set(err, ERR_CONFIG,
                   "the SSH server %s:%d does not let user \"%s\" in with this %s: correct the "
                   "tunnel's user and %s",
                   a->to->host, a->to->port, a->to->user, key ? "key" : "password",
                   key ? "key, or add its public part to the server's authorized_keys"
                       : "password");
}

static bool authenticate(const struct attempt *a, struct err *err)
{
    ssh_key key = NULL;
    if (a->to->key && ssh_pki_import_privkey_base64(a->to->key, NULL, NULL, NULL, &key)) {
        return err_set(err, ERR_CONFIG,
                       "the private key of the SSH tunnel cannot be read: it must be PEM text or "
                       "OpenSSH's, and have no passphrase");
    }
    bool ok = prove(a, key, err);
    ssh_key_free(key);
    return ok;
}

/* Detect a server that is gone without notice, with the same TCP settings as libpq. */
static void watch(ssh_session session)
{
    int fd = ssh_get_fd(session), on = 1, idle_s = 30, interval_s = 10, count = 3, limit_ms = 60000;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static ssh_session try_address(const struct ssh *to, const char *address,
                               char fingerprint[FINGERPRINT], int stop_fd, int64_t limit_us,
                               struct err *err)
{
    struct attempt a = {to, stop_fd, clock_monotonic_us() + limit_us, ssh_new()};
    if (!a.session) {
        err_set(err, ERR_SYSTEM, "out of memory for an SSH session");
        return NULL;
    }
    if (!reach(&a, address, err) || !check_fingerprint(&a, fingerprint, err) ||
        !authenticate(&a, err)) {
        ssh_free(a.session); /* does not wait for a server that may not listen */
        return NULL;
    }
    watch(a.session);
    return a.session;
}

static bool look_up(const struct ssh *to, struct addresses *addresses, int stop_fd, struct err *err)
{
    if (resolve(to->host, stop_fd, LOGIN_TIMEOUT_US, addresses, err)) {
        return true;
    }
    return err->kind == ERR_CONFIG
               ? err_set(err, ERR_CONFIG,
                         "the host name of the SSH server, \"%s\", is not known: correct it in "
                         "the tunnel's configuration",
                         to->host)
               : false;
}

ssh_session login(const struct ssh *to, char fingerprint[FINGERPRINT], int stop_fd, struct err *err)
{
    struct addresses addresses;
    ssh_session session = NULL;
    if (!look_up(to, &addresses, stop_fd, err)) {
        return NULL;
    }
    int count = addresses.count ? addresses.count : 1;
    for (int i = 0; !session && i < count; i++) {
        const char *address = addresses.count ? addresses.text[i] : to->host;
        session = try_address(to, address, fingerprint, stop_fd, LOGIN_TIMEOUT_US / count, err);
        if (!session && err->kind != ERR_TRANSIENT) {
            break;
        }
    }
    return session;
}

void logout(ssh_session *session)
{
    if (*session) {
        ssh_disconnect(*session);
        ssh_free(*session);
        *session = NULL;
    }
}
