/* Building tuples from two. */
#include "complete.h"

#include <string.h>

#include "base/bytes.h"

bool tuple_lacks_values(const uint8_t *tuple)
{
    const uint8_t *p = tuple_first(tuple);
    for (int i = tuple_columns(tuple); i > 0; i--) {
        struct value value;
        p = tuple_wal_next(p, &value);
        if (value.kind == VALUE_UNCHANGED) {
            return true;
        }
    }
    return false;
}

static struct value base_value(const struct column *column, const struct relation *base_relation,
                               const uint8_t *base,
                               const uint8_t *(*next)(const uint8_t *, struct value *))
{
    const uint8_t *p = tuple_first(base);
    int index = relation_column(base_relation, column->name);
    struct value value = {VALUE_UNCHANGED, 0, NULL};
    if (index < 0 || base_relation->columns[index].type_oid != column->type_oid) {
        return value;
    }
    for (int i = 0; i <= index; i++) {
        p = next(p, &value);
    }
    if (value.kind == VALUE_BINARY && base_relation->columns[index].text) {
        value.kind = VALUE_TEXT;
    }
    return value;
}

static uint8_t *put_value(uint8_t *p, const struct value *value)
{
    *p++ = (uint8_t)value->kind;
    if (value->kind == VALUE_TEXT || value->kind == VALUE_BINARY) {
        p = store32(p, value->len);
        memcpy(p, value->data, value->len);
        p += value->len;
    }
    return p;
}

static const uint8_t *make_tuple(struct arena *arena, const struct value *values, int columns)
{
    size_t size = 2;
    for (int i = 0; i < columns; i++) {
        size += 5 + values[i].len;
    }
    uint8_t *tuple = arena_alloc(arena, size), *p = store16(tuple, (uint16_t)columns);
    for (int i = 0; i < columns; i++) {
        p = put_value(p, &values[i]);
    }
    return tuple;
}

const uint8_t *tuple_complete(struct arena *arena, const struct relation *relation,
                              const uint8_t *tuple, const struct relation *base_relation,
                              const uint8_t *base,
                              const uint8_t *(*next)(const uint8_t *, struct value *))
{
    int columns = tuple_columns(tuple);
    struct value *values = arena_alloc(arena, (size_t)columns * sizeof *values);
    const uint8_t *from = tuple_first(tuple);
    for (int i = 0; i < columns; i++) {
        from = tuple_wal_next(from, &values[i]);
        if (values[i].kind == VALUE_UNCHANGED) {
            values[i] = base_value(&relation->columns[i], base_relation, base, next);
        }
    }
    return make_tuple(arena, values, columns);
}

const uint8_t *tuple_complete_from_old(struct arena *arena, const struct relation *relation,
                                       const uint8_t *tuple, const uint8_t *old, enum old_kind kind)
{
    int columns = tuple_columns(tuple);
    struct value *values = arena_alloc(arena, (size_t)columns * sizeof *values);
    const uint8_t *from = tuple_first(tuple), *old_from = tuple_first(old);
    for (int i = 0; i < columns; i++) {
        struct value before;
        from = tuple_wal_next(from, &values[i]);
        old_from = tuple_wal_next(old_from, &before);
        bool sent = kind == OLD_ROW || relation->columns[i].identity;
        if (values[i].kind == VALUE_UNCHANGED && sent && before.kind != VALUE_NULL) {
            values[i] = before;
        }
    }
    return make_tuple(arena, values, columns);
}
