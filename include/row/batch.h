/*
 * What travels between threads: an arena with events of the stream, or rows of a chunk.
 *
 * A batch has one owner at a time, and is recycled: its producer fills it, the merger marks it, the
 * emitter prints it and returns it to its pool. A full batch holds about BATCH_BYTES; one oversized
 * row may make it larger until it is returned.
 *
 * Small chunks share a batch. It carries a rider for each of them, a batch with rows but without an
 * arena: its rows are in its carrier's. Each rider has its own owner; the carrier returns to its
 * pool when the last rider is done.
 */
#ifndef ROW_BATCH_H
#define ROW_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "row/chunk.h"
#include "row/event.h"

enum {
    BATCH_BYTES = 1 << 20,
};

enum batch_kind {
    BATCH_EVENTS,
    BATCH_ROWS,
};

struct batch {
    enum batch_kind kind;
    unsigned producer; /* whose pool it came from */
    struct arena arena;
    struct event *events; /* BATCH_EVENTS; the array is kept when the batch is recycled */
    size_t event_count, event_cap;
    uint64_t cursor;      /* BATCH_EVENTS: of the last change before them (row/cursor.h) */
    const uint8_t **rows; /* BATCH_ROWS: DataRow tuples in the arena; NULL: taken out */
    size_t row_count, row_cap;
    int stream, range;        /* BATCH_ROWS: where they were read */
    uint64_t life;            /* BATCH_ROWS: of the stream, that they were read for */
    enum chunk_step step;     /* BATCH_ROWS */
    struct chunk *chunk;      /* CHUNK_SNAPSHOT: the chunk, for the merger to own */
    struct chunk_close close; /* CHUNK_CLOSE */
    struct batch *next;       /* in its chunk, or among the riders of its carrier */
    struct batch *riders;     /* CHUNK_RIDERS: owned by the owner of the carrier */
    struct batch *carrier;    /* of a rider; else NULL */
    size_t aboard;            /* atomic: itself, and its riders that are still in use */
    struct relation *past;    /* relations, chained, that nothing points at once this batch is
                              returned */
};

struct batch *batch_new(unsigned producer);
void batch_free(struct batch **);
void batch_reset(struct batch *, enum batch_kind);

/* The next event of the batch, zeroed. Valid until the next call. */
struct event *batch_event(struct batch *);
void batch_row(struct batch *, const uint8_t *tuple);

/* One more rider, in front of the others. */
struct batch *batch_rider(struct batch *carrier);

/* Its rows are the carrier's from `first` on. The carrier gets no more rows. */
void batch_rider_rows(struct batch *rider, size_t first, size_t count);

/* One of the riders, which is the caller's from now on; NULL: none is left. */
struct batch *batch_take_rider(struct batch *carrier);

/*
 * The caller is done with the batch. Returns what it must send back to the producer: the batch
 * itself, or the carrier if this was its last rider, or NULL. *batch becomes NULL. Any thread.
 */
struct batch *batch_done(struct batch **batch);

static inline size_t batch_bytes(const struct batch *batch)
{
    return batch->arena.bytes + batch->event_count * sizeof *batch->events +
           batch->row_count * sizeof *batch->rows;
}

#endif
