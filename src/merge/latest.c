/* A hash table of changes by key. */
#include "latest.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "complete.h"
#include "keycode.h"

enum { ARENA_BLOCK = 64 * 1024, SLOTS_FIRST = 64, REPLACED_MOST = 1024 * 1024 };

void latest_free(struct latest *latest)
{
    arena_free(&latest->arena);
    free(latest->changes);
    *latest = (struct latest){0};
}

/* Where the key is, or the free slot where it would go. */
static struct change *find(const struct latest *latest, const struct keycode *key)
{
    size_t mask = latest->cap - 1;
    size_t i = keycode_hash(key) & mask;
    while (latest->changes[i].key && keycode_compare(latest->changes[i].key, key) != 0) {
        i = (i + 1) & mask;
    }
    return &latest->changes[i];
}

/* Copy to new memory, without the tuples that later changes replaced. */
static void rebuild(struct latest *latest, size_t cap)
{
    struct latest rebuilt = {.cap = cap, .truncated = latest->truncated};
    rebuilt.changes = mem_zero(cap * sizeof *rebuilt.changes);
    arena_init(&rebuilt.arena, ARENA_BLOCK);
    for (size_t i = 0; i < latest->cap; i++) {
        if (latest->changes[i].key) {
            change_copy(find(&rebuilt, latest->changes[i].key), &latest->changes[i],
                        &rebuilt.arena);
            rebuilt.count++;
        }
    }
    latest_free(latest);
    *latest = rebuilt;
}

/* The tuple to be kept of an update: NULL once changes have given all values of the row. */
static const uint8_t *tuple_to_keep(struct latest *latest, const struct change *before,
                                    const struct change *change)
{
    const uint8_t *tuple = change->tuple;
    if (!tuple_lacks_values(tuple) || (before && !before->tuple)) {
        return NULL;
    }
    if (before) {
        tuple = tuple_complete(&latest->arena, change->relation, tuple, before->relation,
                               before->tuple, tuple_wal_next);
        return tuple_lacks_values(tuple) ? tuple : NULL;
    }
    return arena_copy(&latest->arena, tuple, change_tuple_len(tuple));
}

void latest_put(struct latest *latest, const struct change *change)
{
    if (latest->count * 2 >= latest->cap) {
        rebuild(latest, latest->cap ? latest->cap * 2 : SLOTS_FIRST);
    } else if (latest->replaced > REPLACED_MOST) {
        rebuild(latest, latest->cap);
    }
    struct change *slot = find(latest, change->key);
    if (slot->key && slot->kind == CHANGE_DELETE) {
        return; /* the row that will be read is gone: another row has its key now */
    }
    const struct change *before = slot->key ? slot : NULL;
    const struct keycode *key = before ? before->key : keycode_copy_to(&latest->arena, change->key);
    const uint8_t *tuple =
        change->kind == CHANGE_UPSERT ? tuple_to_keep(latest, before, change) : NULL;
    latest->count += !before;
    latest->replaced += before && before->tuple ? change_tuple_len(before->tuple) : 0;
    *slot = *change;
    slot->key = key;
    slot->tuple = tuple;
}

const struct change *latest_find(const struct latest *latest, const struct keycode *key)
{
    const struct change *slot = latest->cap ? find(latest, key) : NULL;
    return slot && slot->key ? slot : NULL;
}
