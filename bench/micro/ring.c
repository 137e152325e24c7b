/* Handing over: batches that go round between two threads, as rows and their empty batches do. */
#include "runtime/ring.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/run.h"
#include "subjects.h"

struct round {
    struct bell there_bell, back_bell;
    struct ring *there, *back;
    size_t count;
};

static void *wait_pop(struct ring *ring, struct bell *bell)
{
    for (;;) {
        uint32_t seen = bell_count(bell);
        void *item = ring_pop(ring);
        if (item) {
            return item;
        }
        bell_wait(bell, seen, INT64_MAX);
    }
}

static void send_back(void *context)
{
    struct round *r = context;
    for (size_t i = 0; i < r->count; i++) {
        void *item = wait_pop(r->there, &r->there_bell);
        ring_push(r->back, &item);
    }
}

/* There and back is one operation; the thread's start counts, and is nothing beside many. */
static void hand_over(void *context, size_t count)
{
    struct round *r = context;
    struct err err;
    r->count = count;
    struct thread *other = thread_start("other", send_back, r, &err);
    if (!other) {
        fprintf(stderr, "ring: %s\n", err.message);
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < count; i++) {
        void *item = wait_pop(r->back, &r->back_bell);
        ring_push(r->there, &item);
    }
    thread_join(&other);
}

static void alone(void *context, size_t count)
{
    struct round *r = context;
    for (size_t i = 0; i < count; i++) {
        void *item = ring_pop(r->back);
        ring_push(r->back, &item);
    }
}

static void measure_round(const struct measure *m, const char *name, size_t items, measured *work)
{
    static char item;
    struct round r = {0};
    bell_init(&r.there_bell);
    bell_init(&r.back_bell);
    r.there = ring_new(items, &r.there_bell);
    r.back = ring_new(items, &r.back_bell);
    for (size_t i = 0; i < items; i++) {
        void *p = &item;
        ring_push(r.back, &p);
    }
    measure(m, name, 0, work, &r);
    ring_free(&r.there);
    ring_free(&r.back);
}

void bench_ring(const struct measure *m)
{
    measure_round(m, "ring.push_pop_alone", 1, alone);
    measure_round(m, "ring.there_and_back_1_item", 1, hand_over);
    measure_round(m, "ring.there_and_back_16_items", 16, hand_over);
}
