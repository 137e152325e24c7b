/*
 * Names of tables as one text: "schema.table", which names a stream in a state, a table in every
 * message, and the tables in the arguments of `backfill`.
 *
 * A part that holds a dot or a double quote is quoted as in SQL. Otherwise it is written as
 * it is, in its own case: unlike in SQL, MyTable without quotes is MyTable.
 */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include <stdbool.h>

/* Caller frees. */
char *stream_name(const char *schema, const char *table);

enum { STREAM_LABEL = 528 }; /* bytes: more than any name that a server with its usual limits has */

struct stream_label {
    char s[STREAM_LABEL];
};

/* The same by value, for messages: stream_label(schema, table).s; what is longer is cut. */
struct stream_label stream_label(const char *schema, const char *table);

/*
 * The inverse: exactly two parts, neither of them empty, each quoted or not. On success both are
 * new strings; on failure both are NULL.
 */
bool stream_name_parse(const char *name, char **schema, char **table);

#endif
