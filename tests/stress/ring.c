/*
 * One ring there, one ring back, and a fixed number of items that go round: everything must arrive
 * once, in order, with what was written to it, and no thread may sleep through a push.
 */
#include "runtime/ring.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "runtime/run.h"

enum { LOST_AFTER_US = 20 * 1000000 };

struct item {
    uint64_t number;
    uint64_t answer; /* written by the consumer, read by the producer */
    uint8_t payload[48];
};

struct lane {
    struct bell producer_bell, consumer_bell;
    struct ring *there, *back;
    size_t items;
    uint64_t rounds;
};

static void check(bool fact, const char *what, uint64_t number)
{
    if (!fact) {
        fprintf(stderr, "ring: %s at item %llu\n", what, (unsigned long long)number);
        exit(1);
    }
}

static void *wait_pop(struct ring *ring, struct bell *bell, uint64_t number)
{
    int64_t deadline = clock_monotonic_us() + LOST_AFTER_US;
    for (;;) {
        uint32_t seen = bell_count(bell);
        void *item = ring_pop(ring);
        if (item) {
            return item;
        }
        check(clock_monotonic_us() < deadline, "nothing came", number);
        bell_wait(bell, seen, deadline);
    }
}

static void produce(void *context)
{
    struct lane *lane = context;
    for (uint64_t n = 0; n < lane->rounds; n++) {
        struct item *item = wait_pop(lane->back, &lane->producer_bell, n);
        check(n < lane->items || item->number == n - lane->items, "came back out of order", n);
        check(n < lane->items || item->answer == ~item->number, "came back without its answer", n);
        item->number = n;
        for (size_t i = 0; i < sizeof item->payload; i++) {
            item->payload[i] = (uint8_t)(n + i);
        }
        ring_push(lane->there, (void **)&item);
        check(!item, "was kept after the push", n);
    }
}

static void consume(void *context)
{
    struct lane *lane = context;
    for (uint64_t n = 0; n < lane->rounds; n++) {
        struct item *item = wait_pop(lane->there, &lane->consumer_bell, n);
        check(item->number == n, "came out of order", n);
        for (size_t i = 0; i < sizeof item->payload; i++) {
            check(item->payload[i] == (uint8_t)(n + i), "lost a byte", n);
        }
        item->answer = ~n;
        ring_push(lane->back, (void **)&item);
    }
}

static void run_lane(size_t items, uint64_t rounds)
{
    struct lane lane = {.items = items, .rounds = rounds};
    struct err err;
    bell_init(&lane.producer_bell);
    bell_init(&lane.consumer_bell);
    lane.there = ring_new(items, &lane.consumer_bell);
    lane.back = ring_new(items, &lane.producer_bell);
    for (size_t i = 0; i < items; i++) {
        void *item = mem_zero(sizeof(struct item));
        ring_push(lane.back, &item);
    }
    struct thread *consumer = thread_start("consumer", consume, &lane, &err);
    struct thread *producer = thread_start("producer", produce, &lane, &err);
    check(consumer && producer, "no thread", 0);
    thread_join(&producer);
    thread_join(&consumer);
    check(ring_count(lane.back) == items && ring_count(lane.there) == 0, "is missing", rounds);
    for (void *item; (item = ring_pop(lane.back));) {
        free(item);
    }
    ring_free(&lane.there);
    ring_free(&lane.back);
}

int main(void)
{
    run_lane(1, 20000);
    run_lane(2, 20000);
    run_lane(3, 50000);
    run_lane(4, 50000);
    run_lane(64, 200000);
    run_lane(1000, 400000);
    puts("ring: all items came once, in order");
    return 0;
}
