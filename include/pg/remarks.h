/*
 * What a user should know, though it does not keep a capture from starting: rows that are not
 * captured, because of where they are stored, or because the publication leaves them out; functions
 * of other users that the server runs when the tables are read; and commits that wait for the
 * capture.
 */
#ifndef PG_REMARKS_H
#define PG_REMARKS_H

#include "config/catalog.h"
#include "config/config.h"
#include "pg/pg.h"

/* Visit a line for each remark on the server and on tables of the catalog; `catalog` NULL: of all
 * that discover shows. */
bool tables_remark(struct pg *, const struct config *, const struct catalog *,
                   void (*visit)(void *context, const char *line), void *context, struct err *);

#endif
