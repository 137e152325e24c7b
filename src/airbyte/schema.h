/* The JSON schema (draft-07) of a table's records in the Airbyte look. One line, no newline. */
#ifndef AIRBYTE_SCHEMA_H
#define AIRBYTE_SCHEMA_H

#include "base/out.h"
#include "config/catalog.h"
#include "pg/discover.h"

#define AIRBYTE_CURSOR "_ab_cdc_lsn"

/* Append the schema of one column's values: {"type":["string","null"],"format":"date"}. */
void airbyte_schema_column(struct out *, const struct discovered_column *);

/* Append the whole flat schema. Its properties make a catalog ask for the Airbyte look. */
void airbyte_schema(struct out *, const struct discovered_table *);

/* Of the schemas of streams that are of no table. */
extern const char *const airbyte_logical_properties[LOGICAL_STREAMS];

#endif
