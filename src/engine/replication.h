/*
 * The replication connection, and how far its stream has come. Only the replication reader's thread
 * uses it.
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

#include "engine/engine.h"
#include "pg/slot.h"
#include "pg/wire.h"
#include "pipeline.h"
#include "runtime/retry.h"
#include "start.h"
#include "wal/decode.h"
#include "wal/streamed.h"

struct replication {
    const struct engine_config *config; /* borrowed, as are these two */
    struct pipeline *pipeline;
    const struct start *start;

    struct pg *pg; /* owned, as are these three */
    struct decoder *decoder;
    struct streamed *streamed; /* transactions that are still open */
    bool spool_failed;         /* they are left to the server to spool */
    struct batch *batch;       /* being filled; NULL: none */
    uint64_t received;         /* end of the WAL that the server has sent */
    uint64_t server_end;       /* end of the WAL that the server has, as it reported last */
    uint64_t reconnects;
    uint64_t flushed; /* as last reported */
    int64_t next_status_us, status_us, last_message_us;
    struct retry retry;
    struct retry stuck; /* of internal errors of the server */
    uint64_t stuck_lsn; /* where the last one came, */
    int64_t stuck_us;   /* and when */
    struct log_wait wait;
    int64_t lost_us;        /* while it waits: since when, */
    bool loss_said;         /* and whether that was written to the log */
    int64_t handed_over_us; /* when a batch went on last */
    int64_t last_poll_us;   /* when the last poll of the socket ended, */
    int64_t last_asked_us;  /* and when the server last asked for a report; */
    int busy_polls;         /* how many polls in a row found something at once, */
    int asked;              /* and how many times in a row it asked soon after */

    /* Where to continue. */
    uint64_t resume_lsn;    /* end of the last commit handed on, or a position after it */
    uint64_t final_lsn;     /* where the transaction under way commits; */
    uint64_t handed;        /* its events handed on */
    uint64_t repeats;       /* after a reconnect: events of it still to be dropped */
    uint32_t xid;           /* its id */
    bool first_transaction; /* after a reconnect: the next BEGIN must be that transaction's */
};

/* All are borrowed; *start may still be filled in until the thread starts. */
struct replication *replication_new(const struct engine_config *, struct pipeline *,
                                    const struct start *);
void replication_free(struct replication **);

/* Before the thread starts: open the connection, unless it is open; NULL: it cannot be opened. */
struct pg *replication_connection(struct replication *, struct err *);

/* Before the thread starts, and in it: which server it is; and *timeline_end: where `timeline`
 * ended, if the server is on another one, else 0. `timeline` 0: none is known. */
bool replication_identify(struct replication *, struct server_identity *, uint32_t timeline,
                          uint64_t *timeline_end, struct err *);

/* replication_reader.c: the thread; the context is its replication. */
void replication_main(void *context);

/* Connect, and stream from where the last commit ended; `again`: the server is verified first to be
 * the one that it was. */
bool replication_begin(struct replication *, bool again, struct err *);

/* replication_retry.c: close the connection, which failed, and wait a little; false: do not connect
 * again. */
bool replication_may_retry(struct replication *, struct err *);

/* The server sends again: an interruption, if there was one, is over. */
void replication_connected(struct replication *);

/* Decode a message of protocol version 1 to events in the batch, except those that the server sends
 * again after a reconnect. */
bool replication_decode(struct replication *, uint64_t lsn, const uint8_t *message, size_t len,
                        struct err *);

/* Send a standby status: how far the consumer has come. `reply`: the server is to answer. */
bool replication_status(struct replication *, bool reply, struct err *);

/* Whether the server still takes connections; false is why it does not, or a failed probe. */
bool replication_probe(struct replication *, struct err *);

#endif
