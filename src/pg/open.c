/*
 * Opening and closing connections: parameters, pinned settings, and certificates.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "credentials.h"
#include "internal.h"
#include "passfile.h"
#include "pg/resolve.h"
#include "settings.h"

enum { CONNECT_TIMEOUT_US = 30 * 1000 * 1000, PARAMETERS = 24 };

struct parameters {
    const char *keys[PARAMETERS], *values[PARAMETERS];
    int count;
    int certificates[3]; /* memory files, -1: none */
    char paths[3][32], port[8];
};

static void add(struct parameters *p, const char *key, const char *value)
{
    if (value) {
        p->keys[p->count] = key;
        p->values[p->count++] = value;
    }
}

/* libpq reads certificates from files only: give it one that lives in memory. */
static bool add_certificate(struct parameters *p, int i, const char *key, const char *pem,
                            struct err *err)
{
    p->certificates[i] = -1;
    if (!pem) {
        return true;
    }
    int fd = p->certificates[i] = memfd_create(key, MFD_CLOEXEC);
    size_t len = strlen(pem);
    if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) || write(fd, pem, len) != (ssize_t)len) {
        return err_set(err, ERR_SYSTEM, "cannot hand %s to the TLS library: %s", key,
                       strerror(errno));
    }
    snprintf(p->paths[i], sizeof p->paths[i], "/proc/self/fd/%d", fd);
    add(p, key, p->paths[i]);
    return true;
}

/* With a root certificate, the server's certificate is checked by it. Tokens are sent in clear, so
 * they need TLS. */
static const char *sslmode(const struct config *config)
{
    bool token = config->credentials.auth != AUTH_PASSWORD;
    return config->sslmode       ? config->sslmode
           : config->sslrootcert ? "verify-full"
           : token               ? "require"
                                 : NULL;
}

/* `address` NULL: the host is one. */
static bool fill_parameters(struct parameters *p, const struct config *config, enum pg_kind kind,
                            const char *name, const char *address, const char *password,
                            struct err *err)
{
    char passfile[PATH_MAX];
    *p = (struct parameters){.certificates = {-1, -1, -1}};
    snprintf(p->port, sizeof p->port, "%d",
             config->tunnel_port ? config->tunnel_port : config->port);
    add(p, "host", config->host);
    add(p, "hostaddr", address);
    add(p, "port", p->port);
    add(p, "user", config->user);
    add(p, "password", password);
    if (!password && passfile_is_ignored(passfile, sizeof passfile)) {
        add(p, "passfile", "/dev/null/none"); /* which cannot be: libpq would warn by itself */
    }
    add(p, "dbname", config->database);
    add(p, "sslmode", sslmode(config));
    add(p, "application_name", name);
    add(p, "client_encoding", "UTF8");
    add(p, "keepalives_idle", "30");
    add(p, "keepalives_interval", "10");
    add(p, "keepalives_count", "3");
    add(p, "tcp_user_timeout", "60000");
    add(p, "gssencmode", "disable");
    add(p, "replication", kind == PG_REPLICATION ? "database" : NULL);
    return add_certificate(p, 0, "sslrootcert", config->sslrootcert, err) &&
           add_certificate(p, 1, "sslcert", config->sslcert, err) &&
           add_certificate(p, 2, "sslkey", config->sslkey, err);
}

static void close_certificates(struct parameters *p)
{
    for (int i = 0; i < 3; i++) {
        if (p->certificates[i] >= 0) {
            close(p->certificates[i]);
        }
    }
}

/* Drive libpq's connection machine to its end. */
static bool connect_poll(struct pg *pg, const char *address, int64_t limit_us, struct err *err)
{
    const struct config *config = pg->config;
    int64_t deadline_us = clock_monotonic_us() + limit_us;
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (step != PGRES_POLLING_OK) {
        bool ready = false;
        int64_t left_us = deadline_us - clock_monotonic_us();
        if (step == PGRES_POLLING_FAILED) {
            return pg_fail_open(pg, err);
        }
        if (!pg_poll(pg, step == PGRES_POLLING_WRITING ? POLLOUT : POLLIN,
                     left_us > 0 ? left_us : 0, &ready, err)) {
            return false;
        }
        if (!ready) {
            return err_set(err, ERR_TRANSIENT,
                           "no answer from %s%s%s%s:%d within %d s: check %s and the firewalls in "
                           "between",
                           config->host, address ? " (" : "", address ? address : "",
                           address ? ")" : "", config->port, (int)(limit_us / 1000000),
                           config_words(config)->place);
        }
        step = PQconnectPoll(pg->conn);
    }
    return true;
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static bool connect_to(struct pg *pg, const char *name, const char *address, int64_t limit_us,
                       struct err *err)
{
    struct parameters p;
    char *password;
    if (!credentials_password(pg->config, clock_wall_ms(), &password, err)) {
        return false;
    }
    bool ok = fill_parameters(&p, pg->config, pg->kind, name, address, password, err);
    if (ok) {
        pg->conn = PQconnectStartParams(p.keys, p.values, 0);
        if (!pg->conn) {
            ok = err_set(err, ERR_SYSTEM, "out of memory for a connection");
        } else if (PQstatus(pg->conn) == CONNECTION_BAD) {
            ok = pg_fail_open(pg, err);
        } else {
            PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE); /* for refusals; nothing came yet */
            ok = connect_poll(pg, address, limit_us, err);
            PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
        }
    }
    close_certificates(&p);
    free(password);
    return ok;
}

