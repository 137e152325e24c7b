/*
 * The JSON schema (draft-07) of a table's records, as docs/records.md says. One line,
 * no newline.
 *
 * Every record holds the key; other columns may be absent: a delete has only the key, and a large
 * value that an update did not touch is not sent.
 */
#ifndef DISCOVER_SCHEMA_H
#define DISCOVER_SCHEMA_H

#include <stdbool.h>

#include "base/out.h"
#include "pg/discover.h"

/*
 * Append the schema of one column's values:
 *
 *   {"type":["string","null"],"format":"date","description":"due (source type: date)"}
 *
 * The labels of an enum are left out: a label that is added later would violate the schema.
 */
void schema_column(struct out *, const struct discovered_column *);

/* The same for values that are not null, without the description. */
void schema_column_sourced(struct out *, const struct discovered_column *);

/* Whether the column's values, but for nulls, are all strings, all integers, or all booleans. */
bool schema_is_plain(const struct discovered_column *);

/*
 * Append the members of "properties", one for each column: "id":{…},"name":{…}, their values by
 * `write`, which is one of the two above. False: there are none.
 */
bool schema_columns(struct out *, const struct discovered_table *,
                    void (*write)(struct out *, const struct discovered_column *));

/*
 * Append the schema of "_meta". `before` is the schema of the row before an update; the other
 * strings are further members of the schemas of "_meta" and of its "source", with their leading
 * commas: ",\"additionalProperties\":false".
 */
struct schema_meta {
    const char *before, *members, *source_members;
};
void schema_meta(struct out *, const struct schema_meta *);

/* Append the array of the key's column names: ["id"]. */
void schema_key(struct out *, const struct discovered_table *);

#endif
