/* A hash table of relations by oid. */
#include "relations.h"

#include <stdlib.h>

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

/* Where the oid is, or the empty slot where it would go. */
static struct relation **find(const struct relations *relations, uint32_t oid)
{
    size_t mask = relations->slot_count - 1;
    size_t i = oid * 2654435761U & mask;
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
    if (*slot) {
        keep_past(relations, *slot);
    } else {
        relations->used++;
    }
    *slot = *relation;
    *relation = NULL;
    return *slot;
}
