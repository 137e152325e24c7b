/*
 * What happened, in the order in which it was committed: one event per message of the stream, in an
 * array in its batch. The reader writes them, the merger marks them in place, the emitter prints
 * what is left.
 */
#ifndef ROW_EVENT_H
#define ROW_EVENT_H

#include <stdint.h>

#include "row/relation.h"

struct chunk;
struct checkpoint;

enum event_kind {
    EVENT_SKIP,   /* nothing to print: not captured, or taken into a chunk */
    EVENT_BEGIN,  /* txn */
    EVENT_INSERT, /* new */
    EVENT_UPDATE, /* new, and old where the identity changed or is full */
    EVENT_MOVE,   /* an update of the key, found by the merger: delete of old, then insert of new */
    EVENT_DELETE, /* old */
    EVENT_TRUNCATE, /* one per table */
    EVENT_MESSAGE,  /* pg_logical_emit_message(); one that is not transactional comes between
                       transactions. Its lsn is the end of its record */
    EVENT_RELATION, /* a new version of a shape; its tuples follow */
    EVENT_COMMIT,   /* of the last BEGIN; lsn is its end */
    EVENT_POSITION, /* a keepalive between transactions: the server has sent all up to lsn */
    EVENT_END,      /* the capture is complete: nothing follows */
};

/* How much of the old row an update or delete carries. */
enum old_kind {
    OLD_NONE = 0,
    OLD_KEY = 'K', /* the columns of the replica identity, which hold no nulls; the others are
                      null, and so are those that are part of the identity only at the
                      partition's root */
    OLD_ROW = 'O', /* all of it: REPLICA IDENTITY FULL */
};

/* A transaction, as its BEGIN describes it. */
struct txn {
    uint32_t xid;
    uint64_t final_lsn; /* of its commit record */
    int64_t commit_us;  /* since 1970 */
};

struct event {
    enum event_kind kind : 8;
    enum old_kind old_kind : 8;
    uint32_t leaf; /* INSERT, UPDATE, DELETE of a partitioned table: the partition that stores the
                      row, where the stream has just described it; else 0 */
    uint64_t lsn;
    union {
        struct { /* INSERT, UPDATE, MOVE, DELETE, TRUNCATE, RELATION */
            struct relation *relation;
            const uint8_t *new_tuple, *old_tuple; /* pgoutput form, in the batch's arena */
        };
        struct txn *txn; /* BEGIN */
        struct {         /* MESSAGE: in the batch's arena */
            const char *prefix;
            const uint8_t *content;
            uint32_t content_len;
            bool transactional;
        };
        struct { /* COMMIT, POSITION: what the merger releases here, in this order; owned */
            struct chunk *chunk;
            struct checkpoint *checkpoint;
        };
    };
};

#endif
