/* Which tables a discovery shows, as SQL. */
#ifndef PG_DISCOVER_FILTER_H
#define PG_DISCOVER_FILTER_H

#include "base/out.h"
#include "config/catalog.h"
#include "config/config.h"

struct discover_scope {
    const struct config *config;
    const struct catalog *only; /* NULL: all that the config lets through */
    bool bindable;              /* see tables_discover_bindable; without `only` */
    bool unreadable;            /* also tables that this user may not read */
};

/*
 * Append a condition on table `c`, of pg_class, and its schema `n`, of pg_namespace. It may ask a
 * relation `published` for `relid`: what the publication publishes.
 */
void discover_filter_sql(struct out *, const struct discover_scope *, int version);

#endif
