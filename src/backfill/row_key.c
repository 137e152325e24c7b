/* The key of a row that a chunk has read, as text: the next chunk begins after it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "row/tuple.h"
#include "table.h"

static void set_integer(struct key *key, int k, const struct value *value)
{
    int64_t number = value->len == 2   ? (int16_t)load16(value->data)
                     : value->len == 4 ? (int32_t)load32(value->data)
                                       : (int64_t)load64(value->data);
    char *text = mem_format("%" PRId64, number);
    key_set(key, k, text, strlen(text));
    free(text);
}

static void set_uuid(struct key *key, int k, const struct value *value)
{
    char text[37], *p = text;
    for (int i = 0; i < 16; i++) {
        p += snprintf(p, (size_t)(text + sizeof text - p), "%s%02x",
                      i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", (uint8_t)value->data[i]);
    }
    key_set(key, k, text, 36);
}

/* The length of a binary form that is not text; 0: it varies. */
static uint32_t fixed_length(uint32_t oid)
{
    switch (oid) {
    case OID_BOOL: return 1;
    case OID_INT2: return 2;
    case OID_INT4:
    case OID_OID: return 4;
    case OID_INT8: return 8;
    case OID_UUID: return 16;
    default: return 0;
    }
}

/* False if the value is not of its type's length. */
static bool set_key(struct key *key, int k, const struct column *column, const struct value *value)
{
    uint32_t oid = column->text ? OID_TEXT : column->type->oid;
    if (fixed_length(oid) && fixed_length(oid) != value->len) {
        return false;
    }
    switch (oid) {
    case OID_INT2:
    case OID_INT4:
    case OID_INT8: set_integer(key, k, value); break;
    case OID_OID: {
        char *text = mem_format("%" PRIu32, load32(value->data));
        key_set(key, k, text, strlen(text));
        free(text);
        break;
    }
    case OID_BOOL: key_set(key, k, *value->data ? "t" : "f", 1); break;
    case OID_UUID: set_uuid(key, k, value); break;
    default: key_set(key, k, value->data, value->len);
    }
    return true;
}

struct key *table_row_key(const struct table *table, const uint8_t *tuple)
{
    const struct table_description *d = table->description;
    struct key *key = key_new(d->key_count);
    const uint8_t *next = tuple_first(tuple);
    bool good = true;
    for (int i = 0; i < table->relation->column_count; i++) {
        struct value value;
        next = tuple_row_next(next, &value);
        for (int k = 0; k < d->key_count; k++) {
            if (d->key[k].column == i && value.kind != VALUE_NULL) {
                good &= set_key(key, k, &table->relation->columns[i], &value);
            }
        }
    }
    if (!good) {
        key_free(&key);
    }
    return key;
}
