/* One change to one key of a table in backfill, independent of the batch that brought it. */
#ifndef MERGE_CHANGE_H
#define MERGE_CHANGE_H

#include "merge/merge.h"
#include "row/event.h"

enum change_kind {
    CHANGE_UPSERT,
    CHANGE_DELETE,
    CHANGE_TRUNCATE, /* every key */
};

struct change {
    enum change_kind kind;
    struct relation *relation;
    const struct keycode *key;  /* NULL: TRUNCATE */
    const struct keycode *from; /* UPSERT of a moved row: its key before; else NULL */
    const uint8_t *tuple;       /* UPSERT: pgoutput form */
    struct txn txn;
    uint64_t lsn, previous_commit;
};

/* Length of a pgoutput tuple in bytes. */
size_t change_tuple_len(const uint8_t *tuple);

/* A copy that owns its key and tuple, in `arena`. */
void change_copy(struct change *to, const struct change *from, struct arena *arena);

struct keycode *keycode_copy_to(struct arena *arena, const struct keycode *);

#endif
