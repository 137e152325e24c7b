/* Keys as text. */
#include "row/key.h"

#include <stdlib.h>

#include "base/mem.h"
#include "row/type.h"

struct key *key_new(int count)
{
    struct key *key = mem_zero(sizeof *key + (size_t)count * sizeof key->columns[0]);
    key->count = count;
    return key;
}

struct key *key_copy(const struct key *key)
{
    if (!key) {
        return NULL;
    }
    struct key *copy = key_new(key->count);
    for (int i = 0; i < key->count; i++) {
        key_set(copy, i, key->columns[i].text, key->columns[i].len);
    }
    return copy;
}

void key_free(struct key **key)
{
    for (int i = 0; *key && i < (*key)->count; i++) {
        free((*key)->columns[i].text);
    }
    free(*key);
    *key = NULL;
}

void key_set(struct key *key, int column, const char *text, size_t len)
{
    free(key->columns[column].text);
    key->columns[column] = (struct key_column){mem_string_n(text, len), len};
}

static bool is_integer(uint32_t type)
{
    return type == OID_INT2 || type == OID_INT4 || type == OID_INT8;
}

static bool is_text(uint32_t type)
{
    return type == OID_TEXT || type == OID_VARCHAR;
}

bool key_types_alike(uint32_t a, uint32_t b)
{
    return a == b || (is_integer(a) && is_integer(b)) || (is_text(a) && is_text(b));
}
