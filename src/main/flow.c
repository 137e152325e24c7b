/*
 * Flow's protocol on standard input and output.
 *
 *   REQUESTS --open--> CAPTURE
 *
 * Until a capture is opened, requests are answered one after the other, and the end of the input is
 * the end. From then on only acknowledgements are expected, and the end of the input changes
 * nothing.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow/flow.h"
#include "program.h"
#include "runtime/counter.h"
#include "tunnel/tunnel.h"

enum { READ_BYTES = 64 * 1024 };

struct session {
    struct program *program;
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
    struct pollfd fds[2] = {{s->program->signals, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
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
    say_notices(s->program->log, &notices);
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
    struct program *p = s->program;
    return tunnel_open(&p->tunnel, request->config, p->log, p->signals, err);
}

static bool write_answer(struct session *s, const struct flow_request *request, struct out *out,
                         struct err *err)
{
    int signals = s->program->signals;
    switch (request->kind) {
    case FLOW_SPEC: flow_spec(s->form, out); return true;
    case FLOW_DISCOVER:
        return open_tunnel(s, request, err) &&
               flow_discover(request->config, s->form, signals, out, err);
    case FLOW_VALIDATE:
        return open_tunnel(s, request, err) &&
               flow_validate(request->config, request->catalog, s->form, signals, out, err);
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
    bool ok = write_answer(s, request, &out, err) && write_out(s->program, &out, err);
    tunnel_close(&s->program->tunnel);
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
    shared_store(&s->program->acknowledged, cursor);
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

static bool open_capture(struct session *s, struct flow_capture *capture, struct err *err)
{
    struct program *p = s->program;
    struct progress progress = {0};
    struct out out;
    out_init(&out, 64 * 1024);
    log_status(p->log, "Connecting to %s:%d", p->config->host, p->config->port);
    bool ok = tunnel_open(&p->tunnel, p->config, p->log, p->signals, err) &&
              flow_open(capture, p->signals, &out, err) && write_out(p, &out, err);
    out_free(&out);
    if (ok) {
        log_status(p->log, "Verifying the slot, the publication and the tables");
    }
    s->listener = (struct listener){STDIN_FILENO, take_input, NULL, s};
    ok = ok && take_acknowledgements(s, err) && (p->run = run_new(err)) &&
         capture_run(p, flow_codec(capture), &progress, &s->listener, err);
    progress_clear(&progress);
    return ok;
}

/* The program owns what it works with; the platform's wish to end when caught up comes from the
 * environment. */
static bool take_open(struct session *s, struct flow_request *request, struct err *err)
{
    struct program *p = s->program;
    const char *shutdown = getenv("SHUTDOWN_AFTER_POLLING");
    p->config = request->config;
    p->catalog = request->catalog;
    p->state = request->state;
    bool taken_over = request->taken_over;
    *request = (struct flow_request){0};
    p->catalog->tail = !shutdown || strcasecmp(shutdown, "yes") != 0;
    bool given = p->state.checkpoint != NULL;
    struct flow_capture *capture =
        flow_capture_new(p->config, p->catalog, &p->state, taken_over, s->form, s->ledger);
    if (given && !p->state.checkpoint) {
        log_line(p->log, LOG_WARN, "no binding goes on from the state: all are backfilled again");
    }
    bool ok = open_capture(s, capture, err);
    flow_capture_free(&capture);
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
        if (request.kind == FLOW_OPEN) {
            return take_open(s, &request, err);
        }
        ok = answer(s, &request, err);
        flow_request_clear(&request);
        if (!ok) {
            return false;
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

bool flow_run(struct program *p, struct err *err)
{
    struct session session = {.program = p};
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
