/* Reading requests, and answering them in their order. */
#include "flow/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/counter.h"
#include "tunnel/tunnel.h"

enum { READ_BYTES = 64 * 1024 };

struct session {
    const struct flow_host *host;
    struct tunnel *tunnel; /* of the request in hand, or of the capture */
    enum flow_form form;
    struct flow_lines lines;
    bool ended; /* there is no more input */
    struct ledger *ledger;
    struct listener listener;
};

/* What is there now; waits if nothing is. */
static bool read_input(struct session *s, struct err *err)
{
    char data[READ_BYTES];
    ssize_t len = read(STDIN_FILENO, data, sizeof data);
    if (len < 0) {
        return errno == EINTR ||
               err_set(err, ERR_SYSTEM, "cannot read standard input: %s", strerror(errno));
    }
    s->ended = len == 0;
    return flow_lines_add(&s->lines, data, (size_t)len, err);
}

static bool wait_for_input(struct session *s, struct err *err)
{
    struct pollfd fds[2] = {{s->host->stop_fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0) {
    }
    if (fds[0].revents) {
        return err_set(err, ERR_STOPPED, "stopped");
    }
    return read_input(s, err);
}

static bool parse(struct session *s, const char *line, size_t len, struct flow_request *request,
                  struct err *err)
{
    struct out notices;
    out_init(&notices, 256);
    bool ok = flow_request_parse(request, s->form, line, len, &notices, err);
    log_lines(s->host->log, LOG_WARN, out_text(&notices));
    out_free(&notices);
    return ok;
}

/* *some is false at the end of the input. */
static bool next_request(struct session *s, struct flow_request *request, bool *some,
                         struct err *err)
{
    const char *line;
    size_t len;
    for (;;) {
        if (!flow_lines_next(&s->lines, s->ended, &line, &len, err)) {
            return false;
        }
        *some = line != NULL;
        if (*some || s->ended) {
            return !*some || parse(s, line, len, request, err);
        }
        if (!wait_for_input(s, err)) {
            return false;
        }
    }
}

static bool open_tunnel(struct session *s, const struct flow_request *request, struct err *err)
{
    return tunnel_open(&s->tunnel, request->config, s->host->log, s->host->stop_fd, err);
}

static bool write_answer(struct session *s, const struct flow_request *request, struct out *out,
                         struct err *err)
{
    int stop_fd = s->host->stop_fd;
    switch (request->kind) {
    case FLOW_SPEC: flow_spec(s->form, out); return true;
    case FLOW_DISCOVER:
        return open_tunnel(s, request, err) &&
               flow_discover(request->config, s->form, stop_fd, out, err);
    case FLOW_VALIDATE:
        return open_tunnel(s, request, err) &&
               flow_validate(request->config, request->catalog, s->form, stop_fd, out, err);
    case FLOW_APPLY: flow_applied(s->form, out); return true;
    case FLOW_OPEN:
    case FLOW_ACKNOWLEDGE: break;
    }
    return err_set(err, ERR_CONFIG, "request: %s comes before a capture is open",
                   flow_kind_name(request->kind));
}

static bool answer(struct session *s, const struct flow_request *request, struct err *err)
{
    struct out out;
    out_init(&out, 64 * 1024);
    bool ok = write_answer(s, request, &out, err) && s->host->write(s->host->context, &out, err);
    tunnel_close(&s->tunnel);
    out_free(&out);
    return ok;
}

/* The flushed LSN moves with the newest checkpoint that is acknowledged. */
static bool acknowledge(struct session *s, const struct flow_request *request, struct err *err)
{
    uint64_t cursor;
    if (request->kind != FLOW_ACKNOWLEDGE) {
        return err_set(err, ERR_CONFIG, "request: %s comes after the capture was opened",
                       flow_kind_name(request->kind));
    }
    if (!ledger_take(s->ledger, request->checkpoints, &cursor)) {
        return err_set(err, ERR_CONFIG,
                       "request: it acknowledges %zu checkpoints, and %zu are not acknowledged yet",
                       request->checkpoints, ledger_count(s->ledger));
    }
    shared_store(s->host->acknowledged, cursor);
    return true;
}

static bool take_acknowledgement(struct session *s, const char *line, size_t len, struct err *err)
{
    struct flow_request request;
    bool ok = parse(s, line, len, &request, err) && acknowledge(s, &request, err);
    flow_request_clear(&request);
    return ok;
}

static bool take_acknowledgements(struct session *s, struct err *err)
{
    const char *line;
    size_t len;
    bool ok;
    do {
        ok = flow_lines_next(&s->lines, s->ended, &line, &len, err) &&
             (!line || take_acknowledgement(s, line, len, err));
    } while (ok && line);
    s->listener.fd = s->ended ? -1 : STDIN_FILENO;
    return ok;
}

static bool take_input(void *context, struct err *err)
{
    struct session *s = context;
    return read_input(s, err) && take_acknowledgements(s, err);
}

/* What comes before the documents, and acknowledgements that are there already. */
static bool begin_capture(struct session *s, const struct flow_request *open,
                          struct flow_capture *capture, struct err *err)
{
    const struct flow_host *host = s->host;
    struct out out;
    out_init(&out, 64 * 1024);
    log_status(host->log, "Connecting to %s:%d", open->config->host, open->config->port);
    bool ok = open_tunnel(s, open, err) && flow_open(capture, host->stop_fd, &out, err) &&
              host->write(host->context, &out, err);
    out_free(&out);
    if (ok) {
        log_status(host->log, "Verifying the slot, the publication and the tables");
    }
    s->listener = (struct listener){STDIN_FILENO, take_input, NULL, s};
    return ok && take_acknowledgements(s, err);
}

static bool capture(struct session *s, struct flow_request *open, struct err *err)
{
    const struct flow_host *host = s->host;
    const char *shutdown = getenv("SHUTDOWN_AFTER_POLLING");
    open->catalog->tail = !shutdown || strcasecmp(shutdown, "yes") != 0;
    bool given = open->state.checkpoint != NULL;
    struct flow_capture *capture = flow_capture_new(open->config, open->catalog, &open->state,
                                                    open->taken_over, s->form, s->ledger);
    if (given && !open->state.checkpoint) {
        log_line(host->log, LOG_WARN,
                 "no binding goes on from the state: all are backfilled again");
    }
    bool ok = begin_capture(s, open, capture, err) &&
              host->capture(host->context, open, flow_codec(capture), &s->listener, err);
    flow_capture_free(&capture);
    tunnel_close(&s->tunnel); /* before the configuration that it borrows is freed */
    return ok;
}

static bool serve(struct session *s, struct err *err)
{
    for (;;) {
        struct flow_request request = {0};
        bool some, ok = next_request(s, &request, &some, err);
        if (!ok || !some) {
            return ok;
        }
        bool opens = request.kind == FLOW_OPEN;
        ok = opens ? capture(s, &request, err) : answer(s, &request, err);
        flow_request_clear(&request);
        if (!ok || opens) {
            return ok;
        }
    }
}

/* The platform reads the image's label of that name, and runs the image with the variable. */
static bool choose_form(enum flow_form *form, struct err *err)
{
    const char *codec = getenv("FLOW_RUNTIME_CODEC");
    *form = codec && !strcmp(codec, "proto") ? FLOW_PROTO : FLOW_JSON;
    return !codec || !*codec || *form == FLOW_PROTO || !strcmp(codec, "json") ||
           err_set(err, ERR_CONFIG, "FLOW_RUNTIME_CODEC is \"%.40s\"; it must be json or proto",
                   codec);
}

bool flow_session(const struct flow_host *host, struct err *err)
{
    struct session session = {.host = host};
    if (!choose_form(&session.form, err)) {
        return false;
    }
    session.ledger = ledger_new();
    flow_lines_init(&session.lines, session.form);
    bool ok = serve(&session, err);
    flow_lines_free(&session.lines);
    ledger_free(&session.ledger);
    return ok;
}
