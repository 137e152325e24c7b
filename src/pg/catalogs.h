/* SQL that several questions to the system catalogs have in common, by server version. */
#ifndef PG_CATALOGS_H
#define PG_CATALOGS_H

#include <stddef.h>

#include "base/out.h"
#include "config/config.h"

/* A name, or a table's name with its schema, quoted as in SQL. Caller frees. */
char *sql_name(const char *name);
char *sql_table(const char *schema, const char *table);

/*
 * Append an expression: whether index `i`, of pg_index, tells rows apart at every moment: it is
 * unique and valid, neither partial nor deferrable, and only of stored columns that are NOT NULL.
 */
void usable_index_sql(struct out *, int version);

/*
 * Append a condition: index `i` is a usable one of table `oid`, and lies within `key`, the names of
 * columns as text[]. Both are expressions. NULL is a key without columns.
 */
void index_within_sql(struct out *, const char *oid, const char *key, int version);

/*
 * Append a SELECT of each table's best key: of the usable indexes the primary key, or else the
 * replica identity, or else the one with fewest columns. Columns: indrelid, indkey,
 * indcollation, indclass, width (how many of indkey are the key, and not INCLUDEd), indisprimary.
 * `condition` restricts `i`, of pg_index.
 */
void keys_sql(struct out *, int version, const char *condition);

/* An expression: whether table `c`, of pg_class, has a replica identity. */
extern const char identified_sql[];

/* An expression: whether table `c`, of pg_class, is of a kind that discover shows. */
const char *offered_kind_sql(const struct config *, int version);

/* An expression: whether column `a`, of pg_attribute, never holds a null. */
const char *not_null_sql(int version);

/* An expression: whether column `a` is generated; such columns are not replicated. */
const char *generated_sql(int version);

/* An expression: how many columns of index `i`, of pg_index, are its key. */
const char *key_width_sql(int version);

/* What a pg_class.relkind is, with its article. */
const char *kind_name(char kind);

#endif
