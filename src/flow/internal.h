/* What the files of this layer share. */
#ifndef FLOW_INTERNAL_H
#define FLOW_INTERNAL_H

#include "discover/schema.h"
#include "flow/flow.h"
#include "json/json.h"

/*
 * The bindings of what holds them, to streams, in their order. `collection` and `stateKey` are read
 * where they are there. ERR_CONFIG names the binding; then *catalog is NULL.
 */
bool bindings_read(const struct json_at *holder, struct catalog **, struct err *);

/* The one whose state has this key; -1: none. */
int binding_find(const struct catalog *, const char *state_key);

/*
 * What was captured of a table fits its mode and its filter: they may change only with a raised
 * backfill counter. `validate` holds the bindings, which the catalog was read from, and
 * "lastCapture". ERR_CONFIG names each binding that changed without.
 */
bool bindings_check_changed(const struct json_at *validate, const struct catalog *, struct err *);

/* A binding's resource config: fills the stream's part of it; and a text that is not empty. */
bool resource_read(const struct json_at *, struct catalog_stream *, struct err *);
bool resource_name(const struct json_at *, char **name, struct err *);
void resource_schema(struct out *);

/*
 * The state of an open request. One that Flow's own connector left is taken over: then *taken_over
 * is true, and `notices` has a line for what goes on, what begins again, and what cannot be proven.
 */
#define TAKEOVER_MEMBER "bindingStateV1"
bool takeover_read(const struct json_at *, const struct catalog *, struct state *, bool *taken_over,
                   struct out *notices, struct err *);

/* A name with '_' in place of all but letters, digits and "_-."; `foreign`: letters of any
 * alphabet. */
void write_plain_name(struct out *, const char *name, bool foreign);

/* How to capture one table: its documents' schema with annotations, as discovery proposes it. */
void document_schema(struct out *, const struct discovered_table *, const struct config *);

/* The same closed, without annotations, as sourcedSchema must say it. Which columns are null is
 * left to be found out from the documents. */
void sourced_schema(struct out *, const struct discovered_table *);

/*
 * "/id": pointers to the key's columns; to what is unique in every document where there is no key,
 * or one that has a column whose values cannot be a key in Flow. json_strings_free them.
 */
char **key_pointers(const struct discovered_table *);
bool is_keyable(const struct discovered_table *); /* they point to the key's columns */

#endif
