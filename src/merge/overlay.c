/* A hash table over a chunk's rows and the patches beside them. */
#include "overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "complete.h"
#include "row/batch.h"

/* A patch that can be found again. */
struct patched {
    struct patch patch;
    const struct keycode *key;
    size_t room; /* bytes behind patch.tuple that may be written over */
};

/* Either a row as it was read, or a patch: once a row is changed, its slot is NULL and the patch
 * replaces it. */
struct overlay_entry {
    uint32_t hash;
    const uint8_t **row;
    struct patched *patched;
};

void overlay_init(struct overlay *overlay, struct chunk *chunk, const struct merge_key *key)
{
    *overlay = (struct overlay){.chunk = chunk, .key = key, .last = &chunk->patches};
}

void overlay_clear(struct overlay *overlay)
{
    free(overlay->entries);
    keybuf_free(&overlay->scratch);
    keybuf_free(&overlay->code);
    *overlay = (struct overlay){0};
}

static bool bad_key(struct overlay *overlay, struct err *err)
{
    return err_set(
        err, ERR_SYSTEM, "a row of %s has a key that cannot be read",
        stream_label(overlay->chunk->relation->schema, overlay->chunk->relation->name).s);
}

static bool same_key(struct overlay *overlay, const struct overlay_entry *entry,
                     const struct keycode *key)
{
    if (entry->patched) {
        return keycode_compare(entry->patched->key, key) == 0;
    }
    return keycode_copy(&overlay->scratch, overlay->key, overlay->chunk->relation, *entry->row) &&
           keycode_compare(overlay->scratch.code, key) == 0;
}

/* The entry of the key, or the free one where it would go. */
static struct overlay_entry *find(struct overlay *overlay, const struct keycode *key, uint32_t hash)
{
    size_t mask = overlay->entry_count - 1;
    size_t i = hash & mask;
    for (;; i = (i + 1) & mask) {
        struct overlay_entry *entry = &overlay->entries[i];
        bool used = entry->row || entry->patched;
        if (!used || (entry->hash == hash && same_key(overlay, entry, key))) {
            return entry;
        }
    }
}

/* All keys in a hash table differ: place the entry without comparing. */
static void place(struct overlay *overlay, struct overlay_entry entry)
{
    size_t mask = overlay->entry_count - 1;
    size_t i = entry.hash & mask;
    while (overlay->entries[i].row || overlay->entries[i].patched) {
        i = (i + 1) & mask;
    }
    overlay->entries[i] = entry;
    overlay->used++;
}

static void resize(struct overlay *overlay, size_t count)
{
    struct overlay_entry *old = overlay->entries;
    size_t old_count = old ? overlay->entry_count : 0;
    overlay->entries = mem_zero(count * sizeof *overlay->entries);
    overlay->entry_count = count;
    overlay->used = 0;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].row || old[i].patched) {
            place(overlay, old[i]);
        }
    }
    free(old);
}

static size_t count_rows(const struct overlay *overlay)
{
    size_t count = 0;
    for (const struct batch *b = overlay->chunk->batches; b; b = b->next) {
        count += b->row_count;
    }
    return count;
}

static bool index_row(struct overlay *overlay, const uint8_t **row)
{
    struct keybuf *code = &overlay->scratch;
    if (!keycode_copy(code, overlay->key, overlay->chunk->relation, *row)) {
        return false;
    }
    place(overlay, (struct overlay_entry){keycode_hash(code->code), row, NULL});
    return true;
}

static bool build_index(struct overlay *overlay, struct err *err)
{
    size_t count = 64;
    while (count < count_rows(overlay) * 2) {
        count *= 2;
    }
    resize(overlay, count);
    for (struct batch *b = overlay->chunk->batches; b; b = b->next) {
        for (size_t i = 0; i < b->row_count; i++) {
            if (b->rows[i] && !index_row(overlay, &b->rows[i])) {
                return bad_key(overlay, err);
            }
        }
    }
    return true;
}

static struct overlay_entry *lookup(struct overlay *overlay, const struct keycode *key)
{
    if (overlay->used * 2 >= overlay->entry_count) {
        resize(overlay, overlay->entry_count * 2);
    }
    return find(overlay, key, keycode_hash(key));
}

