/*
 * The one file that touches ck_ring.
 *
 * ck_ring's fences are inline assembly, which ThreadSanitizer cannot see: the annotations below
 * tell it that what was written before a push is there after the pop. The counters inside ck_ring
 * are suppressed by name (tests/stress/tsan.supp); payloads never are.
 */
#include "runtime/ring.h"

#include <ck_ring.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif

#ifdef TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define acquire(p) __tsan_acquire(p)
#define release(p) __tsan_release(p)
#else
#define acquire(p) ((void)(p))
#define release(p) ((void)(p))
#endif

struct ring {
    ck_ring_t ring;
    struct bell *bell;
    bool pushing, popping; /* a thread is in the call: another must not be */
    ck_ring_buffer_t slots[];
};

/* ck_ring holds one item less than its size, which must be a power of two from 4 on. */
static unsigned slots_for(size_t items)
{
    unsigned size = 4;
    while (size - 1 < items) {
        size *= 2;
    }
    return size;
}

struct ring *ring_new(size_t items, struct bell *bell)
{
    unsigned size = slots_for(items);
    struct ring *ring = NULL;
    size_t bytes = sizeof *ring + size * sizeof ring->slots[0];
    if (posix_memalign((void **)&ring, CK_MD_CACHELINE, bytes)) {
        return mem_exhausted(bytes);
    }
    ck_ring_init(&ring->ring, size);
    ring->bell = bell;
    ring->pushing = ring->popping = false;
    return ring;
}

/* An end belongs to one thread at a time. Relaxed, so that it orders nothing: a thread that hands
 * its end to another must synchronize with it. */
static void enter(bool *at_it)
{
    bool other = __atomic_exchange_n(at_it, true, __ATOMIC_RELAXED);
    CHECK(!other);
}

static void leave(bool *at_it)
{
    __atomic_store_n(at_it, false, __ATOMIC_RELAXED);
}

void ring_free(struct ring **ring)
{
    free(*ring);
    *ring = NULL;
}

void ring_push(struct ring *ring, void **item)
{
    enter(&ring->pushing);
    release(ring);
    bool pushed = ck_ring_enqueue_spsc(&ring->ring, ring->slots, *item);
    CHECK(pushed);
    leave(&ring->pushing);
    *item = NULL;
    bell_ring(ring->bell);
}

void *ring_pop(struct ring *ring)
{
    void *item = NULL;
    enter(&ring->popping);
    if (ck_ring_dequeue_spsc(&ring->ring, ring->slots, &item)) {
        acquire(ring);
    }
    leave(&ring->popping);
    return item;
}

size_t ring_count(const struct ring *ring)
{
    return ck_ring_size(&ring->ring);
}
