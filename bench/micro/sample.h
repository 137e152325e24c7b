/*
 * Sample rows: the narrow and the wide table of the measurements, as tuples in both wire forms.
 */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include "base/out.h"
#include "row/relation.h"

/* One value in both forms. binary NULL: there is no such form, or it is the text. */
struct sample {
    const char *name;
    struct type type;
    const char *text;
    const char *binary;
    size_t binary_len;
};

/* One of each type with a look of its own; ends with a NULL name. */
extern const struct sample sample_values[];

/* Rows; each ends with a NULL name. */
extern const struct sample sample_narrow[], sample_wide[];

/* The value's bytes in the form that a chunk selects. */
const char *sample_binary(const struct sample *, size_t *len);

/* A relation of that row, types resolved, the first column its key. Types are borrowed. */
struct relation *sample_relation(const struct sample *row);

/* Append a tuple of either form, or a whole message of pgoutput. */
void sample_copy_tuple(struct out *, const struct sample *row);
void sample_wal_tuple(struct out *, const struct sample *row);
void sample_relation_message(struct out *, const struct relation *);
void sample_insert_message(struct out *, const struct relation *, const struct sample *row);
void sample_update_message(struct out *, const struct relation *, const struct sample *row);
void sample_begin_message(struct out *);
void sample_commit_message(struct out *);

#endif
