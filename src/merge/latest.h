/*
 * The last change of each key that was changed while its row may not have been read: for tables
 * that are read in ctid order, where it is not known at which ctid the row of a key is.
 *
 * Of a change that gave all of its row, only the key is kept: the row is not printed any more. Of
 * one that lacks unchanged TOAST values the tuple is kept, to be completed from the row when that
 * is read.
 */
#ifndef MERGE_LATEST_H
#define MERGE_LATEST_H

#include "change.h"

struct latest {
    struct change *changes; /* open addressing by key; key NULL: free */
    size_t count, cap;
    struct arena arena; /* their keys and tuples, */
    size_t replaced;    /* and bytes of tuples that nothing points at any more */
    bool truncated;     /* every row that will be read is gone */
};

void latest_free(struct latest *);

/* An update or delete takes the place of an earlier change of the same key; a delete stays. */
void latest_put(struct latest *, const struct change *);

/* NULL: the key was not changed. */
const struct change *latest_find(const struct latest *, const struct keycode *);

#endif
