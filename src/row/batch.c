/* Filling and recycling batches. */
#include "row/batch.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

enum { ARENA_BLOCK = 256 * 1024 };

struct batch *batch_new(unsigned producer)
{
    struct batch *batch = mem_zero(sizeof *batch);
    batch->producer = producer;
    batch->aboard = 1;
    arena_init(&batch->arena, ARENA_BLOCK);
    return batch;
}

void batch_free(struct batch **batch)
{
    struct batch *home = *batch ? batch_done(batch) : NULL;
    if (home) {
        arena_free(&home->arena);
        free(home->events);
        free((void *)home->rows);
        free(home);
    }
}

void batch_reset(struct batch *batch, enum batch_kind kind)
{
    arena_reset(&batch->arena);
    batch->kind = kind;
    batch->event_count = batch->row_count = 0;
    batch->chunk = NULL;
    batch->step = CHUNK_ROWS;
    batch->close = (struct chunk_close){0};
    batch->next = batch->riders = NULL;
}

struct batch *batch_rider(struct batch *carrier)
{
    struct batch *rider = mem_zero(sizeof *rider);
    rider->kind = BATCH_ROWS;
    rider->carrier = carrier;
    rider->next = carrier->riders;
    carrier->riders = rider;
    carrier->step = CHUNK_RIDERS;
    carrier->aboard++;
    return rider;
}

void batch_rider_rows(struct batch *rider, size_t first, size_t count)
{
    rider->rows = rider->carrier->rows + first;
    rider->row_count = count;
}

struct batch *batch_take_rider(struct batch *carrier)
{
    struct batch *rider = carrier->riders;
    if (rider) {
        carrier->riders = rider->next;
        rider->next = NULL;
    }
    return rider;
}

struct batch *batch_done(struct batch **batch)
{
    struct batch *carrier = (*batch)->carrier ? (*batch)->carrier : *batch;
    if (*batch != carrier) {
        free(*batch);
    }
    *batch = NULL;
    size_t left = __atomic_sub_fetch(&carrier->aboard, 1, __ATOMIC_ACQ_REL);
    CHECK(left < SIZE_MAX);
    if (left) {
        return NULL;
    }
    carrier->aboard = 1;
    return carrier;
}

struct event *batch_event(struct batch *batch)
{
    if (batch->event_count == batch->event_cap) {
        batch->events = mem_grow_array(batch->events, &batch->event_cap, batch->event_count + 1,
                                       sizeof *batch->events);
    }
    struct event *event = &batch->events[batch->event_count++];
    *event = (struct event){0};
    return event;
}

void batch_row(struct batch *batch, const uint8_t *tuple)
{
    if (batch->row_count == batch->row_cap) {
        batch->rows = mem_grow_array((void *)batch->rows, &batch->row_cap, batch->row_count + 1,
                                     sizeof *batch->rows);
    }
    batch->rows[batch->row_count++] = tuple;
}
