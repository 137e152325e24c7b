/*
 * The one list of options. What a row says drives the parser (config.c), the schema (schema.c) and
 * the suggestions (nearest.c).
 *
 * A new option needs a field in struct config (config/config.h), a row in options.c or one of the
 * files that it includes, a row in docs/configuration.md, whose text a test compares with this one,
 * and, if it is a string, a line in config_free().
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "json/json.h"

enum option_flag {
    OPTION_REQUIRED = 1,
    OPTION_SECRET = 2,    /* masked in forms; its value goes into no message */
    OPTION_MULTILINE = 4, /* a form shows a text area */
    OPTION_NOTICE = 8,    /* accepted, but not acted on */
    OPTION_BLANK = 16,    /* "" means not given, as in Flow's captures */
    OPTION_HIDDEN = 32,   /* accepted, but no part of the schema */
    OPTION_FLOW = 64,     /* Flow's alone: Airbyte's forms leave it out */
    OPTION_SHOWN = 128,   /* Airbyte's forms show it beside what is required */
    OPTION_FLAT = 256,    /* Flow has another spelling of it: its forms leave this one out */
    OPTION_IAM = 512,     /* of a group: Flow adds the members that a cloud's role provides */
};

#define OPTION_NO_FIELD SIZE_MAX

enum { SLOT_NAME = 63 }; /* PostgreSQL's NAMEDATALEN - 1 */
#define SLOT_SUFFIX                                                                                \
    "__full_refresh" /* of other_slot, slot_name must not end in it: such slots are dropped */

struct option {
    const char *path; /* "slot_name", or "advanced.slotName" inside an object */
    const char *type; /* JSON schema's */
    /* Check the value at a place, which is there and not null, and store it at `field` of the
     * config. */
    bool (*read)(const struct json_at *, const struct option *, struct config *, struct err *);
    size_t field; /* two options with one field are two spellings of one thing */
    unsigned flags;
    const char *title, *description;
    const char *fallback;       /* the default, as JSON; NULL: none */
    const char *const *choices; /* NULL-terminated; NULL: any value */
    int64_t min, max;           /* of whole numbers */
    /* For forms alone: `read` does the checking. A regular expression that every accepted value
     * matches, the same in words, and an example as JSON; NULL: none. */
    const char *pattern, *pattern_says, *example;
    void (*members)(struct out *); /* of an object: more of its schema; NULL: nothing */
};

/* An object that holds options. */
struct option_group {
    const char *name;
    const char *title, *description;
    unsigned flags;
};

extern const struct option options[];
extern const int option_count;
extern const struct option_group option_groups[];
extern const int option_group_count;

/* The group that an option's path begins with, or NULL; *leaf is the name within it. */
const struct option_group *option_group(const struct option *, const char **leaf);

/* The option whose path is nearest to an unknown one. */
const struct option *option_nearest(const char *path);

/* For readers: option_field is where the value goes; option_text reads a string that must not be
 * empty. */
void *option_field(struct config *, const struct option *);
void option_set_string(struct config *, const struct option *, const char *value);
bool option_text(const struct json_at *, const char **text, struct err *);

/* Append a notice for each of Flow's feature flags that is not known here. */
void flags_notice(const char *text, struct out *notices);

/* Readers, for the table. */
bool read_string(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_host(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_address(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_choice(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_state_type(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_untracked(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_failover_slot(const struct json_at *, const struct option *, struct config *,
                        struct err *);
bool read_interval(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_slot(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_table(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_table_list(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_schemas(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_int(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_xid(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_duration(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_bool(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_nothing(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_auth(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_flags(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_patterns(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_prefixes(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_unpublished(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_tunnel(const struct json_at *, const struct option *, struct config *, struct err *);
bool read_tunnel_method(const struct json_at *, const struct option *, struct config *,
                        struct err *);
bool read_host_key(const struct json_at *, const struct option *, struct config *, struct err *);
void network_tunnel_schema(struct out *);
void tunnel_method_schema(struct out *);

#endif
