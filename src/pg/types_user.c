/* User-defined types that a state remembers: copied out of the table of types, and back into it. */
#include <string.h>

#include "types_table.h"

static const struct type *find_inner(const struct types *types, uint32_t oid)
{
    const struct entry *entry = type_hash_find(&types->remembered, oid);
    return entry ? entry->type : types_find(types, oid);
}

static const char *keep(struct types *types, const char *s)
{
    return arena_string(&types->arena, s, strlen(s));
}

static const struct type *make(struct types *types, const struct user_type *user)
{
    const struct type *inner = user->inner ? find_inner(types, user->inner) : NULL;
    if (user->kind == 'd') {
        return inner;
    }
    struct type type = {.oid = user->oid,
                        .class = type_class_of(user->kind),
                        .schema = keep(types, user->schema),
                        .name = keep(types, user->name),
                        .element = inner,
                        .delimiter = user->delimiter};
    return arena_copy(&types->arena, &type, sizeof type);
}

void types_remember(struct types *types, const struct user_types *users)
{
    for (int i = 0; i < users->count; i++) {
        const struct user_type *user = &users->items[i];
        const struct type *type = make(types, user);
        type_hash_insert(&types->remembered, user->oid, type)->typmod = user->typmod;
    }
}

static char kind_of(enum type_class class)
{
    switch (class) {
    case TYPE_SCALAR: return 'b';
    case TYPE_ENUM: return 'e';
    case TYPE_ARRAY: return 'a';
    case TYPE_RANGE: return 'r';
    case TYPE_MULTIRANGE: return 'm';
    case TYPE_COMPOSITE: return 'c';
    }
    __builtin_unreachable();
}

static void list_type(struct user_types *users, const struct type *type)
{
    if (!type || type->oid < OID_FIRST_USER || user_types_find(users, type->oid)) {
        return;
    }
    list_type(users, type->element);
    user_types_add(users, &(struct user_type){.oid = type->oid,
                                              .kind = kind_of(type->class),
                                              .delimiter = type->delimiter,
                                              .typmod = -1,
                                              .inner = type->element ? type->element->oid : 0,
                                              .schema = (char *)type->schema,
                                              .name = (char *)type->name});
}

/* Unknown types read as text, like a domain over text, and need not be remembered. */
void types_list_user(const struct types *types, const struct relation *relation,
                     struct user_types *users)
{
    for (int i = 0; i < relation->column_count; i++) {
        uint32_t oid = relation->columns[i].type_oid;
        const struct type *type = types_find(types, oid);
        list_type(users, type);
        if (oid >= OID_FIRST_USER && type != types->text && !user_types_find(users, oid)) {
            user_types_add(users, &(struct user_type){.oid = oid,
                                                      .kind = 'd',
                                                      .delimiter = ',',
                                                      .typmod = types_modifier(types, oid, -1),
                                                      .inner = type->oid});
        }
    }
}
