/* The two orders in which the rows of a table are read: by its key, or as they are stored. */
#ifndef BACKFILL_ORDER_H
#define BACKFILL_ORDER_H

#include "reader.h"

struct order {
    /* Partitions are locked with their table: no row in them may be stored elsewhere meanwhile. */
    bool locks_leaves;

    /* Append which rows a chunk holds, to their WHERE, and in which order they come. */
    void (*rows_sql)(struct out *, const struct table *, const struct backfill_task *,
                     const struct key *after, int rows);

    /* Append how many pages the table of that oid has, to the facts; or NULL. */
    void (*pages_sql)(struct out *, const char *oid);

    /* Batches that the rows of a chunk may take. */
    size_t (*batches_most)(const struct reader *);

    /* Bytes that the query still brings, as far as is known. */
    double (*bytes_left)(const struct reader *, const struct rows *);

    /* The chunk's last row so far may go away with its batch: keep what is needed of it. */
    bool (*note_end)(struct reader *, struct err *);

    /* There is no room for more rows: cut the chunk here, or fail. */
    bool (*cut)(struct reader *, struct rows *, struct err *);

    /* How far the chunk reaches. */
    bool (*close)(struct reader *, const struct rows *, struct chunk_close *, struct err *);

    /* A query failed at a row: append to `where` which that is, as far as is known. */
    void (*name_row)(const struct reader *, struct err *where);
};

extern const struct order key_order, ctid_order;

#endif
