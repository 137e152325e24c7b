/*
 * A bell: the way one thread wakes another that has nothing to do.
 *
 * An event count (Concurrency Kit's ck_ec, multi-producer). The waiter takes the count, *then*
 * looks whether there is work or a stop, then waits for the count to change; so no ring can be
 * missed. One waiter, any number of ringers. A wait costs nothing while it lasts.
 */
#ifndef RUNTIME_BELL_H
#define RUNTIME_BELL_H

#include <ck_ec.h>
#include <stdbool.h>
#include <stdint.h>

struct bell {
    struct ck_ec32 count;
};

void bell_init(struct bell *);
uint32_t bell_count(const struct bell *);
void bell_ring(struct bell *);

/* Until the count differs from `seen` or the monotonic clock reaches deadline_us (INT64_MAX:
 * never). */
void bell_wait(struct bell *, uint32_t seen, int64_t deadline_us);

#endif
