/* Filling and recycling batches. */
#include "row/batch.h"

#include <stdlib.h>

#include "base/mem.h"

enum { ARENA_BLOCK = 256 * 1024 };

struct batch *batch_new(unsigned producer)
{
    struct batch *batch = mem_zero(sizeof *batch);
    batch->producer = producer;
    arena_init(&batch->arena, ARENA_BLOCK);
    return batch;
}

void batch_free(struct batch **batch)
{
    if (*batch) {
        arena_free(&(*batch)->arena);
        free((*batch)->events);
        free((void *)(*batch)->rows);
        free(*batch);
        *batch = NULL;
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
    batch->next = NULL;
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
