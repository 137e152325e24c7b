/* Inside of the table of types: hashes by OID. */
#ifndef TYPES_TABLE_H
#define TYPES_TABLE_H

#include "base/arena.h"
#include "pg/types.h"

struct entry {
    uint32_t oid;            /* 0: free */
    int32_t typmod;          /* a domain's, else -1 */
    const struct type *type; /* a domain's base */
    const char **labels;     /* an enum's */
};

struct type_hash {
    struct entry *entries; /* open addressing; never more than half full */
    size_t cap, count;
};

struct types {
    struct arena arena;
    struct type_hash known;
    struct type_hash remembered; /* asked where the catalogs know nothing */
    const struct type *text;
};

/* NULL: there is none. */
struct entry *type_hash_find(const struct type_hash *, uint32_t oid);

/* Replaces one of that OID. */
struct entry *type_hash_insert(struct type_hash *, uint32_t oid, const struct type *);

/* By pg_type.typtype, or 'a'. */
enum type_class type_class_of(char kind);

#endif
