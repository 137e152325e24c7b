/* A query that the server refused, because the role lacks a privilege. */
#ifndef BACKFILL_RIGHTS_H
#define BACKFILL_RIGHTS_H

#include "pg/pg.h"
#include "row/relation.h"

/* Where the role may not read the table, append to the error which GRANT lets it. Nothing where the
 * server refused something else; `pg` may be NULL. Returns false. */
bool rights_name(struct pg *, const struct relation *, struct err *);

#endif
