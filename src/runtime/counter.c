/* Atomic numbers. */
#include "runtime/counter.h"

#include <ck_pr.h>

unsigned counter_take(unsigned *counter)
{
    return ck_pr_faa_uint(counter, 1);
}

void shared_store(uint64_t *shared, uint64_t value)
{
    __atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

uint64_t shared_load(const uint64_t *shared)
{
    return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

void shared_fence(void)
{
    ck_pr_fence_memory();
}
