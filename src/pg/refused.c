/* A connection that was not made: what the refusal means, and what to do. */
#include <limits.h>
#include <string.h>

#include "credentials.h"
#include "internal.h"
#include "passfile.h"

#define NO_PASSWORD "no password supplied"

/*
 * What a refusal means, by a mark in libpq's words; the first that fits. libpq has no result to ask
 * for the SQLSTATE of a connection that was not made, but its verbose words hold it, and the server
 * may speak any language. What has none, or not always one of its own (libpq's failures, and a
 * pooler's), is recognized by English words. {host} (with its port), {user}, {database}, {words},
 * {source} of the password, where to give one that is {missing}, and how the configuration names
 * {address} are filled in.
 */
static const struct refusal {
    const char *mark;
    enum err_kind kind;
    const char *message;
} refusals[] = {
    {"  42501: ", ERR_CONFIG,
     "user \"{user}\" may not replicate: run ALTER ROLE \"{user}\" REPLICATION (on Amazon RDS: "
     "GRANT rds_replication TO \"{user}\")"}, /* the first: for replication connections alone */
    {"  28P01: ", ERR_CONFIG,
     "the server does not accept the password of user \"{user}\": correct \"user\" in the "
     "configuration, or {source}"},
    {"password authentication failed", ERR_CONFIG,
     "the server does not accept the password of user \"{user}\": correct \"user\" in the "
     "configuration, or {source}"},
    {NO_PASSWORD, ERR_CONFIG,
     "the server asks for the password of user \"{user}\": give {missing}"},
    {"pg_hba.conf", ERR_CONFIG,
     "the server's pg_hba.conf does not let user \"{user}\" in from here: add a line for it, or "
     "set advanced.sslmode to what it asks for ({words})"},
    {"  28000: ", ERR_CONFIG,
     "the server does not let user \"{user}\" in: correct \"user\", or create it with CREATE USER "
     "({words})"},
    {"  3D000: ", ERR_CONFIG,
     "the server has no database \"{database}\": correct \"database\" in the configuration"},
    {"  42501: ", ERR_CONFIG,
     "user \"{user}\" may not connect to database \"{database}\": run GRANT CONNECT ON DATABASE "
     "\"{database}\" TO \"{user}\""},
    {"unsupported startup parameter", ERR_CONFIG,
     "a connection pooler (PgBouncer) answers at {host}, and replication cannot pass through it: "
     "set {address} to the server itself"},
    {"SSL SYSCALL error", ERR_TRANSIENT, "cannot connect to {host}: {words}"},
    {"closed unexpectedly", ERR_TRANSIENT, "cannot connect to {host}: {words}"},
    {"unexpected eof", ERR_TRANSIENT, "cannot connect to {host}: {words}"}, /* by OpenSSL 3 */
    {"SSL", ERR_CONFIG,
     "no TLS connection to {host}: {words}; check advanced.sslmode and the certificates"},
    {"certificate", ERR_CONFIG,
     "no TLS connection to {host}: {words}; check advanced.sslmode and the certificates"},
    {"Connection refused", ERR_TRANSIENT,
     "nothing answers at {host}: check {address}, and that PostgreSQL runs there"},
    {"No such file or directory", ERR_TRANSIENT,
     "nothing answers at {host}: check {address}, and that PostgreSQL runs there"},
    {"", ERR_TRANSIENT, "cannot connect to {host}: {words}"},
};

static void write_password_source(struct out *out, const struct config *c)
{
    if (c->password_file) {
        out_format(out, "the password in %s", c->password_file);
    } else if (c->password) {
        out_format(out, "its %s", config_words(c)->password);
    } else {
        out_string(out, "the password in PGPASSWORD, PGPASSFILE or ~/.pgpass");
    }
}

static void write_missing_password(struct out *out, const struct config *c)
{
    if (c->is_admin) {
        out_string(out, "it in PGPASSWORD or PGPASSFILE, in the environment");
    } else {
        out_format(out, "%s in the configuration", config_words(c)->password);
    }
}

static void fill_in(struct out *out, const char *message, const struct config *c, const char *words)
{
    for (; *message; message++) {
        if (*message != '{') {
            out_char(out, *message);
            continue;
        }
        switch (message[1]) {
        case 'a': out_string(out, config_words(c)->place); break;
        case 'm': write_missing_password(out, c); break;
        case 'h': out_format(out, "%s:%d", c->host, c->port); break;
        case 's': write_password_source(out, c); break;
        case 'u': out_string(out, c->user); break;
        case 'd': out_string(out, c->database); break;
        case 'w': out_string(out, words); break;
        }
        message = strchr(message, '}');
    }
}

/* "FATAL:  53300: …", in whatever language: five of capitals and digits, between a blank and a
 * colon. */
static void take_sqlstate(const char *words, struct err *err)
{
    const char *found = strstr(words, ":  ");
    size_t len = found ? strspn(found + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;
    if (len == 5 && found[8] == ':') {
        memcpy(err->sqlstate, found + 3, len);
        err->sqlstate[len] = '\0';
    }
}

bool pg_fail_open(struct pg *pg, struct err *err)
{
    const struct config *config = pg->config;
    char words[768], path[PATH_MAX];
    struct out message;
    const struct refusal *refusal = refusals + (pg->kind != PG_REPLICATION);
    pg_connection_words(pg, words, sizeof words);
    while (!strstr(words, refusal->mark)) {
        refusal++;
    }
    out_init(&message, 1024);
    fill_in(&message, refusal->message, config, words);
    err_set(err, refusal->kind, "%s", out_text(&message));
    take_sqlstate(words, err);
    out_free(&message);
    credentials_refused(config, err);
    if (strstr(words, NO_PASSWORD) && passfile_is_ignored(path, sizeof path)) {
        err_suffix(err, "; %s is ignored, because others may read it: run chmod 0600 %s", path,
                   path);
    }
    return !strstr(err->message, words) && err_detail(err, "%s", words);
}
