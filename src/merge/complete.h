/* Filling in the TOAST values that an update did not send. */
#ifndef MERGE_COMPLETE_H
#define MERGE_COMPLETE_H

#include "base/arena.h"
#include "row/event.h"
#include "row/relation.h"
#include "row/tuple.h"

/* Whether some value of a pgoutput tuple is VALUE_UNCHANGED. */
bool tuple_lacks_values(const uint8_t *tuple);

/*
 * A pgoutput tuple like `tuple`, with its unchanged values taken from `base`, a tuple of
 * `base_relation` read by `next`. Columns are matched by name and type; what finds no match stays
 * unchanged.
 */
const uint8_t *tuple_complete(struct arena *, const struct relation *, const uint8_t *tuple,
                              const struct relation *base_relation, const uint8_t *base,
                              const uint8_t *(*next)(const uint8_t *, struct value *));

/*
 * The same with the old tuple of the update itself, in the same shape. Where that holds the replica
 * identity alone, its other columns are null and say nothing. No null is taken: a value that TOAST
 * stores is not null.
 */
const uint8_t *tuple_complete_from_old(struct arena *, const struct relation *,
                                       const uint8_t *tuple, const uint8_t *old, enum old_kind);

#endif
