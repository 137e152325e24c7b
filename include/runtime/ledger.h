/*
 * Checkpoints that were handed out and that the consumer has not acknowledged yet, oldest first.
 *
 * Any thread may add, and any may take. A consumer that asks to acknowledge and never does costs
 * eight bytes per checkpoint here, and all its WAL on the server.
 */
#ifndef RUNTIME_LEDGER_H
#define RUNTIME_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;

struct ledger *ledger_new(void);
void ledger_free(struct ledger **);

/* The next checkpoint. Add it before the consumer can know of it. */
void ledger_add(struct ledger *, uint64_t cursor);

/*
 * The oldest `count` are acknowledged: *cursor is that of the last of them. False if there are
 * fewer; then none is taken.
 */
bool ledger_take(struct ledger *, size_t count, uint64_t *cursor);

size_t ledger_count(struct ledger *);

#endif
