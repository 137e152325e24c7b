/* Numbers that threads share without a lock. */
#ifndef RUNTIME_COUNTER_H
#define RUNTIME_COUNTER_H

#include <stdint.h>

/* The counter's value, and one more for whoever asks next. */
unsigned counter_take(unsigned *counter);

/* A number that one thread writes and others read. */
void shared_store(uint64_t *shared, uint64_t value);
uint64_t shared_load(const uint64_t *shared);

#endif
