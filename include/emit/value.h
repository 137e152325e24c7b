/*
 * Printing values as JSON: what the tables of docs/records.md and docs/airbyte.md say, from either of
 * PostgreSQL's two forms.
 *
 * A writer is chosen once for a column, and then called for each of its values; it writes exactly
 * one JSON value. It never fails: bytes that are not what the type promises are printed as a JSON
 * string. Both writers of a type print the same bytes for the same value. Text is taken to be
 * UTF-8, as the server sends it under client_encoding UTF8. No more than a bounded piece
 * (VALUE_PIECE) is ever reserved at once, so that a value of any size streams through an `out` that
 * has a sink.
 *
 * Writers keep nothing between calls; any thread may call them, each with its own `out`.
 */
#ifndef EMIT_VALUE_H
#define EMIT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/out.h"
#include "row/type.h"

enum {
    VALUE_ROOM = 64,          /* bytes that a writer finds at p */
    VALUE_PIECE = 192 * 1024, /* the most that it asks for beyond them, at once */
};

/*
 * Writes at `p`, as far as there is no need for more room, and returns where the value ends: in
 * `out`, but not committed yet. See out_room.
 */
typedef char *value_writer(struct out *, char *p, const struct type *, const char *data,
                           uint32_t len);

/* Append a value. */
static inline void value_write(value_writer *writer, struct out *out, const struct type *type,
                               const char *data, uint32_t len)
{
    out_commit(out, writer(out, out_reserve(out, VALUE_ROOM), type, data, len));
}

/* For the text form, as output functions print it under our session settings. Never NULL. */
value_writer *value_text_writer(const struct type *);

/*
 * For the binary form, as the send functions make it; NULL where a chunk must ask for the column's
 * text instead.
 */
value_writer *value_binary_writer(const struct type *);

/* Whether chunks should ask for columns of the type in binary: value_binary_writer(type) != NULL. */
bool value_prefers_binary(const struct type *);

/*
 * The writers of the Airbyte look, for the same two forms: numbers are JSON numbers, json is its
 * text, and what JSON or the type cannot hold is null. Where that may be, `lossy` is set: a writer
 * then appends a blank to the value ("null ", or "[1,null] " of an array's element) to say that it was,
 * and its caller removes the blank.
 */
struct value_writers {
    value_writer *text, *binary;
    bool lossy;
};
struct value_writers value_airbyte_writers(const struct type *);

#endif