/* A patch takes the place of the row at the entry, which is not printed any more. */
static struct patched *take_place(struct overlay *overlay, struct overlay_entry *entry,
                                  const struct keycode *key)
{
    struct arena *arena = &overlay->chunk->arena;
    struct patched *patched = arena_alloc(arena, sizeof *patched);
    *patched = (struct patched){.key = keycode_copy_to(arena, key)};
    if (entry->row) {
        *entry->row = NULL;
    } else {
        overlay->used++;
    }
    *entry = (struct overlay_entry){keycode_hash(key), NULL, patched};
    *overlay->last = &patched->patch;
    overlay->last = &patched->patch.next;
    return patched;
}

/* Store the tuple. A row that is changed many times reuses its memory, so that it does not grow. */
static const uint8_t *store_tuple(struct overlay *overlay, struct patched *patched,
                                  const uint8_t *tuple)
{
    size_t len = change_tuple_len(tuple);
    uint8_t *to = (uint8_t *)patched->patch.tuple;
    if (!to || patched->room < len) {
        patched->room = len + len / 4;
        to = arena_alloc(&overlay->chunk->arena, patched->room);
    }
    memmove(to, tuple, len);
    return patched->patch.tuple = to;
}

static void set_source(struct patch *patch, const struct change *change)
{
    patch->relation = change->relation;
    patch->txn = change->txn;
    patch->lsn = change->lsn;
    patch->previous_commit = change->previous_commit;
}

static void upsert(struct overlay *overlay, const struct change *change)
{
    struct arena scratch;
    arena_init(&scratch, 4096);
    const uint8_t *tuple = change->tuple;
    tuple = overlay_complete(overlay, change->from, change->relation, tuple, &scratch);
    tuple = overlay_complete(overlay, change->key, change->relation, tuple, &scratch);
    struct overlay_entry *entry = lookup(overlay, change->key);
    struct patched *patched =
        entry->patched ? entry->patched : take_place(overlay, entry, change->key);
    set_source(&patched->patch, change);
    patched->patch.deleted = false;
    store_tuple(overlay, patched, tuple);
    arena_free(&scratch);
}

static void delete (struct overlay *overlay, const struct change *change)
{
    struct overlay_entry *entry = lookup(overlay, change->key);
    if (entry->patched) {
        entry->patched->patch.deleted = true;
    } else if (entry->row) {
        take_place(overlay, entry, change->key)->patch.deleted = true;
    }
}

static void truncate(struct overlay *overlay)
{
    for (struct batch *b = overlay->chunk->batches; b; b = b->next) {
        memset((void *)b->rows, 0, b->row_count * sizeof *b->rows);
    }
    for (struct patch *patch = overlay->chunk->patches; patch; patch = patch->next) {
        patch->deleted = true;
    }
    free(overlay->entries);
    overlay->entries = NULL;
    overlay->entry_count = overlay->used = 0;
}

bool overlay_ready(struct overlay *overlay, struct err *err)
{
    return overlay->entries || build_index(overlay, err);
}

bool overlay_apply(struct overlay *overlay, const struct change *change, struct err *err)
{
    if (change->kind != CHANGE_TRUNCATE && !overlay_ready(overlay, err)) {
        return false;
    }
    switch (change->kind) {
    case CHANGE_UPSERT: upsert(overlay, change); return true;
    case CHANGE_DELETE: delete (overlay, change); return true;
    case CHANGE_TRUNCATE: truncate(overlay); return true;
    }
    return true;
}

bool overlay_holds(struct overlay *overlay, const struct keycode *key)
{
    const struct overlay_entry *entry = lookup(overlay, key);
    return entry->patched ? !entry->patched->patch.deleted : entry->row != NULL;
}

const uint8_t *overlay_complete(struct overlay *overlay, const struct keycode *key,
                                struct relation *relation, const uint8_t *tuple,
                                struct arena *arena)
{
    if (!key || !overlay->entries || !tuple_lacks_values(tuple)) {
        return tuple;
    }
    struct overlay_entry *entry = lookup(overlay, key);
    struct patched *patched = entry->patched;
    if (patched && !patched->patch.deleted) {
        return tuple_complete(arena, relation, tuple, patched->patch.relation, patched->patch.tuple,
                              tuple_wal_next);
    }
    if (entry->row) {
        return tuple_complete(arena, relation, tuple, overlay->chunk->relation, *entry->row,
                              tuple_row_next);
    }
    return tuple;
}

uint64_t overlay_rows(const struct overlay *overlay)
{
    uint64_t count = 0;
    for (const struct batch *b = overlay->chunk->batches; b; b = b->next) {
        for (size_t i = 0; i < b->row_count; i++) {
            count += b->rows[i] != NULL;
        }
    }
    return count;
}
