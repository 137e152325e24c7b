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

Test(batch, a_carrier_goes_home_with_the_last_of_its_riders)
{
    struct batch *carrier = batch_new(0), *rider, *home = carrier;
    const uint8_t tuples[3] = {0};
    batch_reset(carrier, BATCH_ROWS);
    for (size_t i = 0; i < sizeof tuples; i++) {
        batch_row(carrier, &tuples[i]);
    }
    batch_rider_rows(batch_rider(carrier), 2, 1);
    batch_rider_rows(batch_rider(carrier), 0, 2);
    cr_assert_eq(carrier->step, CHUNK_RIDERS);
    struct batch *first = batch_take_rider(carrier), *second = batch_take_rider(carrier);
    cr_assert_null(batch_take_rider(carrier));
    cr_assert(first->row_count == 2 && first->rows[1] == &tuples[1]);
    cr_assert(second->row_count == 1 && second->rows[0] == &tuples[2]);
    rider = carrier;
    cr_assert_null(batch_done(&rider));
    cr_assert_null(batch_done(&second));
    cr_assert_eq(batch_done(&first), home);
    cr_assert(!first && !second && !rider);
    cr_assert_eq(batch_done(&carrier), home); /* and again after it was recycled */
    batch_free(&home);
}
