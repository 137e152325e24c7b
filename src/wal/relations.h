/*
 * The versions of tables' shapes that the stream of changes has described, by oid: the current
 * version of each, and earlier ones that changes may still point at.
 */
#ifndef WAL_RELATIONS_H
#define WAL_RELATIONS_H

#include <stddef.h>
#include <stdint.h>

#include "row/relation.h"

struct relations {
    struct relation **slots; /* open addressing by oid; current versions */
    size_t slot_count, used;
    struct relation **past; /* replaced, and not forgotten yet */
    size_t past_count, past_cap;
};

void relations_free(struct relations *);

/* The current version; NULL if the stream has not described the table. */
struct relation *relations_get(const struct relations *, uint32_t oid);

/*
 * Make *relation the current version, with the previous one as its `before`, and return it; it is
 * owned here from now on. NULL if it equals the current version; then *relation is freed. Nulls
 * *relation.
 */
struct relation *relations_put(struct relations *, struct relation **relation);

/* Free it: nothing points at it any more. Nulls *relation. */
void relations_forget(struct relations *, struct relation **relation);

#endif
