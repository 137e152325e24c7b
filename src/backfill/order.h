/* The two orders in which the rows of a table are read: by its key, or in ctid order. */
#ifndef BACKFILL_ORDER_H
#define BACKFILL_ORDER_H

#include "chunk_reader.h"

struct chunk_order {
    /* Partitions are locked with their table: no row in them may be moved meanwhile. */
    bool locks_leaves;

    /* Small tables may be read together, each in one chunk. */
    bool may_group;

    /* Two ranges of a table may be read in turn. */
    bool in_turn;

    /* Append the conditions on a chunk's rows, behind their WHERE, and their order. */
    void (*rows_sql)(struct out *, const struct table *, const struct backfill_task *,
                     const struct key *after, int rows);

    /* Append, to the statement of facts, how many pages the table of that oid has; or NULL. */
    void (*pages_sql)(struct out *, const char *oid);

    /* Batches that the rows of a chunk may take. */
    size_t (*batches_most)(const struct chunk_reader *);

    /* How many bytes of rows are still to come, as far as is known. */
    double (*bytes_left)(const struct chunk_reader *, const struct rows *);

    /* Before the batch with the chunk's last row so far is sent: copy what is needed of the row. */
    bool (*note_end)(struct chunk_reader *, struct err *);

    /* There is no memory for more rows: cut the chunk here, or fail. */
    bool (*cut)(struct chunk_reader *, struct rows *, struct err *);

    /* How far the chunk reaches, and whether it is the last of its range. */
    bool (*close)(struct chunk_reader *, const struct rows *, struct chunk_close *, struct err *);

    /* A query failed: append to `where` at which row, as far as is known. */
    void (*name_row)(const struct chunk_reader *, struct err *where);
};

extern const struct chunk_order key_order, ctid_order;

static inline const struct chunk_order *chunk_order_of(const struct table_description *table)
{
    return table->ctid_order ? &ctid_order : &key_order;
}

#endif
