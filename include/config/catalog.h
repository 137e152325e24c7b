/*
 * What to capture: Airbyte's ConfiguredAirbyteCatalog, or Flow's bindings, as one list of streams.
 */
#ifndef CONFIG_CATALOG_H
#define CONFIG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/name.h" /* stream_label, for those who include this */

struct json_at;

enum backfill_mode {
    BACKFILL_NORMAL,       /* all rows, then changes */
    BACKFILL_ONLY_CHANGES, /* no rows, changes alone */
    BACKFILL_WITHOUT_KEY,  /* all rows, in physical order, even where there is a key */
};

struct catalog_stream {
    char *schema, *table;
    char **key; /* columns that override the table's key, NULL-terminated; NULL: the table's own */
    bool full_refresh; /* Airbyte: all rows, unless the state is of the same generation */
    enum backfill_mode mode;
    char *backfill_filter; /* an SQL condition that rows of the backfill meet; NULL: all do */
    int priority;          /* higher is backfilled first; 0 by default */
    char *state_key;       /* Flow: names the state of this binding; NULL: "schema.table" */

    /* Airbyte's alone: */
    bool airbyte_look;   /* its records are in the Airbyte look */
    bool key_may_repeat; /* `key` was chosen by a user and may repeat: if no unique index lies
                            within it, rows are read in ctid order */
    /* In the Airbyte look: the fields of a record that were chosen, and `key`; the table's own key
     * is always written. NULL-terminated. NULL: all. */
    char **columns;
    /*
     * A destination keeps the records of one generation together: a stream that is to be sent again
     * gets a new generation, and a repeated attempt keeps it. The destination removes generations
     * below the minimum.
     */
    int64_t generation_id, minimum_generation_id, sync_id; /* 0: not given */
};

/*
 * Streams without a table: their schema is one that no table can be in. They have no state, and are
 * not among a catalog's streams.
 */
enum logical_stream {
    LOGICAL_MESSAGES,
    LOGICAL_TRANSACTIONS,
    LOGICAL_STREAMS, /* how many there are */
};
extern const struct catalog_stream logical_streams[LOGICAL_STREAMS];

/* Whether the configuration has such records emitted; *option: by which option. */
struct config;
bool config_emits_logical(const struct config *, enum logical_stream, const char **option);

struct catalog {
    struct catalog_stream *streams;
    int count;
    int room;          /* of `streams`: more may join while a capture runs, without moving it */
    bool full_refresh; /* all streams are: the read ends after their rows, without changes */
    bool logical[LOGICAL_STREAMS]; /* which of those are in it */
    bool tail; /* run until stopped; else, or with full_refresh, until a final watermark */
};

/* Airbyte's form. ERR_CONFIG has a line for each fault, with the stream and the field. */
struct catalog *catalog_parse(const char *json, size_t len, struct err *);
void catalog_free(struct catalog **);

/* The streams behind it move up. */
void catalog_remove(struct catalog *, int stream);

/* The stream of that table among the first `count`; -1: there is none. */
int catalog_find(const struct catalog *, int count, const char *schema, const char *table);

/*
 * Check that no two streams are equal by `order`, which compares pointers to them; `what` names the
 * member that must be unique. The error names each stream that equals an earlier one; they were
 * read from the elements of `streams`.
 */
bool catalog_check_duplicates(const struct json_at *streams, const struct catalog *,
                              int (*order)(const void *, const void *), const char *what,
                              struct err *);
int catalog_by_table(const void *, const void *);

#endif
