/*
 * The user-defined types of a table's columns and of what these are made of, as a state remembers
 * them: a type may be dropped while changes with its values are still to be decoded.
 */
#ifndef ROW_USER_TYPE_H
#define ROW_USER_TYPE_H

#include <stdint.h>

enum { OID_FIRST_USER = 16384 }; /* types below are PostgreSQL's own */

struct user_type {
    uint32_t oid;
    char kind;      /* pg_type.typtype, or 'a': a true array */
    char delimiter; /* of an array; else ',' */
    int32_t typmod; /* of a domain; -1: none */
    uint32_t
        inner; /* of a domain its base type, of an array or a (multi)range its element; else 0 */
    char *schema, *name; /* owned; NULL: a domain */
};

/* No duplicates; a type comes after the types that it is made of. */
struct user_types {
    struct user_type *items; /* owned */
    int count;
};

/* NULL: it is not among them. */
const struct user_type *user_types_find(const struct user_types *, uint32_t oid);

/* A copy at the end. */
void user_types_add(struct user_types *, const struct user_type *);

/* Add copies of those that are not there yet. */
void user_types_merge(struct user_types *, const struct user_types *);

void user_types_clear(struct user_types *);

#endif
