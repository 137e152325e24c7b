/*
 * A ring: a bounded queue of pointers from one thread to one other (ck_ring, single producer,
 * single consumer).
 *
 * Rings are made large enough for everything that can ever be under way in them: what bounds a
 * pipeline is the number of its batches. So a push cannot fail, and producers wait for empty
 * batches only.
 */
#ifndef RUNTIME_RING_H
#define RUNTIME_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/bell.h"

struct ring;

/* For at most `items` pointers. `bell` is rung after each push; the consumer waits on it. */
struct ring *ring_new(size_t items, struct bell *bell);
void ring_free(struct ring **); /* items still inside are not freed */

/* Producer. Moves *item into the ring and nulls it. Asserts that there is room. */
void ring_push(struct ring *, void **item);

/* Consumer. The oldest item, or NULL. Never waits. */
void *ring_pop(struct ring *);

/* Either side: at least so many items are inside for the consumer, at most for the producer. */
size_t ring_count(const struct ring *);

#endif
