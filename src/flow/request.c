/*
 * Requests:
 *
 *   {"spec":{…}}
 *   {"discover":{"config":{…}}}
 *   {"validate":{"config":{…},"bindings":[binding…]}}
 *   {"apply":{"capture":{"config":{…},"bindings":[binding…]}}}
 *   {"open":{"capture":{"config":{…},"bindings":[binding…]},"state":{…}}}
 *   {"acknowledge":{"checkpoints":2}}
 *
 * The parts of a document are read under their own names ("config: user is missing"), as users know
 * them.
 */
#include <string.h>

#include "internal.h"
#include "proto.h"

static const char *const kind_names[] = {
    [FLOW_SPEC] = "spec",   [FLOW_DISCOVER] = "discover", [FLOW_VALIDATE] = "validate",
    [FLOW_APPLY] = "apply", [FLOW_OPEN] = "open",         [FLOW_ACKNOWLEDGE] = "acknowledge",
};
enum { KINDS = sizeof kind_names / sizeof *kind_names };

const char *flow_kind_name(enum flow_kind kind)
{
    return kind_names[kind];
}

void flow_request_clear(struct flow_request *request)
{
    config_free(&request->config);
    catalog_free(&request->catalog);
    state_clear(&request->state);
    *request = (struct flow_request){0};
}

/* The one member that says what is asked for. */
static bool read_kind(const struct json_at *root, enum flow_kind *kind, struct err *err)
{
    int found = 0;
    for (int i = 0; i < KINDS; i++) {
        if (json_member(root, kind_names[i]).item) {
            *kind = (enum flow_kind)i;
            found++;
        }
    }
    return found == 1 ||
           err_set(err, ERR_CONFIG,
                   "request: it holds %s of spec, discover, validate, apply, open and acknowledge",
                   found ? "more than one" : "none");
}

/* What is of no use here: a document of a collection has its key, and goes to a binding. */
static bool check_options(const struct config *config, struct err *err)
{
    const char *option = config->emit_truncates      ? "emit_truncates"
                         : config->emit_messages     ? "emit_messages"
                         : config->emit_transactions ? "emit_transactions"
                                                     : NULL;
    if (config->password_file) { /* whose author does not own this machine */
        return err_set(err, ERR_CONFIG, "config: password_file is not for Flow: give password");
    }
    return !option ||
           err_set(err, ERR_CONFIG,
                   "config: advanced.%s is not for Flow, where each document needs a binding and "
                   "the key of its collection: take it out",
                   option);
}

/* `at` holds a config, and all but discover's holds bindings. */
static bool read_capture(const struct json_at *at, struct flow_request *request,
                         struct out *notices, struct err *err)
{
    struct json_at config = json_member(at, "config");
    if (!json_object(at, err) || !json_object(&config, err)) {
        return false;
    }
    request->config = config_read(config.item, notices, err);
    return request->config && check_options(request->config, err) &&
           (request->kind == FLOW_DISCOVER || bindings_read(at, &request->catalog, err));
}

static bool read_checkpoints(const struct json_at *at, size_t *checkpoints, struct err *err)
{
    struct json_at count = json_member(at, "checkpoints");
    int64_t value = 0;
    if (count.item && !json_integer(&count, 0, UINT32_MAX, &value, err)) {
        return false;
    }
    *checkpoints = value ? (size_t)value : 1;
    return true;
}

static bool read_body(const struct json_at *at, struct flow_request *request, struct out *notices,
                      struct err *err)
{
    struct json_at capture = json_member(at, "capture"), state = json_member(at, "state");
    if (!json_object(at, err)) {
        return false;
    }
    switch (request->kind) {
    case FLOW_SPEC: return true;
    case FLOW_DISCOVER: return read_capture(at, request, notices, err);
    case FLOW_VALIDATE:
        return read_capture(at, request, notices, err) &&
               bindings_check_changed(at, request->catalog, err);
    case FLOW_APPLY: return read_capture(&capture, request, notices, err);
    case FLOW_OPEN:
        return read_capture(&capture, request, notices, err) &&
               takeover_read(&state, request->catalog, &request->state, &request->taken_over,
                             notices, err);
    case FLOW_ACKNOWLEDGE: return read_checkpoints(at, &request->checkpoints, err);
    }
    return false;
}

bool flow_request_parse(struct flow_request *request, enum flow_form form, const char *line,
                        size_t len, struct out *notices, struct err *err)
{
    *request = (struct flow_request){0};
    cJSON *document =
        form == FLOW_PROTO ? proto_request(line, len, err) : json_parse("request", line, len, err);
    struct json_at root = json_root("request", document);
    bool ok = document && json_object(&root, err) && read_kind(&root, &request->kind, err);
    if (ok) {
        struct json_at body = json_member(&root, kind_names[request->kind]);
        ok = read_body(&body, request, notices, err);
    }
    cJSON_Delete(document);
    if (!ok) {
        flow_request_clear(request);
    }
    return ok;
}
