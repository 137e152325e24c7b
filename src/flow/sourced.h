/* The current schemas of the tables, sent when they differ from what was sent before. */
#ifndef FLOW_SOURCED_H
#define FLOW_SOURCED_H

#include "discover/schema.h"
#include "flow/flow.h"
#include "row/relation.h"

struct sourced;

struct sourced *sourced_new(enum flow_form, int count); /* of bindings */
void sourced_free(struct sourced **);

/* What the catalogs say of a binding's table, once. */
void sourced_begin(struct sourced *, struct out *, int binding, const struct discovered_table *);

/* A relation of its stream whose records come next. */
void sourced_shape(struct sourced *, struct out *, const struct relation *);

#endif
