/* Judging the facts of tables. */
#ifndef PG_PROBLEMS_TABLE_H
#define PG_PROBLEMS_TABLE_H

#include "base/problems.h"
#include "pg/facts.h"

/* problems_watermarks.c */
void find_watermarks(const struct facts *, const struct config *, struct problems *problems);

/* `i` is the stream's place in facts->tables. */
void find_table(const struct facts *, int i, const struct config *, const struct catalog_stream *,
                struct problems *problems);

/* Find only what may be wrong with a table that a user has not named: that it cannot be read, or not
 * be added to the publication. */
bool find_uncapturable(const struct facts *, int i, const struct config *,
                       const struct catalog_stream *, struct problems *problems);

/* Append the statement that the schema of the table needs, if any; `user` is quoted as in SQL. */
void mend_schema(const struct facts *, const struct table_facts *, const char *schema,
                 const char *user, struct problems *);

/* Where the table is not in the publication: either we may add it, or an owner of both must. `name`
 * is quoted as in SQL. */
void find_unpublished(const struct facts *, const struct table_facts *, const struct config *,
                      const char *name, struct problems *problems);

/* Whether prerequisites_create has to add the table to the publication that exists. */
bool table_unpublished(const struct facts *, const struct table_facts *);

#endif
