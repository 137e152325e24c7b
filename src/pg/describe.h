/* What describe.c and describe_columns.c read of a table, and describe_key.c chooses the key by. */
#ifndef PG_DESCRIBE_PRIVATE_H
#define PG_DESCRIBE_PRIVATE_H

#include "pg/describe.h"

/* Facts of a column that matter if it is part of the key. */
struct column_facts {
    int position; /* in the table's own key, from 1; 0: not part of it */
    bool nullable;
    bool bytes_collation;    /* text in its collation is ordered by its UTF-8 bytes */
    char *collation;         /* owned; quoted; NULL: the type has none */
    uint32_t operator_class; /* of the key's index; 0: not part of it */
};

/* Facts read of one table before its key can be chosen. */
struct reading {
    uint32_t oid;
    char identity;
    bool published;             /* it, or all that is below it */
    struct column_facts *facts; /* of relation->columns */
};

/*
 * Make the relations of `tables` from the columns that are published, types not resolved, and the
 * facts of the columns.
 */
bool describe_columns(struct pg *, const struct config *, const struct catalog *,
                      struct table_description *tables, struct reading *readings, struct err *);

/*
 * Append a subquery of one row on what publishes a table:
 *
 *   published_by  the oid of the publication's entry of it, or of its schema, or of one that it is
 *                 a partition of; or the publication's own, if it is for all tables. A table that
 *                 leaves the publication and comes back has another
 *   limits        a digest of the column lists and row filters of all entries; '' for none
 *   home          when it came into the schemas that are published; NULL: none of them
 *                 publishes it
 *
 * `oid` and `publication`, which is its name, are expressions.
 */
void describe_entries_sql(struct out *, const char *oid, const char *publication, int version);

/*
 * Set the `operators` of each key column of all tables, whose keys have been chosen: one query.
 * Visit those whose key cannot be compared, with the error.
 */
bool describe_operators(struct pg *, struct table_description *tables, int count,
                        void (*visit)(void *, int table, struct err *), void *context,
                        struct err *);
void key_operators_free(struct key_operators *);

/* Set the key of `table` from the catalog, which may want none, or from the columns' facts (one for
 * each column). */
bool key_choose(struct table_description *table, const struct column_facts *facts,
                const struct catalog_stream *stream, struct err *);

#endif
