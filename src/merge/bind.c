/* Binding the shapes of tables to streams. */
#include "base/mem.h"
#include "internal.h"

/* The stream's key columns in this shape. */
static bool bind_key(struct merge *m, struct relation *relation, struct err *err)
{
    if (relation->stream < 0 || relation->key) {
        return true;
    }
    const struct merge_key *key = &m->config.streams[relation->stream].key;
    relation->key = mem_alloc((size_t)key->count * sizeof *relation->key);
    relation->key_count = key->count;
    for (int i = 0; i < key->count; i++) {
        relation->key[i] = relation_column(relation, key->columns[i]);
        if (relation->key[i] < 0 && key->by_place) {
            relation->key_count = 0; /* changes tell what they tell */
        } else if (relation->key[i] < 0) {
            err_set(
                err, ERR_CONFIG,
                "table %s.%s has no column \"%s\" any more, which was part of its key: begin the "
                "table anew",
                relation->schema, relation->name, key->columns[i]);
            err_remedy(err, REMEDY_TABLE_ANEW);
            return err_stream(err, relation->schema, relation->name);
        }
    }
    return true;
}

bool merge_bind(struct merge *m, struct relation *relation, struct err *err)
{
    return m->config.hooks.bind(m->config.hooks.context, relation, err) &&
           bind_key(m, relation, err);
}
