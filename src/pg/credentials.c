/*
 * Amazon's token is the presigned URL of a request that is never sent (Signature Version 4):
 *
 *   HOST:PORT/?Action=connect&DBUser=…&X-Amz-…&X-Amz-Signature=…
 *
 * It is valid for 15 minutes, so each connection gets a new one.
 */
#include "credentials.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/mem.h"
#include "base/out.h"

enum { DIGEST = 32 };

struct moment {
    char date[16], time[24]; /* 20240115, 20240115T143000Z */
};

static void write_hex(struct out *out, const unsigned char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out_format(out, "%02x", data[i]);
    }
}

/* Append text as a part of a query: all characters are escaped except the unreserved ones of RFC
 * 3986. */
static void write_escaped(struct out *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    for (; *text; text++) {
        if (strchr(plain, *text)) {
            out_char(out, *text);
        } else {
            out_format(out, "%%%02X", (unsigned char)*text);
        }
    }
}

static void hash(const void *data, size_t len, unsigned char digest[DIGEST])
{
    EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL);
}

static void sign(unsigned char key[DIGEST], size_t key_len, const char *text,
                 unsigned char to[DIGEST])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), digest, NULL);
    memcpy(to, digest, DIGEST);
}

/* In the order of the names, as the signature wants them. */
static void write_query(struct out *out, const struct config *config, const struct moment *moment)
{
    const struct credentials *c = &config->credentials;
    char *scope = mem_format("%s/%s/%s/rds-db/aws4_request", c->aws_access_key_id, moment->date,
                             c->aws_region);
    out_string(out, "Action=connect&DBUser=");
    write_escaped(out, config->user);
    out_string(out, "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=");
    write_escaped(out, scope);
    out_format(out, "&X-Amz-Date=%s&X-Amz-Expires=900", moment->time);
    if (c->aws_session_token) {
        out_string(out, "&X-Amz-Security-Token=");
        write_escaped(out, c->aws_session_token);
    }
    out_string(out, "&X-Amz-SignedHeaders=host");
    free(scope);
}

static void write_request(struct out *out, const struct config *config, const char *query)
{
    unsigned char digest[DIGEST];
    out_string(out, "GET\n/\n");
    out_string(out, query);
    out_format(out, "\nhost:%s:%d\n\nhost\n", config->host, config->port);
    hash("", 0, digest);
    write_hex(out, digest, DIGEST);
}

static void write_signature(struct out *out, const struct config *config,
                            const struct moment *moment, const struct out *request)
{
    const struct credentials *c = &config->credentials;
    unsigned char digest[DIGEST], key[DIGEST];
    struct out text;
    out_init(&text, 256);
    out_format(&text, "AWS4-HMAC-SHA256\n%s\n%s/%s/rds-db/aws4_request\n", moment->time,
               moment->date, c->aws_region);
    hash(request->data, request->len, digest);
    write_hex(&text, digest, DIGEST);
    char *secret = mem_format("AWS4%s", c->aws_secret_access_key);
    sign((unsigned char *)secret, strlen(secret), moment->date, key);
    sign(key, DIGEST, c->aws_region, key);
    sign(key, DIGEST, "rds-db", key);
    sign(key, DIGEST, "aws4_request", key);
    sign(key, DIGEST, out_text(&text), digest);
    write_hex(out, digest, DIGEST);
    free(secret);
    out_free(&text);
}

static char *aws_token(const struct config *config, int64_t now_ms)
{
    struct moment moment;
    struct out query, request, token;
    struct tm tm;
    time_t seconds = (time_t)(now_ms / 1000);
    gmtime_r(&seconds, &tm);
    strftime(moment.date, sizeof moment.date, "%Y%m%d", &tm);
    strftime(moment.time, sizeof moment.time, "%Y%m%dT%H%M%SZ", &tm);
    out_init(&query, 1024);
    out_init(&request, 1024);
    out_init(&token, 2048);
    write_query(&query, config, &moment);
    write_request(&request, config, out_text(&query));
    out_format(&token, "%s:%d/?", config->host, config->port);
    out_string(&token, out_text(&query));
    out_string(&token, "&X-Amz-Signature=");
    write_signature(&token, config, &moment, &request);
    char *text = mem_string(out_text(&token));
    out_free(&query);
    out_free(&request);
    out_free(&token);
    return text;
}

static bool missing(const char *type, const char *name, bool injected, struct err *err)
{
    return err_set(err, ERR_CONFIG, "credentials.%s is missing, which %s needs%s", name, type,
                   injected ? ": the platform injects it, once it may take on the role" : "");
}

bool credentials_password(const struct config *config, int64_t now_ms, char **password,
                          struct err *err)
{
    const struct credentials *c = &config->credentials;
    *password = NULL;
    switch (c->auth) {
    case AUTH_PASSWORD: *password = mem_string(config->password); return true;
    case AUTH_AWS:
        if (!c->aws_region) {
            return missing(c->type, "aws_region", false, err);
        }
        if (!c->aws_access_key_id || !c->aws_secret_access_key) {
            return missing(c->type,
                           c->aws_access_key_id ? "aws_secret_access_key" : "aws_access_key_id",
                           true, err);
        }
        *password = aws_token(config, now_ms);
        return true;
    case AUTH_TOKEN:
        if (!c->token) {
            return missing(c->type,
                           !strcmp(c->type, "GCPIAM") ? "gcp_access_token" : "azure_access_token",
                           true, err);
        }
        *password = mem_string(c->token);
        return true;
    }
    return false;
}

bool credentials_refused(const struct config *config, struct err *err)
{
    bool refused = !strcmp(err->sqlstate, "28P01") || !strcmp(err->sqlstate, "28000");
    if (config->credentials.auth == AUTH_PASSWORD || !refused) {
        return false;
    }
    return err_set(err, ERR_CONFIG,
                   "the server does not accept the token of user \"%s\" (%s): what the platform "
                   "injected has expired, or the role may not connect as this user; start the "
                   "capture again, so that it gets a new token, and look at the role if that is "
                   "refused too",
                   config->user, config->credentials.type);
}
