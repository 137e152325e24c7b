/* Tables by name, with keys, as parameters of a question: one text[] each, in the same order. */
#ifndef PG_STREAM_LISTS_H
#define PG_STREAM_LISTS_H

#include "base/out.h"
#include "config/catalog.h"

struct stream_lists {
    struct out schemas, tables; /* names */
    struct out keys; /* each the names of its columns, itself the text of a text[]; or NULL */
};

/* Add between the two. `key` is NULL-terminated; NULL or empty: no key. */
void stream_lists_open(struct stream_lists *);
void stream_lists_add(struct stream_lists *, const char *schema, const char *table,
                      char *const *key);
void stream_lists_close(struct stream_lists *);

/* Add all streams of the catalog, with the keys that it says; NULL: there are none. */
void stream_lists_add_catalog(struct stream_lists *, const struct catalog *);

void stream_lists_free(struct stream_lists *);

#endif
