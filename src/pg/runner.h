/*
 * Who runs a statement of setup-sql, where an administrator is no superuser. Each function is about
 * the last statement of the last problem; without such an administrator (facts->admin) it does
 * nothing.
 */
#ifndef PG_RUNNER_H
#define PG_RUNNER_H

#include "base/problems.h"
#include "pg/facts.h"

/* The statement takes the rights of this owner; NULL: the administrator has them. */
void left_to_owner(struct problems *, const struct facts *, const char *owner);

/* It adds this table to the publication, which takes the rights of both owners; NULL: a table of
 * the administrator's. */
void left_to_publisher(struct problems *, const struct facts *, const struct table_facts *);

/* It grants or changes the capture's own role; the second: it gives that role REPLICATION. */
void left_to_administrator(struct problems *, const struct facts *);
void left_to_replicator(struct problems *, const struct facts *);

/* It takes rights that come with no object. */
void left_to(struct problems *, const struct facts *, const char *runner);

/* What the administrator creates next takes a right that others have to give first: add that. */
void mend_create_in_database(struct problems *, const struct facts *);
void mend_create_in_schema(struct problems *, const struct facts *, const struct table_facts *,
                           const char *schema);

#endif
