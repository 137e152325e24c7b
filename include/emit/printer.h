/*
 * Printing records: a row of a chunk, or a change of the stream, as one line of JSON.
 *
 * A printer is compiled once for a version of a relation: a list of column writers, each with the
 * text that precedes its value. There is no lookup by name or type per value. What precedes and
 * follows a record's data is the protocol's: its frame. A column named _meta is left out: the
 * record's own takes its place.
 *
 *   frame.head [milliseconds frame.neck] {"id":1, … ,"_meta":{"op":"c","source":{ … }}} frame.tail
 *
 * In the Airbyte look the data has three members more, which destinations use, and values that
 * Airbyte's types cannot hold are named behind it:
 *
 *   … {"id":1, … ,"_ab_cdc_lsn":N,"_ab_cdc_updated_at":"…","_ab_cdc_deleted_at":null,"_meta":{…}}
 *   ,"meta":{"changes":[{"field":"x","change":"NULLED","reason":"…"}]} frame.tail
 */
#ifndef EMIT_PRINTER_H
#define EMIT_PRINTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/out.h"
#include "emit/source.h"
#include "row/chunk.h"
#include "row/event.h"
#include "row/relation.h"

/* Borrowed for the printer's life; NUL-terminated. */
struct frame {
    const char *head;
    size_t head_len; /* of a head that holds NULs; 0: up to the first */
    /* Called with the whole record, which stays in memory for it, to fill in what the head has room
     * for: lengths. NULL: nothing. */
    void (*close)(char *record, size_t len);
    const char *neck; /* NULL: no time of emission between head and data */
    const char *tail;
    const char *tag; /* of every record's source; NULL: none */
    /*
     * Bytes of the longest text, bytea or JSON: a longer one is cut, and JSON is replaced by a marker
     * that tells its length: {"flow_truncated":true,"original_size":9000000}. 0: no limit. `cut` is
     * called for the first that a printer cuts.
     */
    uint32_t value_limit;
    void (*cut)(void *context, int stream, const char *column, uint32_t len);
    void *cut_context;
    bool airbyte; /* the Airbyte look */
    const char *const
        *columns; /* of the Airbyte look: the members of data, NULL-terminated, beside those
                           * of the key, which are always there. NULL: all */
};

struct printer;

/*
 * For one relation, whose types are resolved. Records name it by the stream's schema and table:
 * `schema` and `table` (a partition's changes may be captured under its root's name).
 */
struct printer *printer_new(const struct relation *, const struct frame *, const char *schema,
                            const char *table);
void printer_free(struct printer **);

/*
 * For another thread: a printer keeps what it printed last, so that each thread needs its own. Lives no
 * longer than the first. Not while that one prints.
 */
struct printer *printer_copy(const struct printer *);

/* A row of a chunk: a create. `n` counts the backfilled rows of the stream; `cursor` is that of the
 * chunk's release; now_ms is the time of emission. */
void print_row(struct out *, struct printer *, const uint8_t *copy_tuple, uint64_t n,
               uint64_t cursor, int64_t now_ms);

/* A row that a change put into a chunk: a create with the change's source, and the chunk's cursor.
 */
void print_patch(struct out *, struct printer *, const struct patch *, uint64_t cursor,
                 int64_t now_ms);

/* INSERT, UPDATE, DELETE, and TRUNCATE outside the Airbyte look: one record. MOVE: two. Returns how
 * many. */
int print_change(struct out *, struct printer *, const struct event *, const struct source *,
                 int64_t now_ms);

#endif
