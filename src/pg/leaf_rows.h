/* Asking the rows of one leaf: a partition, or the table itself. */
#ifndef PG_LEAF_ROWS_H
#define PG_LEAF_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "pg/pg.h"

struct leaf_rows {
    char *name; /* owned: schema and name, quoted; NULL: there is no such table */
    char *from; /* owned: what follows FROM, with `r` for its rows; NULL: we may not read it */
    char *file; /* owned: the number of its file */
    bool rewritten_empty; /* VACUUM FULL or CLUSTER wrote its file and had no rows to write; known
                             from PostgreSQL 14 on, where TRUNCATE leaves another count */
    uint32_t
        written_by;   /* the transaction that wrote its file, as far as entries in pg_class show, */
    uint32_t command; /* and with which of its commands it wrote the entry */
};

/*
 * Find the leaf. A user who may read a partitioned table need not have the right to read its
 * partitions by their own names: then the rows are read through `root`, as long as it is below it.
 */
bool leaf_rows_find(struct pg *, uint32_t root, uint32_t oid, struct leaf_rows *, struct err *);
void leaf_rows_clear(struct leaf_rows *);

/* Whether it has a row of which the condition on `r` holds. It must be one that we may read. */
bool leaf_rows_exist(struct pg *, const struct leaf_rows *, const char *condition, bool *found,
                     struct err *);

/*
 * A condition: the row was there before the leaf came to `root`. Owned; NULL without an error: no
 * row can have been, since it was created as a partition.
 */
bool leaf_rows_before(struct pg *, uint32_t root, uint32_t oid, char **condition, struct err *);

/*
 * A condition on the leaf, for one that was attached and has rows, all of them written since: they
 * may be new versions of rows that were there before, of which the stream has updates that leave
 * out TOAST values. In doubt it is true. Owned.
 */
char *leaf_rows_replaced(const struct leaf_rows *, uint32_t oid);

/* A condition: the row's transaction had an id below `horizon`. Owned. */
char *leaf_rows_older(uint64_t horizon);

/*
 * Whether the first rows of its file are as old as its entry in pg_class, or older, in the
 * transaction that wrote both: then it was not TRUNCATE that wrote the file last. It must be one
 * that we may read.
 */
bool leaf_rows_rewritten(struct pg *, const struct leaf_rows *, bool *found, struct err *);

/*
 * A condition: the row, or the leaf's file itself, was written by a transaction since `horizon`
 * that altered integer columns or generated ones of the leaf, and no other column was altered
 * since. Owned.
 */
char *leaf_rows_resized(const struct leaf_rows *, uint32_t oid, uint64_t horizon, int version);

#endif
