/* Rings, pools and bells, each seen from one thread; tests/stress has them between threads. */
#include "runtime/ring.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>

#include "base/clock.h"
#include "runtime/pool.h"

Test(ring, gives_items_in_the_order_of_pushing)
{
    struct bell bell;
    int items[20];
    bell_init(&bell);
    struct ring *ring = ring_new(20, &bell);
    for (int i = 0; i < 20; i++) {
        void *item = &items[i];
        ring_push(ring, &item);
        cr_assert_null(item, "a push moves");
    }
    cr_assert_eq(ring_count(ring), 20);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(ring_pop(ring), &items[i]);
    }
    cr_assert_null(ring_pop(ring));
    ring_free(&ring);
    cr_assert_null(ring);
}

Test(ring, holds_as_many_as_it_was_made_for)
{
    struct bell bell;
    bell_init(&bell);
    for (size_t size = 1; size < 70; size++) {
        struct ring *ring = ring_new(size, &bell);
        for (size_t i = 0; i < size; i++) {
            void *item = &bell;
            ring_push(ring, &item);
        }
        cr_assert_eq(ring_count(ring), size);
        ring_free(&ring);
    }
}

Test(ring, rings_the_bell_at_each_push)
{
    struct bell bell;
    void *item = &bell;
    bell_init(&bell);
    struct ring *ring = ring_new(4, &bell);
    uint32_t seen = bell_count(&bell);
    ring_push(ring, &item);
    cr_assert_neq(bell_count(&bell), seen);
    ring_free(&ring);
}

Test(bell, does_not_wait_when_it_rang_since_the_count_was_taken)
{
    struct bell bell;
    bell_init(&bell);
    uint32_t seen = bell_count(&bell);
    bell_ring(&bell);
    bell_wait(&bell, seen, INT64_MAX);
}

/* And not later, by a step of ck_ec's own back-off, which grows to a second. */
Test(bell, stops_waiting_at_the_deadline)
{
    struct bell bell;
    bell_init(&bell);
    for (int64_t wait_us = 1000; wait_us <= 200000; wait_us *= 14) {
        int64_t start_us = clock_monotonic_us();
        bell_wait(&bell, bell_count(&bell), start_us + wait_us);
        int64_t waited_us = clock_monotonic_us() - start_us;
        cr_assert_geq(waited_us, wait_us);
        cr_assert_lt(waited_us, wait_us + 500000);
    }
}

Test(bell, a_deadline_that_has_passed_does_not_wait)
{
    struct bell bell;
    bell_init(&bell);
    bell_wait(&bell, bell_count(&bell), clock_monotonic_us() - 1);
}

Test(pool, makes_no_more_batches_than_it_may)
{
    struct pool *pool = pool_new(3, 2);
    cr_assert_eq(pool_free_batches(pool), 2);
    struct batch *one = pool_take(pool, BATCH_ROWS, NULL, 0),
                 *two = pool_take(pool, BATCH_EVENTS, NULL, 0);
    cr_assert(one && two && one != two);
    cr_assert_eq(one->producer, 3);
    cr_assert_eq(two->kind, BATCH_EVENTS);
    cr_assert_eq(pool_free_batches(pool), 0);
    cr_assert_null(pool_take(pool, BATCH_ROWS, NULL, clock_monotonic_us() + 1000));
    pool_return(pool, &one);
    pool_return(pool, &two);
    pool_free(&pool);
}

Test(pool, gives_a_batch_that_came_home_as_new)
{
    struct pool *pool = pool_new(0, 1);
    struct batch *batch = pool_take(pool, BATCH_EVENTS, NULL, 0), *was = batch;
    batch_event(batch)->kind = EVENT_INSERT;
    arena_alloc(&batch->arena, 100);
    pool_return(pool, &batch);
    cr_assert_null(batch);
    batch = pool_take(pool, BATCH_ROWS, NULL, 0);
    cr_assert_eq(batch, was);
    cr_assert_eq(batch->kind, BATCH_ROWS);
    cr_assert_eq(batch_bytes(batch), 0);
    pool_return(pool, &batch);
    pool_free(&pool);
}

Test(pool, is_interrupted_by_its_bell)
{
    struct pool *pool = pool_new(0, 1);
    struct batch *batch = pool_take(pool, BATCH_ROWS, NULL, 0);
    pool_return(pool, &batch); /* rings */
    cr_assert_not_null(batch = pool_take(pool, BATCH_ROWS, NULL, INT64_MAX));
    pool_return(pool, &batch);
    pool_free(&pool);
}

Test(pool, is_not_waited_for_once_the_run_stops)
{
    struct err err = {0};
    struct run *run = run_new(&err);
    struct pool *pool = pool_new(0, 1);
    run_add_bell(run, pool_bell(pool));
    struct batch *batch = pool_take(pool, BATCH_ROWS, run, 0);
    run_stop(run);
    cr_assert_null(pool_take(pool, BATCH_ROWS, run, INT64_MAX));
    pool_return(pool, &batch);
    pool_free(&pool);
    run_free(&run);
}

Test(ring, that_is_full_ends_the_process_in_every_build, .signal = SIGABRT)
{
    struct bell bell;
    int one = 1;
    bell_init(&bell);
    struct ring *ring = ring_new(3, &bell);
    for (int i = 0; i < 4; i++) {
        void *item = &one;
        ring_push(ring, &item);
    }
}
