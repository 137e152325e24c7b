/* Lists of user-defined types. They are short. */
#include "row/user_type.h"

#include <stdlib.h>

#include "base/mem.h"

const struct user_type *user_types_find(const struct user_types *types, uint32_t oid)
{
    for (int i = 0; i < types->count; i++) {
        if (types->items[i].oid == oid) {
            return &types->items[i];
        }
    }
    return NULL;
}

void user_types_add(struct user_types *types, const struct user_type *type)
{
    size_t count = (size_t)types->count++;
    types->items = mem_grow(types->items, (count + 1) * sizeof *types->items);
    types->items[count] = *type;
    types->items[count].schema = mem_string(type->schema);
    types->items[count].name = mem_string(type->name);
}

void user_types_merge(struct user_types *types, const struct user_types *more)
{
    for (int i = 0; i < more->count; i++) {
        if (!user_types_find(types, more->items[i].oid)) {
            user_types_add(types, &more->items[i]);
        }
    }
}

void user_types_clear(struct user_types *types)
{
    for (int i = 0; i < types->count; i++) {
        free(types->items[i].schema);
        free(types->items[i].name);
    }
    free(types->items);
    *types = (struct user_types){0};
}
