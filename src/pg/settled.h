/*
 * Whether facts read about tables are consistent. A query sees the catalogs as they were when it
 * began, or its transaction did, but the functions that it calls see them as they are: of a table
 * that was dropped and created meanwhile they say that it may not be read and is not published.
 */
#ifndef PG_SETTLED_H
#define PG_SETTLED_H

#include "pg/pg.h"

enum { SETTLED_LOOKS = 10 }; /* at most */

struct named_table {
    const char *schema, *table; /* borrowed */
    uint32_t oid;               /* that it was found to have; 0: there was none */
};

/* Whether all names are still those of the same tables. Not in a transaction. */
bool names_settled(struct pg *, const struct named_table *, int count, bool *settled, struct err *);

/* Set the error: the names changed their tables again and again. Returns false. */
bool names_unsettled(struct err *);

#endif
