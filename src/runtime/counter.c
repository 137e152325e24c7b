/* One atomic addition. */
#include "runtime/counter.h"

#include <ck_pr.h>

unsigned counter_take(unsigned *counter)
{
    return ck_pr_faa_uint(counter, 1);
}

void shared_store(uint64_t *shared, uint64_t value)
{
    ck_pr_store_64(shared, value);
}

uint64_t shared_load(const uint64_t *shared)
{
    return ck_pr_load_64(shared);
}

void shared_fence(void)
{
    ck_pr_fence_memory();
}
