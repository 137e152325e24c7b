/*
 * Rows as PostgreSQL sent them. A tuple is a pointer to bytes that were checked once, when they
 * came in (tuple_check_*), so that walking it again needs no bounds. Two wire forms exist:
 *
 *   pgoutput's TupleData:   Int16 columns, then for each a kind: 'n' null, 'u' unchanged TOAST
 *                           value, 't' Int32 len, text, or 'b' Int32 len, binary
 *   DataRow:                Int16 columns, then for each Int32 len (-1: null), bytes in the form
 *                           asked for
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
#ifndef ROW_TUPLE_H
#define ROW_TUPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum value_kind {
    VALUE_NULL = 'n',
    VALUE_UNCHANGED = 'u', /* a TOAST value that the update did not touch and did not send */
    VALUE_TEXT = 't',
    VALUE_BINARY = 'b',
};

/* One column of a tuple; the bytes are borrowed from it, and have no NUL behind them. */
struct value {
    enum value_kind kind;
    uint32_t len;
    const char *data;
};

static inline int tuple_columns(const uint8_t *tuple)
{
    return load16(tuple);
}

static inline const uint8_t *tuple_first(const uint8_t *tuple)
{
    return tuple + 2;
}

/* Read the value at `p` of a pgoutput tuple; returns where the next one begins. */
static inline const uint8_t *tuple_wal_next(const uint8_t *p, struct value *value)
{
    value->kind = (enum value_kind) * p++;
    if (value->kind == VALUE_NULL || value->kind == VALUE_UNCHANGED) {
        value->len = 0;
        value->data = NULL;
        return p;
    }
    value->len = load32(p);
    value->data = (const char *)p + 4;
    return p + 4 + value->len;
}

/* The same for a DataRow. What was asked for as text comes as VALUE_BINARY too: the column knows.
 */
static inline const uint8_t *tuple_row_next(const uint8_t *p, struct value *value)
{
    uint32_t len = load32(p);
    p += 4;
    if (len == UINT32_MAX) {
        *value = (struct value){VALUE_NULL, 0, NULL};
        return p;
    }
    *value = (struct value){VALUE_BINARY, len, (const char *)p};
    return p + len;
}

/* Step over one tuple of `columns` columns, checking every byte of its frame. Returns it, or NULL
 * and bad. */
const uint8_t *tuple_check_wal(struct bytes *, int columns);
const uint8_t *tuple_check_row(struct bytes *, int columns);

#endif
