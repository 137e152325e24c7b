/* Responses, in the form in which the platform reads them. All texts are JSON. */
#ifndef FLOW_RESPOND_H
#define FLOW_RESPOND_H

#include "flow/flow.h"

/* Append a response: a line of JSON, or a frame of protobuf. */
void respond_spec(struct out *, enum flow_form, struct out *config, struct out *resource);
void respond_validated(struct out *, enum flow_form, const struct catalog *);
void respond_applied(struct out *, enum flow_form);
void respond_opened(struct out *, enum flow_form);
void respond_schema(struct out *, enum flow_form, int binding, struct out *schema);
void respond_checkpoint(struct out *, enum flow_form, struct out *updated);

/* A binding's backfill begins, or is complete. */
void respond_backfill(struct out *, enum flow_form, int binding, bool complete);

/* The bindings of one discovered response are written as they are found. `out` has no sink. */
struct found {
    const char *name;
    struct out resource, schema; /* owned by the caller, who fills them */
    char **key;                  /* NULL-terminated */
    bool fallback;
};
struct discovered {
    struct out *out;
    enum flow_form form;
    size_t start; /* of the response */
    bool some;
};
struct discovered respond_discovered(struct out *, enum flow_form);
void discovered_add(struct discovered *, struct found *);
void discovered_end(struct discovered *);

/*
 * What the printer writes before and after each document of a binding. The owner of the frame frees
 * its head.
 */
void respond_captured(struct frame *, enum flow_form, int binding);

#endif
