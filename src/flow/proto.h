/*
 * Flow's protobuf form (capture.proto): a frame is the length of its message, four bytes with the
 * lowest first, and the message.
 */
#ifndef FLOW_PROTO_H
#define FLOW_PROTO_H

#include "base/err.h"
#include "base/out.h"
#include "capture.pb-c.h"
#include "emit/printer.h"

struct cJSON;

/* A request as the document that it is in JSON; cJSON_Delete it. NULL: ERR_CONFIG. */
struct cJSON *proto_request(const char *message, size_t len, struct err *);

/* Append a frame. */
void proto_write(struct out *, const Capture__Response *);

/*
 * A response of bindings that are appended one by one, to an `out` without a sink. Its lengths are
 * filled in at the end, at its start.
 */
void proto_begin_discovered(struct out *);
void proto_add_discovered(struct out *, const Capture__Response__Discovered__Binding *);
void proto_end_discovered(struct out *, size_t start);

/* A printer's frame; its head is a new one. */
void proto_captured(struct frame *, uint32_t binding);

#endif
