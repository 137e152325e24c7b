/*
 * Printing the rows of a chunk: whole batches, in order, to where the records of their stream go.
 *
 * Several printers share the rows of a chunk: each prints slices of its batches to buffers of their
 * own, which the caller writes in the order of the rows, and so are numbered before they are
 * printed. At most two slices per printer wait to be written; a batch returns to its producer once
 * its last row is written. The caller is the first of the printers, and alone touches `out`.
 */
#ifndef PRINTING_PRINTING_H
#define PRINTING_PRINTING_H

#include "emit/printer.h"
#include "row/batch.h"
#include "runtime/run.h"

enum { SLICE_BYTES = 64 * 1024 }; /* of rows as the server sent them: some 300 kB of lines */

struct printing;

/* NULL: a thread cannot be started. */
struct printing *printing_new(int printers, size_t slice_bytes, struct err *);
void printing_free(struct printing **);

/* How many printers are useful: one prints as much as two connections read. */
int printing_printers(int cores, int workers);

struct printing_rows {
    struct out *out;
    struct printer *printer;
    uint64_t first;  /* the n of the first row that is printed */
    uint64_t cursor; /* of them all */
    int64_t now_ms;
    const struct run *run; /* once it stops, no more rows are printed; NULL: nothing stops it */
    /* Called with each batch, in order, once its rows are written, or never will be. */
    void (*home)(void *context, struct batch **);
    void *context;
};

/* Print the rows of chained batches. Returns how many were printed. */
uint64_t print_batches(struct printing *, const struct printing_rows *, struct batch *batches);

#endif
