/* Empty batches return to their producer through a ring. */
#include "runtime/pool.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "runtime/ring.h"

struct pool {
    struct bell bell;
    struct ring *home;
    unsigned producer;
    size_t made, most;
};

struct pool *pool_new(unsigned producer, size_t batches)
{
    struct pool *pool = mem_zero(sizeof *pool);
    bell_init(&pool->bell);
    pool->home = ring_new(batches, &pool->bell);
    pool->producer = producer;
    pool->most = batches;
    return pool;
}

void pool_free(struct pool **pool)
{
    struct batch *batch;
    while (*pool && (batch = ring_pop((*pool)->home))) {
        batch_free(&batch);
    }
    if (*pool) {
        ring_free(&(*pool)->home);
    }
    free(*pool);
    *pool = NULL;
}

/* Old batches first: their memory is warm. */
static struct batch *take(struct pool *pool)
{
    struct batch *batch = ring_pop(pool->home);
    if (!batch && pool->made < pool->most) {
        pool->made++;
        batch = batch_new(pool->producer);
    }
    return batch;
}

/* Check for a stop after the count is taken: a stop that came before does not ring the bell
 * again. */
struct batch *pool_take(struct pool *pool, enum batch_kind kind, const struct run *run,
                        int64_t deadline_us)
{
    uint32_t seen = bell_count(&pool->bell);
    struct batch *batch = take(pool);
    if (!batch && !(run && run_stopping(run))) {
        bell_wait(&pool->bell, seen, deadline_us);
        batch = take(pool);
    }
    if (batch) {
        batch_reset(batch, kind);
    }
    return batch;
}

size_t pool_free_batches(const struct pool *pool)
{
    return pool->most - pool->made + ring_count(pool->home);
}

/* The memory of large values is freed at once: the batch may stay in the pool for long. */
void pool_return(struct pool *pool, struct batch **batch)
{
    const struct batch *b = *batch;
    CHECK(b->producer == pool->producer && !b->carrier && !b->riders && b->aboard == 1);
    arena_reset(&(*batch)->arena);
    ring_push(pool->home, (void **)batch);
}

struct bell *pool_bell(struct pool *pool)
{
    return &pool->bell;
}
