/*
 * Flow's capture protocol: requests come in, and responses go out, each a line of JSON, or a frame of
 * protobuf.
 *
 *   spec -> spec    discover -> discovered    validate -> validated    apply -> applied
 *   open -> opened, then sourcedSchema, captured and checkpoint; acknowledge -> nothing
 *
 * Nothing here reads or waits for requests: the caller does, and keeps their order.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/out.h"
#include "config/catalog.h"
#include "config/config.h"
#include "engine/engine.h"
#include "runtime/ledger.h"
#include "runtime/log.h"
#include "state/state.h"

enum flow_form {
    FLOW_JSON,
    FLOW_PROTO,
};

enum flow_kind {
    FLOW_SPEC,
    FLOW_DISCOVER,
    FLOW_VALIDATE,
    FLOW_APPLY,
    FLOW_OPEN,
    FLOW_ACKNOWLEDGE,
};

struct flow_request {
    enum flow_kind kind;
    struct config *config;   /* owned; discover, validate, apply, open */
    struct catalog *catalog; /* owned; a stream for each binding: validate, apply, open */
    struct state state;      /* open */
    bool taken_over;         /* the state is of Flow's own connector: see takeover_read */
    size_t checkpoints;      /* acknowledge; at least 1 */
};

/*
 * Read one line, without its newline, or one message, without its length. Unknown members of the
 * protocol's own are ignored. ERR_CONFIG says what is wrong and quotes no secret; then *request is
 * empty. `notices` are config_parse's.
 */
bool flow_request_parse(struct flow_request *, enum flow_form, const char *line, size_t len,
                        struct out *notices, struct err *);
void flow_request_clear(struct flow_request *);
const char *flow_kind_name(enum flow_kind); /* "open" */

/* Append the response. On failure it is cut off. */
void flow_spec(enum flow_form, struct out *);
bool flow_discover(const struct config *, enum flow_form, int stop_fd, struct out *, struct err *);
void flow_applied(enum flow_form, struct out *);

/*
 * The bindings, after asking the server for all that a capture would need. A problem is an error;
 * of several, each has a line in its message. The capture may be running meanwhile.
 */
bool flow_validate(const struct config *, const struct catalog *, enum flow_form, int stop_fd,
                   struct out *, struct err *);

/*
 * What an open is answered with before any document: opened, the schema of each binding as the
 * table is now, and a checkpoint without news, which puts the schemas into effect. All borrowed.
 * The first checkpoint after them leaves out what the state says already.
 *
 * Where no binding has a state, the state is dropped: no binding continues from its cursor. So a
 * capture that has a gap can backfill all its bindings again. `taken_over`: the first checkpoint
 * takes out what the other connector had in the state.
 */
struct flow_capture;
struct flow_capture *flow_capture_new(const struct config *, const struct catalog *, struct state *,
                                      bool taken_over, enum flow_form, struct ledger *);
void flow_capture_free(struct flow_capture **);
bool flow_open(struct flow_capture *, int stop_fd, struct out *, struct err *);

/* How the capture then speaks. */
struct codec flow_codec(struct flow_capture *);

/*
 * A log line for the platform, with its fields behind:
 *
 *   {"level":"info","msg":"…","ts":"2024-01-15T14:30:00.123Z","thread":"merger",…}
 *
 * A status is what its dashboard shows: it has "eventType":"connectorStatus" before them.
 */
void flow_log(struct out *, const struct log_entry *, int64_t now_ms);

/* What came on standard input and was not yet looked at, request by request. */
struct flow_lines {
    enum flow_form form;
    struct out text;
    size_t next;   /* where the next line begins */
    size_t looked; /* no newline before this */
};

void flow_lines_init(struct flow_lines *, enum flow_form);
void flow_lines_free(struct flow_lines *);

/* ERR_CONFIG: a line of a size that no platform sends. */
bool flow_lines_add(struct flow_lines *, const char *data, size_t len, struct err *);

/*
 * The next line, without its newline, or message, without its length; it is valid until more is
 * added. NULL: it is not all there yet. Lines of blanks alone are passed over. `ended`: nothing will
 * be added, so what is left is a line too; ERR_CONFIG: it is a message that is cut off.
 */
bool flow_lines_next(struct flow_lines *, bool ended, const char **line, size_t *len, struct err *);

#endif
