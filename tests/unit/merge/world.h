/*
 * A database as the merger meets it, small enough to think about: transactions that hold their
 * rows' locks until they are visible, a WAL in commit order, snapshots that may not yet see what the
 * WAL already has, workers that read ranges chunk by chunk, and a consumer that believes the records
 * up to the last checkpoint.
 *
 * What happens is decided by a tape of bytes, so that a failing history can be cut short.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "scene.h"

enum { WORLD_KEYS = 10, WORLD_CHANGES = 6, WORLD_TXNS = 600, WORLD_RANGES = 8, WORLD_QUEUE = 8 };

struct row {
    bool present;
    int v, w; /* version numbers: no two writes have the same */
};

struct tx_change {
    char kind; /* 'c', 'u', 'm' from `from`, 'd' */
    int key, from;
    struct row row;
    bool keeps_w; /* the server does not send w: it is as it was */
};

struct tx {
    uint32_t xid;
    enum {
        TX_ACTIVE,
        TX_LOGGED,
        TX_ENDED
    } state; /* in the WAL, then visible; aborted: ENDED alone */
    struct tx_change changes[WORLD_CHANGES];
    int change_count;
    char watermark[WATERMARK_TEXT]; /* "" unless it writes one */
    uint64_t lsn;                   /* of its BEGIN */
};

struct worker_of_range {
    enum { RANGE_IDLE, RANGE_OPEN, RANGE_READ, RANGE_CLOSED, RANGE_DONE } state;
    int after, until; /* keys; after: exclusive, until: inclusive */
    bool last;
    char watermark[WATERMARK_TEXT];
};

struct world {
    struct scene scene;
    struct row rows[WORLD_KEYS]; /* as new snapshots see them */
    int lock[WORLD_KEYS];        /* index of the transaction that holds the key's lock, or -1 */
    struct tx txns[WORLD_TXNS];
    int tx_count;
    int wal[WORLD_TXNS]; /* transactions in commit order */
    int wal_count, wal_next;
    uint32_t next_xid;
    int next_version, next_watermark;
    struct worker_of_range workers[WORLD_RANGES];
    int worker_count;
    struct batch *queue[WORLD_RANGES * WORLD_QUEUE]; /* read, and not yet taken by the merger */
    int queued;
    int restarts;
    struct out story; /* every step in words */
    char failure[200];
};

/* Run the tape to its end, let everything come to rest, and compare. False: failure and story say
 * what and how. */
bool world_run(struct world *, const uint8_t *tape, size_t len);
void world_free(struct world *);

#endif
