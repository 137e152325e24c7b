/*
 * Decoding pgoutput, protocol version 1, into events.
 *
 * One message of the logical stream, as XLogData carries it, becomes at most one event at the end
 * of a batch (a TRUNCATE one per table). Grammar, each field in network byte order, strings
 * NUL-terminated:
 *
 *   B Begin     Int64 final LSN, Int64 commit time, Int32 xid
 *   C Commit    Int8 flags, Int64 commit LSN, Int64 end LSN, Int64 commit time
 *   R Relation  Int32 oid, String schema, String name, Int8 identity, Int16 columns,
 *               columns × { Int8 flags (1: identity), String name, Int32 type, Int32 typmod }
 *   I Insert    Int32 oid, 'N' TupleData
 *   U Update    Int32 oid, ['K' | 'O' TupleData], 'N' TupleData
 *   D Delete    Int32 oid, 'K' | 'O' TupleData
 *   T Truncate  Int32 tables, Int8 options, tables × Int32 oid
 *   M Message   Int8 flags (1: transactional), Int64 LSN, String prefix, Int32 length, content
 *               (only if asked for, of PostgreSQL 14 and later)
 *   O Origin, Y Type: skipped
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
#ifndef WAL_DECODE_H
#define WAL_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "row/batch.h"

struct decoder;

/* One for all replication connections of a capture: it remembers the shapes of tables by oid. */
struct decoder *decoder_new(void);

/* Also frees the relations that events point at. */
void decoder_free(struct decoder **);

/*
 * Free these relations, chained: nothing points at them any more, and if the current shape of a
 * table is among them, the stream describes the table again before its next change. Nulls
 * *relations.
 */
void decoder_forget(struct decoder *, struct relation **relations);

/*
 * A new connection: the server will send relations again, and the stream restarts between
 * transactions.
 */
void decoder_restart(struct decoder *);

/*
 * Decode one message found at `lsn`. `message` must live as long as the batch's arena holds it:
 * events point into it. ERR_SYSTEM if it is not what the grammar says; the batch is then unchanged.
 */
bool decoder_message(struct decoder *, struct batch *, uint64_t lsn, const uint8_t *message,
                     size_t len, struct err *);

/* Whether a BEGIN has been read whose COMMIT has not. */
bool decoder_in_transaction(const struct decoder *);

#endif
