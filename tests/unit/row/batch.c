#include "row/batch.h"

#include <criterion/criterion.h>

Test(batch, events_come_zeroed_and_stay_in_order)
{
    struct batch *batch = batch_new(3);
    batch_reset(batch, BATCH_EVENTS);
    cr_assert_eq(batch->producer, 3);
    for (uint64_t i = 0; i < 1000; i++) {
        struct event *event = batch_event(batch);
        cr_assert(event->kind == EVENT_SKIP && !event->relation && !event->lsn);
        event->lsn = i;
    }
    cr_assert_eq(batch->event_count, 1000);
    for (uint64_t i = 0; i < 1000; i++) {
        cr_assert_eq(batch->events[i].lsn, i);
    }
    batch_free(&batch);
    cr_assert_null(batch);
    batch_free(&batch);
}

Test(batch, reset_keeps_the_arrays_and_forgets_their_items)
{
    struct batch *batch = batch_new(0);
    batch_reset(batch, BATCH_EVENTS);
    batch_event(batch)->lsn = 7;
    struct event *events = batch->events;
    batch_reset(batch, BATCH_EVENTS);
    cr_assert_eq(batch->event_count, 0);
    cr_assert_eq(batch_event(batch), events);
    cr_assert_eq(batch->events[0].lsn, 0);
    batch_free(&batch);
}

Test(batch, rows_are_kept_in_order)
{
    struct batch *batch = batch_new(0);
    uint8_t tuples[100] = {0};
    batch_reset(batch, BATCH_ROWS);
    for (size_t i = 0; i < sizeof tuples; i++) {
        batch_row(batch, &tuples[i]);
    }
    cr_assert_eq(batch->kind, BATCH_ROWS);
    cr_assert_eq(batch->row_count, sizeof tuples);
    for (size_t i = 0; i < sizeof tuples; i++) {
        cr_assert_eq(batch->rows[i], &tuples[i]);
    }
    batch_free(&batch);
}

Test(batch, bytes_counts_the_arena_and_the_arrays)
{
    struct batch *batch = batch_new(0);
    batch_reset(batch, BATCH_EVENTS);
    cr_assert_eq(batch_bytes(batch), 0);
    arena_alloc(&batch->arena, 1000);
    batch_event(batch);
    cr_assert_eq(batch_bytes(batch), 1000 + sizeof(struct event));
    batch_reset(batch, BATCH_EVENTS);
    cr_assert_eq(batch_bytes(batch), 0);
    batch_free(&batch);
}
