/* Checking the frames of tuples as they come in. */
#include "row/tuple.h"

static bool check_wal_value(struct bytes *b)
{
    switch (bytes_u8(b)) {
    case VALUE_NULL:
    case VALUE_UNCHANGED: return !b->bad;
    case VALUE_TEXT:
    case VALUE_BINARY: return bytes_take(b, bytes_u32(b)) != NULL;
    default: return false;
    }
}

static bool check_copy_value(struct bytes *b)
{
    uint32_t len = bytes_u32(b);
    return len == UINT32_MAX ? !b->bad : bytes_take(b, len) != NULL;
}

const uint8_t *tuple_check_wal(struct bytes *b, int columns)
{
    const uint8_t *tuple = b->p;
    if (bytes_u16(b) != columns) {
        b->bad = true;
    }
    for (int i = 0; i < columns && !b->bad; i++) {
        b->bad = !check_wal_value(b);
    }
    return b->bad ? NULL : tuple;
}

const uint8_t *tuple_check_copy(struct bytes *b, int columns)
{
    const uint8_t *tuple = b->p;
    if (bytes_u16(b) != columns) {
        b->bad = true;
    }
    for (int i = 0; i < columns && !b->bad; i++) {
        b->bad = !check_copy_value(b);
    }
    return b->bad ? NULL : tuple;
}
