/*
 * Messages of a transaction that is still open, in their order: in memory, and from some size on in
 * an unnamed file, which is removed when the process ends. For one thread.
 */
#ifndef WAL_SPOOL_H
#define WAL_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct spool;

struct spooled {
    uint32_t subxid; /* its transaction or subtransaction */
    uint64_t lsn;
    const uint8_t *message; /* until the next call */
    size_t len;
};

/* `directory` is for the file, and borrowed. */
struct spool *spool_new(const char *directory);
void spool_free(struct spool **);

/* The message is `tag` and then `rest`. ERR_TRANSIENT: the file cannot be written. */
bool spool_add(struct spool *, uint32_t subxid, uint64_t lsn, uint8_t tag, const uint8_t *rest,
               size_t len, struct err *);

/* Bytes that were added so far. */
uint64_t spool_bytes(const struct spool *);

/* The next message, from the first on; nothing is added from then on. *spooled has a NULL message
 * at the end. ERR_TRANSIENT: the file cannot be read. */
bool spool_next(struct spool *, struct spooled *, struct err *);

#endif
