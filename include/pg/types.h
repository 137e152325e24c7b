/*
 * The types that one connection's thread has met: pg_type's rows, resolved as row/type.h describes.
 *
 * Built-in types are known without asking; others are asked for once, in bulk where several are
 * new. A type that is gone by the time it is asked for is taken from the remembered ones, or else
 * read as text. The element of a range and of its multirange is the range's subtype. Types, and all
 * that is handed out here, are freed with the table.
 */
#ifndef PG_TYPES_H
#define PG_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pg/pg.h"
#include "row/relation.h"
#include "row/user_type.h"

struct types;

struct types *types_new(void);
void types_free(struct types **);

/* Fill `type` of every column that has none. The connection must accept parameters: PG_SQL. */
bool types_resolve(struct types *, struct pg *, struct relation *, struct err *);

/* Whether the types of all its columns are known. */
bool types_know(const struct types *, const struct relation *);

/* Make all these types known; duplicates and known ones cost nothing. */
bool types_load(struct types *, struct pg *, const uint32_t *oids, size_t count, struct err *);

/* The type itself, or a domain's base type; text where it is not known. Never NULL. */
const struct type *types_find(const struct types *, uint32_t oid);

/* The modifier that binds a column so declared: its own, or that of its domain. -1: none. */
int32_t types_modifier(const struct types *, uint32_t oid, int32_t typmod);

/* Labels of an enum (or a domain over one) in its order, NULL-terminated; NULL for other types. */
const char *const *types_labels(const struct types *, uint32_t oid);

/* Remember the types of a state, for those that are not in the catalogs any more. */
void types_remember(struct types *, const struct user_types *);

/* Add the user-defined types of the relation's columns, which are resolved, and of their parts. */
void types_list_user(const struct types *, const struct relation *, struct user_types *);

#endif
