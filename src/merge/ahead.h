/*
 * Changes to keys of a range that no chunk holds yet, in order, until the next chunk's snapshot
 * tells which of them it has seen.
 */
#ifndef MERGE_AHEAD_H
#define MERGE_AHEAD_H

#include "change.h"
#include "row/snapshot.h"

struct ahead {
    struct change *changes;
    size_t count, cap;
    struct arena arena; /* their keys and tuples */
};

void ahead_init(struct ahead *);
void ahead_free(struct ahead *);
void ahead_add(struct ahead *, const struct change *);

/* Forget what the snapshot has seen. */
void ahead_forget_seen(struct ahead *, const struct snapshot *);

/* Keep only the changes marked: those that are moved are copied, the others' memory comes free. */
void ahead_keep(struct ahead *, const bool *keep);

size_t ahead_bytes(const struct ahead *);

#endif
