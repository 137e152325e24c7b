/*
 * Small JSON documents that others wrote: the configuration, the catalog, the state, control
 * messages. Rows never pass through here.
 *
 * The parser is stricter than cJSON's own: RFC 8259 to the letter, valid UTF-8, no name twice in an
 * object (but for nulls), no NUL in a string, at most JSON_DEPTH levels. What it lets through, the
 * readers below walk with a trail of struct json_at, so that every error can say where in the
 * document it is:
 *
 *   config: advanced.slotName must be a string, not a number
 *
 * Errors are ERR_CONFIG. They quote names of members; values are quoted by callers alone, who know
 * which are secret.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cJSON.h>

#include "base/err.h"
#include "base/out.h"

enum {
    JSON_DEPTH = 100,
    JSON_NUMBER_TEXT = 60, /* bytes of a number; cJSON cuts off longer ones */
};

/*
 * A place in a document. Lives on the stack, as long as the place below it and the document do.
 * `item` is NULL where there is nothing: an absent member, or an explicit null.
 */
struct json_at {
    const struct json_at *up; /* NULL: the root */
    const char *name;         /* a member's, or at the root the document's; NULL: an element */
    const cJSON *item;
    const cJSON *element; /* in an array: the element itself, which may be null; counts the index */
};

/* Parse the document called `what`. NULL and an error with line and column if it is not JSON. */
cJSON *json_parse(const char *what, const char *text, size_t len, struct err *);

struct json_at json_root(const char *what, const cJSON *);

/* A member by name, which is case-sensitive; nothing if `object` is nothing or not an object. */
struct json_at json_member(const struct json_at *object, const char *name);

/* One of the children, while iterating over them with cJSON_ArrayForEach. */
struct json_at json_child(const struct json_at *parent, const cJSON *item);

/* The value at a place, which must be there and be of that type. On failure *value is as it was. */
bool json_object(const struct json_at *, struct err *);
bool json_array(const struct json_at *, struct err *);
bool json_string(const struct json_at *, const char **value, struct err *); /* borrowed */
bool json_bool(const struct json_at *, bool *value, struct err *);

/* A whole number within [min, max]; exact up to 2^53, which is as far as `max` may go. */
bool json_integer(const struct json_at *, int64_t min, int64_t max, int64_t *value, struct err *);

/* An array of strings: a new NULL-terminated array of new strings. */
bool json_strings(const struct json_at *, char ***value, struct err *);
void json_strings_free(char ***);

/* "WHAT: PATH " and the words of the format. Returns false. */
bool json_error(const struct json_at *, struct err *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Text from outside, fit for a message: in quotes, on one line, cut after some 100 bytes. */
struct json_shown {
    char s[128];
};
struct json_shown json_show(const char *text);

/* Append a JSON string. What is not UTF-8 becomes U+FFFD. */
void json_write_string(struct out *, const char *text, size_t len);

/* Append ["a","b"] from a NULL-terminated array. */
void json_write_strings(struct out *, char *const *strings);

#endif
