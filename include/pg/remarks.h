/*
 * What a user should know of tables, though it keeps no capture from starting: rows of which nothing
 * is captured, because of where they lie, or because the publication leaves them out; and functions of
 * other users that the server runs when the tables are read.
 */
#ifndef PG_REMARKS_H
#define PG_REMARKS_H

#include "config/catalog.h"
#include "config/config.h"
#include "pg/pg.h"

/* Visit a line for each remark on tables of the catalog; `catalog` NULL: of all that discover shows. */
bool tables_remark(struct pg *, const struct config *, const struct catalog *,
                   void (*visit)(void *context, const char *line), void *context, struct err *);

#endif
