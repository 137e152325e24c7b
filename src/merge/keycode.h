/*
 * Keys as bytes, to compare and to look up.
 *
 * Where every column of a key sorts bytewise, the code of a key sorts (memcmp, a prefix first) as
 * the key does:
 *
 *   INT     8 bytes, sign flipped       OID   4 bytes        BOOL  1 byte      UUID  16 bytes
 *   TIME    8 bytes of days, sign flipped, 8 bytes of microseconds
 *   TEXT    the bytes, 00               BPCHAR  the same without trailing blanks
 *   BYTEA   the bytes with 00 as 00 FF, then 00 01
 *
 * Else codes can only be compared for equality: for each column Int32 len and the text. Numbers are
 * big-endian.
 */
#ifndef MERGE_KEYCODE_H
#define MERGE_KEYCODE_H

#include "merge/merge.h"
#include "row/tuple.h"

/* A code being made; the memory is kept from one to the next. */
struct keybuf {
    struct keycode *code; /* NULL until first used */
    size_t cap;           /* of code->data */
};

void keybuf_free(struct keybuf *);

/* Append the code of one column's value. False if the value is null or not of the column's type. */
bool keycode_value(struct keybuf *, const struct merge_key *, int column, const struct value *);

/*
 * The code of a key from a tuple, of either form. Replaces what `buf` held. `old`, where given, has
 * the key columns that `tuple` leaves unchanged.
 */
bool keycode_wal(struct keybuf *buf, const struct merge_key *, const struct relation *,
                 const uint8_t *tuple, const uint8_t *old);
bool keycode_copy(struct keybuf *buf, const struct merge_key *, const struct relation *,
                  const uint8_t *tuple);

/* Whether an update from `old` to `tuple` gave the row another key. */
bool keycode_changed(const struct relation *, const uint8_t *old, const uint8_t *tuple);

/* The code of a key given as text; malloc'ed. NULL if it is not of the columns' types. */
struct keycode *keycode_of(const struct merge_key *, const struct key *);

int keycode_compare(const struct keycode *, const struct keycode *);
uint32_t keycode_hash(const struct keycode *);

#endif