/* No answer, or one from a server that starts up or shuts down: another address may work. */
static bool may_try_next(const struct err *err)
{
    return err->kind == ERR_TRANSIENT && (!err->sqlstate[0] || !strcmp(err->sqlstate, "57P03"));
}

/* Behind a tunnel the name is looked up at its other end. */
static bool find_addresses(const struct pg *pg, struct addresses *addresses, struct err *err)
{
    if (pg->config->tunnel_port) {
        *addresses = (struct addresses){1, {"127.0.0.1"}};
        return true;
    }
    bool ok = resolve(pg->config->host, pg->stop_fd, CONNECT_TIMEOUT_US, addresses, err);
    if (!ok && err->kind == ERR_CONFIG) {
        err_suffix(err, ": correct %s in the configuration", config_words(pg->config)->host);
    }
    return ok;
}

/*
 * One address of the name after the other, each with its share of the time that is left, so that
 * one address that never answers does not use it all up.
 */
static bool connect_start(struct pg *pg, const char *name, struct err *err)
{
    struct addresses addresses;
    int64_t deadline_us = clock_monotonic_us() + CONNECT_TIMEOUT_US;
    if (!find_addresses(pg, &addresses, err)) {
        return false;
    }
    int count = addresses.count ? addresses.count : 1;
    for (int i = 0; i < count; i++) {
        int64_t left_us = deadline_us - clock_monotonic_us();
        const char *address = addresses.count ? addresses.text[i] : NULL;
        if (connect_to(pg, name, address, (left_us > 0 ? left_us : 0) / (count - i), err)) {
            return true;
        }
        if (!may_try_next(err)) {
            return false;
        }
        PQfinish(pg->conn);
        pg->conn = NULL;
    }
    return false;
}

struct pg *pg_connect(const struct config *config, enum pg_kind kind, const char *name, int stop_fd,
                      struct err *err)
{
    struct pg *pg = mem_zero(sizeof *pg);
    pg->config = config;
    pg->kind = kind;
    pg->stop_fd = stop_fd;
    if (!connect_start(pg, name, err)) {
        pg_close(&pg);
        return NULL;
    }
    pg->tls = PQsslStruct(pg->conn, "OpenSSL");
    if (PQsslInUse(pg->conn) && !pg->tls) {
        pg_close(&pg);
        err_set(err, ERR_SYSTEM, "this libpq does not use OpenSSL for TLS, and no other is known");
        return NULL;
    }
    PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
    PQsetnonblocking(pg->conn, 1);
    return pg;
}

struct pg *pg_open(const struct config *config, enum pg_kind kind, const char *name, int stop_fd,
                   struct err *err)
{
    struct pg *pg = pg_connect(config, kind, name, stop_fd, err);
    if (pg && !pg_settle(pg, err)) {
        pg_close(&pg);
    }
    return pg;
}

void pg_drop(struct pg *pg)
{
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->tls = NULL; /* was the connection's */
}

void pg_close(struct pg **pg)
{
    if (*pg) {
        PQclear((*pg)->rows);
        PQfinish((*pg)->conn);
        out_free(&(*pg)->wire.kept);
        free(*pg);
        *pg = NULL;
    }
}

int pg_server_version(const struct pg *pg)
{
    return PQserverVersion(pg->conn);
}

int pg_backend_pid(const struct pg *pg)
{
    return pg->pid;
}

bool pg_alive(const struct pg *pg)
{
    return PQstatus(pg->conn) == CONNECTION_OK;
}

bool pg_in_recovery(const struct pg *pg)
{
    return pg->in_recovery;
}

bool pg_is_local(const struct pg *pg)
{
    const char *host = PQhost(pg->conn);
    return host && *host == '/';
}
