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

/* Every row of a chunk comes through here: plain pointers are quicker than a cursor. */
const uint8_t *tuple_check_row(struct bytes *b, int columns)
{
    const uint8_t *tuple = b->p, *p = tuple, *end = b->end;
    b->bad |= end - p < 2 || load16(p) != columns;
    p += 2;
    for (int i = 0; i < columns && !b->bad; i++) {
        if (end - p < 4) {
            b->bad = true;
            break;
        }
        uint32_t len = load32(p);
        p += 4;
        if (len != UINT32_MAX) {
            b->bad = len > (size_t)(end - p);
            p += b->bad ? 0 : len;
        }
    }
    b->p = b->bad ? tuple : p;
    return b->bad ? NULL : tuple;
}
