/*
 * The SQL that the configured user and tables still need on this server, for an administrator to
 * run: what prerequisites_check() would find, as statements.
 */
#ifndef PG_SETUP_H
#define PG_SETUP_H

#include "config/catalog.h"
#include "config/config.h"
#include "pg/pg.h"

/* Providers of servers: what an administrator may do depends on them. NULL-terminated. */
extern const char *const setup_providers[];

struct setup {
    const struct config *config;
    const struct catalog *catalog; /* NULL: for all tables that can be captured */
    const char *provider;          /* one of the above; NULL: recognized by the server's roles */
};

/*
 * Append SQL with comments, ready for psql. The connection may be that of another user than the
 * configured one, which need not exist yet: of the administrator who will run the SQL. What an
 * administrator who is no superuser may not run is in comments, with who may. Nothing is changed.
 */
bool setup_sql(struct pg *, const struct setup *, struct out *, struct err *);

#endif
