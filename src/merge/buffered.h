/*
 * Buffered changes: to keys of a range that no chunk holds yet, in order, until the snapshot of the
 * next chunk shows which of them it has seen.
 */
#ifndef MERGE_BUFFERED_H
#define MERGE_BUFFERED_H

#include "change.h"
#include "row/snapshot.h"

struct buffered {
    struct change *changes;
    size_t count, cap;
    struct arena arena; /* their keys and tuples */
};

void buffered_init(struct buffered *);
void buffered_free(struct buffered *);
void buffered_add(struct buffered *, const struct change *);

/* Forget what the snapshot has seen. */
void buffered_forget_seen(struct buffered *, const struct snapshot *);

/* Keep only the changes marked, copied to new memory: that of the others is freed. */
void buffered_keep(struct buffered *, const bool *keep);

size_t buffered_bytes(const struct buffered *);

#endif
