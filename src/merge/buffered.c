/* A list of changes whose memory is renewed when it shrinks. */
#include "buffered.h"

#include <stdlib.h>

#include "base/mem.h"

enum { ARENA_BLOCK = 64 * 1024 };

void buffered_init(struct buffered *buffered)
{
    *buffered = (struct buffered){0};
    arena_init(&buffered->arena, ARENA_BLOCK);
}

void buffered_free(struct buffered *buffered)
{
    arena_free(&buffered->arena);
    free(buffered->changes);
    buffered_init(buffered);
}

void buffered_add(struct buffered *buffered, const struct change *change)
{
    buffered->changes = mem_grow_array(buffered->changes, &buffered->cap, buffered->count + 1,
                                       sizeof *buffered->changes);
    change_copy(&buffered->changes[buffered->count++], change, &buffered->arena);
}

void buffered_keep(struct buffered *buffered, const bool *keep)
{
    struct buffered kept;
    buffered_init(&kept);
    for (size_t i = 0; i < buffered->count; i++) {
        if (keep[i]) {
            buffered_add(&kept, &buffered->changes[i]);
        }
    }
    buffered_free(buffered);
    *buffered = kept;
}

void buffered_forget_seen(struct buffered *buffered, const struct snapshot *snapshot)
{
    size_t kept = 0;
    bool *keep = mem_alloc(buffered->count * sizeof *keep);
    for (size_t i = 0; i < buffered->count; i++) {
        const struct txn *txn = &buffered->changes[i].txn;
        keep[i] = !snapshot_sees(snapshot, txn->xid, txn->final_lsn);
        kept += keep[i];
    }
    if (kept < buffered->count) {
        buffered_keep(buffered, keep);
    }
    free(keep);
}

size_t buffered_bytes(const struct buffered *buffered)
{
    return buffered->arena.bytes + buffered->count * sizeof *buffered->changes;
}
