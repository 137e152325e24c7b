/*
 * What a user should know about tables, though it does not keep a capture from starting: rows that
 * are not captured, because of where they are stored, or because the publication leaves them out;
 * and functions of other users that the server runs when the tables are read.
 */
#ifndef PG_REMARKS_H
#define PG_REMARKS_H

#include "config/catalog.h"
#include "config/config.h"
#include "pg/pg.h"

/* Visit a line for each remark on tables of the catalog; `catalog` NULL: of all that discover
 * shows. */
bool tables_remark(struct pg *, const struct config *, const struct catalog *,
                   void (*visit)(void *context, const char *line), void *context, struct err *);

#endif
