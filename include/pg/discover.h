/*
 * Listing the tables of a database that could be captured, with all that a schema says of them.
 *
 * Read through a cursor: memory does not grow with the number of tables.
 */
#ifndef PG_DISCOVER_H
#define PG_DISCOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/catalog.h"
#include "config/config.h"
#include "pg/pg.h"
#include "pg/types.h"

struct discovered_column {
    const char *name;
    const struct type *type;
    int32_t typmod; /* its own or its domain's; -1: none */
    int dimensions; /* of an array, as declared; 0 or 1 if the declaration does not say */
    bool nullable;
    const char *comment;       /* NULL: none */
    const char *declared;      /* its type in SQL's words: "character varying(10)" */
    const char *const *labels; /* of an enum, NULL-terminated; else NULL */
};

/* Everything is borrowed, and void after the visit; types and labels live as long as the types. */
struct discovered_table {
    const char *schema, *name;
    const char *comment;               /* NULL: none */
    struct discovered_column *columns; /* in the table's order; no dropped and no generated ones */
    int column_count;
    const int *key;   /* indices of columns, in the key's order */
    int key_count;    /* 0: there is no usable one */
    bool key_primary; /* it is the primary key */
};

/*
 * Call `visit` for each table, ordered by schema and name: ordinary and partitioned tables that
 * this user may read and that can be published. Not views, foreign, temporary and unlogged tables,
 * not the system's and the watermarks table. Partitions only where config->capture_as_partitions
 * (then instead of their root) or where the server cannot publish by root (before 13). With a
 * catalog: its tables alone, whether they are partitions or not. A visit that returns false ends
 * it, and fails it with the visitor's error.
 */
bool tables_discover(struct pg *, struct types *, const struct config *,
                     const struct catalog *only, /* NULL: all */
                     bool (*visit)(void *context, const struct discovered_table *, struct err *),
                     void *context, struct err *);

/* The same without a catalog, and with the tables that this user may not read. */
bool tables_discover_all(struct pg *, struct types *, const struct config *,
                         bool (*visit)(void *context, const struct discovered_table *,
                                       struct err *),
                         void *context, struct err *);

/*
 * The same for a platform that captures every table that it is shown: the tables that the
 * publication publishes, under the names that it uses. If the publication is still to be made, or
 * unpublished tables are asked for, also tables that can be added to it without harm: those with a
 * replica identity, since without one the application's UPDATE would fail. Never Flow's own tables.
 */
bool tables_discover_bindable(struct pg *, struct types *, const struct config *,
                              bool (*visit)(void *context, const struct discovered_table *,
                                            struct err *),
                              void *context, struct err *);

#endif
