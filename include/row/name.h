/*
 * Names of tables as one text: "schema.table", which also names a stream in a state.
 *
 * A part that holds a dot or a double quote is quoted as in SQL. Otherwise a part stands for
 * itself, in its own case: unlike in SQL, MyTable without quotes is MyTable.
 */
#ifndef ROW_NAME_H
#define ROW_NAME_H

#include <stdbool.h>

/* Caller frees. */
char *stream_name(const char *schema, const char *table);

/*
 * The inverse: exactly two parts, neither of them empty, each quoted or not. On success both are
 * new strings; on failure both are NULL.
 */
bool stream_name_parse(const char *name, char **schema, char **table);

#endif
