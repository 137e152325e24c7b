/*
 * The empty batches of one producer. The number of its batches bounds the memory that it has in
 * flight.
 *
 * The producer takes; only the emitter returns. Each producer has a pool of its own: with a shared
 * one the backfill would take every batch, and the WAL that carries its watermark could never
 * arrive.
 */
#ifndef RUNTIME_POOL_H
#define RUNTIME_POOL_H

#include <stdint.h>

#include "row/batch.h"
#include "runtime/bell.h"
#include "runtime/run.h"

struct pool;

/* Batches are made when first needed, `batches` at most. */
struct pool *pool_new(unsigned producer, size_t batches);

/* All batches must have been returned. */
void pool_free(struct pool **);

/*
 * Producer. An empty batch, or NULL if none was returned before the deadline (monotonic), the run
 * stops, or `bell` rang meanwhile. The pool's bell must be one of the run's; NULL: no run stops it.
 */
struct batch *pool_take(struct pool *, enum batch_kind, const struct run *, int64_t deadline_us);

/* Producer. How many pool_take would yield at once. */
size_t pool_free_batches(const struct pool *);

/* Emitter. Returns a batch to its producer; *batch becomes NULL. */
void pool_return(struct pool *, struct batch **batch);

/* The bell that the producer waits on; ring it to interrupt pool_take. */
struct bell *pool_bell(struct pool *);

#endif
