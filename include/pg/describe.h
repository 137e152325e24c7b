/*
 * The captured tables as the backfill needs them: columns, key, order, size.
 *
 * Asked in bulk: the number of queries does not depend on the number of tables. Expects that the
 * publication exists; what it publishes of a table decides what is described of it.
 */
#ifndef PG_DESCRIBE_H
#define PG_DESCRIBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/problems.h"
#include "config/catalog.h"
#include "config/config.h"
#include "pg/pg.h"
#include "pg/types.h"
#include "row/relation.h"
#include "row/terms.h"

/*
 * How SQL must compare a column of the key, ready to be printed; owned. The operators are those of
 * the key's index, OPERATOR(schema.>), or of the type's default class where no index is known. Both
 * operands must be of `type`, which is "schema"."name": a literal by a cast, and the column too,
 * which costs nothing and hinders no index (the two are the same bits). ORDER BY must say USING
 * `less`. NULL, but for `type`, where the server cannot order the type.
 */
struct key_operators {
    char *type;
    char *less, *less_or_equal, *equal, *greater_or_equal, *greater;
};

struct key_description {
    int column; /* in relation->columns */
    struct key_operators operators;
    uint32_t operator_class; /* of the key's index; 0: none is known */
    /*
     * The server orders the column's values as the key's encoding orders bytes: numbers and times
     * by value, char(n) without its trailing blanks, text byte by byte in UTF-8. Else only the
     * server knows the order.
     */
    bool bytewise;
    /*
     * What ORDER BY and comparisons must say after COLLATE: the collation of the key's index.
     * Quoted as in SQL; owned; NULL where the type has none.
     */
    char *collation;
};

struct table_description {
    struct relation *relation;   /* owned: published columns in order, types resolved, stream -1 */
    struct key_description *key; /* owned; in the key's order */
    int key_count;               /* 0: a table without key */
    bool unique;                 /* no two rows have the same key, as far as is known */
    bool ctid_order;             /* rows are read in ctid order, as they are stored */
    bool key_repeats;            /* the key was chosen, and no unique index lies within it */
    char *unsent_key;   /* owned; ctid_order: a column of the key that deletes and updates do not
                         carry the old value of; NULL: none */
    struct terms terms; /* as they were when it was described, by this key */
    struct user_types types; /* of its columns */
    char *row_filter;        /* owned: the publication's WHERE, as SQL; NULL: all rows */
    /*
     * 'r' ordinary, 'p' partitioned. Read an ordinary table with ONLY: its inheritance children are
     * tables of their own.
     */
    char kind;
    bool partition; /* it is a partition of another table */
    /*
     * For a partitioned table: its changes come under its own name; else under those of its leaf
     * partitions.
     */
    bool via_root;
    int64_t row_estimate; /* the planner's; all partitions together; -1: it has none */
    int64_t pages;        /* as it is now; of a partitioned table, of its largest partition */
    int64_t bytes;        /* of the rows without TOAST; all partitions together */
    int64_t all_bytes;    /* likewise, with TOAST */
};

/*
 * Describe every stream of the catalog, in its order: *tables has catalog->count items, the
 * caller's to free. ERR_CONFIG names the table (err_stream) that is missing. Tables that are not
 * published and keys that cannot be used are added to `problems`: then the descriptions cannot be
 * used.
 */
bool tables_describe(struct pg *, struct types *, const struct config *, const struct catalog *,
                     struct table_description **tables, struct problems *, struct err *);

/*
 * Add to `problems` the keys that cannot be used, also before the tables are published. Expects
 * that prerequisites_check found nothing: the tables are there.
 */
bool tables_check_keys(struct pg *, const struct config *, const struct catalog *,
                       struct problems *, struct err *);

/* An SQL expression for `pages` as they are now. */
void describe_pages_sql(struct out *, const char *oid);

void tables_free(struct table_description **tables, int count);

#endif
