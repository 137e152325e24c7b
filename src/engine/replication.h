/*
 * The replication connection, and where its stream stands. The reader's thread's own.
 *
 * Messages of the stream, inside CopyData:
 *
 *   w XLogData   Int64 start, Int64 end of WAL, Int64 time, then a message of pgoutput
 *   k Keepalive  Int64 end of WAL, Int64 time, Int8 reply at once
 *   r Status     Int64 written, Int64 flushed, Int64 applied, Int64 time, Int8 reply at once (ours)
 *
 * https://www.postgresql.org/docs/current/protocol-replication.html
 */
#ifndef ENGINE_REPLICATION_H
#define ENGINE_REPLICATION_H

#include "internal.h"
#include "pg/wire.h"
#include "runtime/retry.h"
#include "wal/decode.h"

struct replication {
    struct engine *engine;
    struct pg *pg;
    struct decoder *decoder;
    struct batch *batch; /* being filled; NULL: none */
    uint64_t received;   /* end of the WAL that the server has sent */
    uint64_t server_end; /* end of the WAL that the server has, as it said last */
    uint64_t reconnects;
    uint64_t flushed; /* as last reported */
    int64_t next_status_us, status_us, last_message_us;
    struct retry retry;
    struct log_wait wait;
    int64_t last_look_us;   /* when the last look at the socket ended, */
    int busy_looks;         /* and how many in a row found something at once */
    int64_t handed_over_us; /* when a batch went on last */
    int64_t last_asked_us;  /* when the server last asked for a report, */
    int asked;              /* and how many times in a row it did so soon after */

    /* Where to continue. */
    uint64_t resume_lsn;    /* end of the last commit handed on, or a position after it */
    uint32_t xid;           /* of the transaction under way */
    uint64_t handed;        /* its events handed on */
    uint64_t repeats;       /* after a reconnect: events of it still to be dropped */
    bool first_transaction; /* after a reconnect: the next BEGIN must be that transaction's */
};

/* Connect, and stream from where the last commit ended; `again`: the server is verified first to be
 * the one that it was. */
bool replication_begin(struct replication *, bool again, struct err *);

/* Tell the server how far the consumer has come; `reply` asks for a sign of life. */
bool replication_status(struct replication *, bool reply, struct err *);

/* Whether the server still takes connections; false is why it does not, or a failed probe. */
bool replication_probe(struct replication *, struct err *);

#endif
