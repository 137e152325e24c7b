/* Asking a capture to backfill tables again: by a row of the watermarks table, which arrives in its
 * stream. Only a user who may write to that table can ask. */
#ifndef PG_REQUEST_H
#define PG_REQUEST_H

#include "base/problems.h"
#include "config/catalog.h"
#include "pg/facts.h"

/*
 * What would keep a request for these tables from reaching the capture, or from meaning anything to
 * it. `facts` are those of the tables. False: the server could not be asked.
 */
bool request_check(struct pg *, const struct config *, const struct catalog *tables,
                   const struct facts *, struct problems *, struct err *);

/* Ask for all of them in one transaction. It deletes the row again if the user may DELETE; else one
 * row is left. */
bool request_write(struct pg *, const struct config *, const struct catalog *tables, struct err *);

#endif
