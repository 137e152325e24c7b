/* A hash table of relations by oid. */
#include "relations.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

void relations_free(struct relations *relations)
{
    for (size_t i = 0; i < relations->slot_count; i++) {
        relation_free(&relations->slots[i]);
    }
    for (size_t i = 0; i < relations->past_count; i++) {
        relation_free(&relations->past[i]);
    }
    free((void *)relations->slots);
    free((void *)relations->past);
    *relations = (struct relations){0};
}

static size_t slot_of(const struct relations *relations, uint32_t oid)
{
    return oid * 2654435761U & (relations->slot_count - 1);
}

/* Where the oid is, or the empty slot where it would go. */
static struct relation **find(const struct relations *relations, uint32_t oid)
{
    size_t mask = relations->slot_count - 1;
    size_t i = slot_of(relations, oid);
    while (relations->slots[i] && relations->slots[i]->oid != oid) {
        i = (i + 1) & mask;
    }
    return &relations->slots[i];
}

struct relation *relations_get(const struct relations *relations, uint32_t oid)
{
    return relations->slot_count ? *find(relations, oid) : NULL;
}

static void grow(struct relations *relations)
{
    struct relations larger = {.slot_count =
                                   relations->slot_count ? relations->slot_count * 2 : 64};
    larger.slots = mem_zero(larger.slot_count * sizeof *larger.slots);
    for (size_t i = 0; i < relations->slot_count; i++) {
        if (relations->slots[i]) {
            *find(&larger, relations->slots[i]->oid) = relations->slots[i];
        }
    }
    free((void *)relations->slots);
    relations->slots = larger.slots;
    relations->slot_count = larger.slot_count;
}

static void keep_past(struct relations *relations, struct relation *old)
{
    relations->past = mem_grow_array((void *)relations->past, &relations->past_cap,
                                     relations->past_count + 1, sizeof *relations->past);
    relations->past[relations->past_count++] = old;
}

struct relation *relations_put(struct relations *relations, struct relation **relation)
{
    if (relations->used * 2 >= relations->slot_count) {
        grow(relations);
    }
    struct relation **slot = find(relations, (*relation)->oid);
    if (*slot && relation_equal(*slot, *relation)) {
        relation_free(relation);
        return NULL;
    }
    (*relation)->before = *slot;
    if (*slot) {
        keep_past(relations, *slot);
    } else {
        relations->used++;
    }
    *slot = *relation;
    *relation = NULL;
    return *slot;
}

/* Empty a slot, and move up the entries after it, so that each is still found from the slot of its
 * oid. */
static void empty_slot(struct relations *relations, struct relation **slot)
{
    size_t mask = relations->slot_count - 1;
    size_t hole = (size_t)(slot - relations->slots);
    for (size_t i = (hole + 1) & mask; relations->slots[i]; i = (i + 1) & mask) {
        size_t home = slot_of(relations, relations->slots[i]->oid);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            relations->slots[hole] = relations->slots[i];
            hole = i;
        }
    }
    relations->slots[hole] = NULL;
    relations->used--;
}

void relations_forget(struct relations *relations, struct relation **relation)
{
    struct relation **slot = find(relations, (*relation)->oid);
    if (*slot == *relation) {
        empty_slot(relations, slot);
    } else {
        size_t i = 0;
        while (relations->past[i] != *relation) {
            i++;
            CHECK(i < relations->past_count);
        }
        relations->past[i] = relations->past[--relations->past_count];
    }
    relation_free(relation);
}
