/* HTTP, by libmicrohttpd in a thread of its own. It only ever answers GET and HEAD. */
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "metrics/metrics.h"

enum {
    CONNECTIONS = 16,
    IDLE_S = 10, /* an idle connection is closed */
};

struct metrics_server {
    const struct metrics_source *source;
    struct MHD_Daemon *daemon;
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type,
                               const struct out *body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_COPY);
    if (!response) {
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static unsigned answer(const struct metrics_server *server, const char *url, const char *method,
                       const char **type, struct out *body)
{
    int64_t now_us = clock_monotonic_us();
    *type = "text/plain; charset=utf-8";
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        out_string(body, "only GET and HEAD are answered\n");
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    if (!strcmp(url, "/metrics")) {
        *type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_write(body, server->source, now_us, clock_wall_ms());
        return MHD_HTTP_OK;
    }
    if (!strcmp(url, "/healthz")) {
        enum health health = metrics_health(server->source->progress, now_us);
        out_format(body, "%s\n", metrics_health_words(health));
        return health == HEALTH_STARTING || health == HEALTH_MOVING ? MHD_HTTP_OK
                                                                    : MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    out_string(body, "there are /metrics and /healthz\n");
    return MHD_HTTP_NOT_FOUND;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_len, void **of_request)
{
    struct out body;
    const char *type;
    (void)version;
    (void)data;
    if (*data_len) { /* a body is not used */
        *data_len = 0;
        return MHD_YES;
    }
    if (!*of_request) { /* only the head has come: a body may follow */
        *of_request = context;
        return MHD_YES;
    }
    out_init(&body, 16 * 1024);
    unsigned status = answer(context, url, method, &type, &body);
    enum MHD_Result result = respond(connection, status, type, &body);
    out_free(&body);
    return result;
}

/* Check the port: getaddrinfo() accepts any number, and keeps its last sixteen bits. */
static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits && digits < 6 && !text[digits] && strtol(text, NULL, 10) <= UINT16_MAX;
}

/* "PORT", "ADDRESS:PORT" or "[ADDRESS]:PORT". */
static bool find_address(const char *address, struct addrinfo **found, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    const char *colon = strrchr(address, ':'), *port = colon ? colon + 1 : address;
    char *host = colon ? mem_string_n(address, (size_t)(colon - address)) : mem_string("127.0.0.1");
    size_t len = strlen(host);
    bool bracketed = len > 2 && *host == '[' && host[len - 1] == ']';
    host[bracketed ? len - 1 : len] = '\0';
    bool ok = len && is_port(port) && !getaddrinfo(host + bracketed, port, &hints, found);
    free(host);
    return ok || err_set(err, ERR_CONFIG,
                         "metrics cannot be served at \"%s\": it must be a port, or an address and "
                         "a port, as 127.0.0.1:9187 or [::1]:9187",
                         address);
}

struct metrics_server *metrics_serve(const char *address, const struct metrics_source *source,
                                     struct err *err)
{
    struct addrinfo *found = NULL;
    if (!find_address(address, &found, err) || !found) {
        return NULL;
    }
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO |
                     (found->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    struct metrics_server *server = mem_zero(sizeof *server);
    server->source = source;
    errno = 0;
    server->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, found->ai_addr,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
    if (!server->daemon) {
        err_set(err, ERR_CONFIG, "metrics cannot be served at \"%s\": %s", address,
                errno ? strerror(errno) : "the server did not start");
        free(server);
        server = NULL;
    }
    freeaddrinfo(found);
    return server;
}

int metrics_port(const struct metrics_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void metrics_close(struct metrics_server **server)
{
    if (*server) {
        MHD_stop_daemon((*server)->daemon);
        free(*server);
        *server = NULL;
    }
}
