/* Numbers that threads share without a lock. */
#ifndef RUNTIME_COUNTER_H
#define RUNTIME_COUNTER_H

#include <stdint.h>

/* Returns the counter's value, then adds one to it. Any thread. */
unsigned counter_take(unsigned *counter);

/* A number that one thread writes and others read. Who loads what was stored also sees what the
 * other thread wrote before. */
void shared_store(uint64_t *shared, uint64_t value);
uint64_t shared_load(const uint64_t *shared);

/*
 * For two threads that each store a number and then load the other's: with this call in between, at
 * least one of them loads what the other has stored.
 */
void shared_fence(void);

#endif
