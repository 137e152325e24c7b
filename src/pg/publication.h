/* The statement that makes the publication: for the connector to run, or to name in a message. */
#ifndef PG_PUBLICATION_H
#define PG_PUBLICATION_H

#include "pg/facts.h"

/*
 * Append CREATE PUBLICATION, for all tables or for the watermarks table and those streams of the
 * catalog that can be published; without a catalog, for `others`, if not NULL, which is how SQL
 * lists tables.
 */
void publication_sql(struct out *, const struct facts *, const struct config *,
                     const struct catalog *, bool all_tables, const char *others);

/* Whether it leaves out a table that could be published, because the administrator who will make it
 * does not own that table. */
bool publication_leaves_out(const struct facts *, const struct table_facts *);

/* Whether we may make it, as far as can be known: for all tables, or for tables that are ours. */
bool publication_creatable(const struct facts *, const struct config *);

#endif
