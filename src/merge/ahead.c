/* A list of changes whose memory is renewed when it shrinks. */
#include "ahead.h"

#include <stdlib.h>

#include "base/mem.h"

enum { ARENA_BLOCK = 64 * 1024 };

void ahead_init(struct ahead *ahead)
{
    *ahead = (struct ahead){0};
    arena_init(&ahead->arena, ARENA_BLOCK);
}

void ahead_free(struct ahead *ahead)
{
    arena_free(&ahead->arena);
    free(ahead->changes);
    ahead_init(ahead);
}

void ahead_add(struct ahead *ahead, const struct change *change)
{
    ahead->changes =
        mem_grow_array(ahead->changes, &ahead->cap, ahead->count + 1, sizeof *ahead->changes);
    change_copy(&ahead->changes[ahead->count++], change, &ahead->arena);
}

void ahead_keep(struct ahead *ahead, const bool *keep)
{
    struct ahead kept;
    ahead_init(&kept);
    for (size_t i = 0; i < ahead->count; i++) {
        if (keep[i]) {
            ahead_add(&kept, &ahead->changes[i]);
        }
    }
    ahead_free(ahead);
    *ahead = kept;
}

void ahead_forget_seen(struct ahead *ahead, const struct snapshot *snapshot)
{
    size_t kept = 0;
    bool *keep = mem_alloc(ahead->count * sizeof *keep);
    for (size_t i = 0; i < ahead->count; i++) {
        keep[i] = !snapshot_sees(snapshot, ahead->changes[i].txn.xid);
        kept += keep[i];
    }
    if (kept < ahead->count) {
        ahead_keep(ahead, keep);
    }
    free(keep);
}

size_t ahead_bytes(const struct ahead *ahead)
{
    return ahead->arena.bytes + ahead->count * sizeof *ahead->changes;
}
