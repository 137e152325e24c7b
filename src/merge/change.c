/* Copying changes out of batches. */
#include "change.h"

#include <string.h>

#include "row/tuple.h"

size_t change_tuple_len(const uint8_t *tuple)
{
    const uint8_t *p = tuple_first(tuple);
    for (int i = tuple_columns(tuple); i > 0; i--) {
        struct value value;
        p = tuple_wal_next(p, &value);
    }
    return (size_t)(p - tuple);
}

struct keycode *keycode_copy_to(struct arena *arena, const struct keycode *key)
{
    return key ? arena_copy(arena, key, sizeof *key + key->len) : NULL;
}

void change_copy(struct change *to, const struct change *from, struct arena *arena)
{
    *to = *from;
    to->key = keycode_copy_to(arena, from->key);
    to->from = keycode_copy_to(arena, from->from);
    to->tuple = from->tuple ? arena_copy(arena, from->tuple, change_tuple_len(from->tuple)) : NULL;
}
