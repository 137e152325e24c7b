/*
 * Patching a chunk: finding its rows by key, and putting changes in their place.
 *
 * The index over a chunk's rows is made at the first change that falls into it: most chunks of a
 * quiet table never need one.
 */
#ifndef MERGE_OVERLAY_H
#define MERGE_OVERLAY_H

#include "change.h"
#include "keycode.h"
#include "row/chunk.h"

struct overlay_entry;

struct overlay {
    struct chunk *chunk;
    const struct merge_key *key;
    struct overlay_entry *entries; /* open addressing; NULL: no index yet */
    size_t entry_count, used;
    struct patch **last; /* end of the chunk's list of patches */
    struct keybuf scratch;
    struct keybuf code; /* for callers that look rows up; not used here */
};

void overlay_init(struct overlay *, struct chunk *, const struct merge_key *);
void overlay_clear(struct overlay *);

/* Make the index, if it is not there yet. Before overlay_complete. */
bool overlay_ready(struct overlay *, struct err *);

/* Whether a row with that key is in it. After overlay_ready. */
bool overlay_holds(struct overlay *, const struct keycode *);

/* Put the change in the place of the row with its key, if there is one, else beside the rows. */
bool overlay_apply(struct overlay *, const struct change *, struct err *);

/*
 * If the tuple lacks unchanged TOAST values, and the chunk holds a row with the given key, a tuple
 * completed from that row; else the tuple itself. In `arena`.
 */
const uint8_t *overlay_complete(struct overlay *, const struct keycode *, struct relation *,
                                const uint8_t *tuple, struct arena *arena);

/* Rows that are still to be printed as they were read. */
uint64_t overlay_rows(const struct overlay *);

#endif
