/*
 * What to capture: Airbyte's ConfiguredAirbyteCatalog, or Flow's bindings, as one list of streams.
 */
#ifndef CONFIG_CATALOG_H
#define CONFIG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "row/name.h" /* stream_name, for whoever names streams */

enum backfill_mode {
    BACKFILL_NORMAL,       /* all rows, then changes */
    BACKFILL_ONLY_CHANGES, /* no rows, changes alone */
    BACKFILL_WITHOUT_KEY,  /* all rows, in physical order, even where there is a key */
};

struct catalog_stream {
    char *schema, *table;
    char **key; /* columns that override the table's key, NULL-terminated; NULL: the table's own */
    bool full_refresh; /* Airbyte: all rows, whatever the state says */
    enum backfill_mode mode;
    int priority;    /* higher is backfilled first; 0 by default */
    char *state_key; /* Flow: names the state of this binding; NULL: "schema.table" */
};

struct catalog {
    struct catalog_stream *streams;
    int count;
    bool tail; /* run until stopped; else, and where all is full_refresh, to a final watermark */
};

/* Airbyte's form. ERR_CONFIG names the stream and the field. */
struct catalog *catalog_parse(const char *json, size_t len, struct err *);
void catalog_free(struct catalog **);

/*
 * Two streams that are equal by an order of pointers to them, of which there should be none: their
 * places, the first one first. False if there are none.
 */
bool catalog_find_twins(const struct catalog *, int (*order)(const void *, const void *),
                        int twins[2]);
int catalog_by_table(const void *, const void *);

#endif
