/* The key of a stream in the shapes of its table. */
#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

static bool has_identity(const struct relation *relation)
{
    for (int i = 0; i < relation->column_count; i++) {
        if (relation->columns[i].identity) {
            return true;
        }
    }
    return false;
}

static enum relation_fault fault_of(const struct merge_key *key, const struct relation *relation)
{
    enum relation_fault fault = RELATION_FITS;
    bool identity = has_identity(relation); /* else the server refuses updates and deletes */
    for (int k = 0; k < key->count; k++) {
        if (relation->key[k] < 0) {
            return RELATION_LACKS_KEY;
        }
        const struct column *column = &relation->columns[relation->key[k]];
        if (!key_types_alike(column->type_oid, key->types[k])) {
            fault = RELATION_OTHER_ORDER;
        } else if (identity && !column->identity && fault == RELATION_FITS) {
            fault = RELATION_UNSENT_KEY;
        }
    }
    return fault;
}

static void bind(const struct stream *s, struct relation *relation, uint64_t life)
{
    const struct merge_key *key = &s->config->key;
    if (relation->life == life) {
        return;
    }
    free(relation->key);
    relation->life = life;
    relation->key = mem_alloc((size_t)(key->count + 1) * sizeof *relation->key);
    relation->key_count = key->count;
    for (int k = 0; k < key->count; k++) {
        relation->key[k] = relation_column(relation, key->columns[k]);
    }
    relation->fault = fault_of(key, relation);
    if (relation->fault != RELATION_FITS && merge_order_of(s)->takes_keyless) {
        relation->fault = RELATION_FITS;
        relation->key_count = 0; /* changes are printed as they come */
    }
}

void stream_bind(const struct stream *s, struct relation *relation)
{
    bind(s, relation, s->life);
}

void stream_bind_last(const struct stream *s, struct relation *relation)
{
    bind(s, relation, s->life - 1);
}

bool merge_event_fits(const struct event *e)
{
    switch (e->relation->fault) {
    case RELATION_FITS: return true;
    case RELATION_LACKS_KEY:
    case RELATION_OTHER_ORDER: return false;
    case RELATION_UNSENT_KEY: return e->kind == EVENT_INSERT;
    }
    return false;
}
