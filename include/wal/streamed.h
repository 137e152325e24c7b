/*
 * Transactions that the server sends while they are still open, so that it need not keep them on
 * its disk: pgoutput's protocol version 2, of PostgreSQL 14 and later.
 *
 *   S Stream start    Int32 xid, Int8 1: its first block
 *   E Stream stop
 *   c Stream commit   Int32 xid, Int8 flags, Int64 commit LSN, Int64 end LSN, Int64 commit time
 *   A Stream abort    Int32 xid, Int32 id of its subtransaction, or that xid once more
 *
 * Messages of version 1 between S and E have an Int32 after their tag, except O Origin: the id of
 * their transaction or subtransaction; of M Message always that of the top-level transaction, so
 * that it comes even if its savepoint was rolled back. They are kept until the commit, and then
 * given out as version 1 sends them, after a BEGIN. Blocks of several transactions may alternate
 * with each other, and with whole transactions of version 1.
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
#ifndef WAL_STREAMED_H
#define WAL_STREAMED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct streamed;

/* Large transactions are kept in files in `directory`, which is borrowed. For one thread. */
struct streamed *streamed_new(const char *directory);
void streamed_free(struct streamed **);

/* A new connection: the server sends all open transactions again. */
void streamed_restart(struct streamed *);

/*
 * A message found at `lsn`. *kept: it was handled here; else it is a message of version 1. Not
 * while streamed_committed(). ERR_SYSTEM: it is not what the grammar says. ERR_TRANSIENT: it cannot
 * be kept, as a file cannot be written.
 */
bool streamed_take(struct streamed *, uint64_t lsn, const uint8_t *message, size_t len, bool *kept,
                   struct err *);

/* Whether a transaction is to be given out. */
bool streamed_committed(const struct streamed *);

/* The next message of it, in the arena, as version 1 has it; the last is its commit. ERR_TRANSIENT:
 * its file cannot be read. */
bool streamed_next(struct streamed *, struct arena *, uint64_t *lsn, const uint8_t **message,
                   size_t *len, struct err *);

/* Free what was kept of a transaction that has been given out. To delete a large file takes some
 * milliseconds: hand the commit on first. */
void streamed_release(struct streamed *);

/* How many transactions are open, and how many bytes of them are kept. */
size_t streamed_count(const struct streamed *);
uint64_t streamed_bytes(const struct streamed *);

#endif
