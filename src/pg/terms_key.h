/* SQL of the terms of a table's key (row/terms.h), as terms_sql() has them: one expression each, and
 * what they need in FROM. */
#ifndef PG_TERMS_KEY_H
#define PG_TERMS_KEY_H

#include "base/out.h"

void terms_key_sql(struct out *, const char *oid, const char *publication, const char *key,
                   int version);
void terms_order_sql(struct out *, const char *oid, const char *publication, const char *key,
                     int version);

/* A row for FROM, to be named `within`: how user-defined types inside the key are ordered and
 * written. */
void terms_within_sql(struct out *, const char *oid, const char *key, int version);

#endif
