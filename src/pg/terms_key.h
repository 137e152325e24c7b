/* SQL of the terms of a table's key (row/terms.h): one expression each, as terms_sql() has them. */
#ifndef PG_TERMS_KEY_H
#define PG_TERMS_KEY_H

#include "base/out.h"

void terms_key_sql(struct out *, const char *oid, const char *publication, const char *key,
                   int version);
void terms_order_sql(struct out *, const char *oid, const char *publication, const char *key,
                     int version);
void terms_values_sql(struct out *, const char *oid, const char *key, int version);

#endif
