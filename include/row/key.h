/*
 * The values of a key's columns as PostgreSQL prints them: what a chunk query starts after, and
 * what a checkpoint remembers. Immutable once made; a NULL pointer means "before all keys" or
 * "after all".
 */
#ifndef ROW_KEY_H
#define ROW_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEY_COLUMNS_MAX = 32 }; /* PostgreSQL's INDEX_MAX_KEYS: no key has more */

/*
 * How the values of a key column are ordered. All but KEY_SERVER sort as the bytes of an encoding
 * that can be made here; for KEY_SERVER (other collations, numeric, enum, citext …) only the server
 * knows.
 */
enum key_order {
    KEY_INT, /* int2, int4, int8 */
    KEY_OID,
    KEY_BOOL,
    KEY_UUID,
    KEY_TEXT,   /* text, varchar, name in a collation that compares bytes */
    KEY_BPCHAR, /* the same, trailing blanks apart */
    KEY_BYTEA,
    KEY_TIME, /* date, timestamp, timestamptz */
    KEY_SERVER,
};

/* Whether keys of two types, by oid, are ordered alike and have the same text. */
bool key_types_alike(uint32_t a, uint32_t b);

struct key_column {
    char *text; /* NUL-terminated; key columns are never null */
    size_t len;
};

struct key {
    int count;
    struct key_column columns[];
};

struct key *key_new(int count);
struct key *key_copy(const struct key *); /* NULL stays NULL */
void key_free(struct key **);
void key_set(struct key *, int column, const char *text, size_t len);

#endif
