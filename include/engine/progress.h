/*
 * How far a capture has come, for the threads that show it. Each number is written by one thread,
 * with shared_store, and read by any, with shared_load; numbers of one writer are adjacent, so that
 * writers do not share cache lines.
 */
#ifndef ENGINE_PROGRESS_H
#define ENGINE_PROGRESS_H

#include <stdint.h>

#include "backfill/backfill.h"

enum { PROGRESS_WORKERS = 64 };

/* Written by the merger's thread, except what never changes. */
struct stream_progress {
    char *name; /* of its state */
    char *schema, *table;
    int64_t row_estimate;  /* -1: none */
    int64_t byte_estimate; /* as the server stores the rows, TOAST included */
    uint64_t rows;         /* of its backfill, those of earlier runs too */
    uint64_t backfilling;  /* 0 or 1 */
};

/* Written by the emitter: what it has printed of a stream in this run. */
struct stream_output {
    uint64_t rows, row_bytes;       /* of the backfill */
    uint64_t changes, change_bytes; /* of the WAL */
};

/* Written by the service: the slot, as it was last looked at. */
struct slot_progress {
    uint64_t known;         /* 1: the fields below are filled */
    uint64_t status;        /* enum slot_status */
    uint64_t safe_wal_size; /* UINT64_MAX: no limit, or not known */
    uint64_t retained;      /* bytes of WAL that the server keeps for it */
    uint64_t catalog_age;   /* transactions whose dead catalog rows it keeps for it */
    uint64_t wal_end; /* of the server, also while it decodes and replication sends nothing newer */

    /* A mark: an end of the WAL, taken once everything before the previous mark was printed. */
    uint64_t mark_lsn;
    uint64_t marked_us; /* monotonic */
};

/* The last heartbeat: a few bytes written to the WAL; it is back once everything before them is
 * printed. One at a time. */
struct heartbeat_progress {
    /* By the service. */
    uint64_t sent_us; /* monotonic */
    uint64_t lsn;     /* 0: none was sent yet */

    /* By the emitter. */
    uint64_t back_lsn; /* of the last one that is back, */
    uint64_t lag_us;   /* and how long that took */
};

enum slot_status {
    SLOT_STATUS_UNKNOWN, /* the server's version does not report it */
    SLOT_STATUS_RESERVED,
    SLOT_STATUS_EXTENDED,
    SLOT_STATUS_UNRESERVED,
    SLOT_STATUS_LOST,
};
extern const char *const slot_status_names[]; /* as the server has them */

struct progress {
    uint64_t ready;        /* 1: the streams below are there */
    uint64_t stream_count; /* more may join */
    struct stream_progress *streams;
    struct stream_output *outputs;

    /* By the emitter. */
    uint64_t rows, changes, bytes; /* printed so far */
    uint64_t transactions, checkpoints;
    uint64_t cursor;           /* end of the last commit that was printed */
    uint64_t position;         /* all that the server had to send up to here is printed */
    uint64_t commit_us;        /* time of that commit, since 1970; 0: nothing is left to print */
    uint64_t writing_since_us; /* monotonic: since when the sink takes a write; 0: it takes none */
    uint64_t output_depth;     /* batches that wait for it */

    /* By the replication reader. */
    uint64_t server_end; /* end of the server's WAL, as it sent it last */
    uint64_t received;
    uint64_t flushed;      /* as the slot has it: the server may remove what is before */
    uint64_t reader_waits; /* 1: it waits until something that it has read is printed */
    uint64_t heard_us;     /* monotonic: when the server last sent something */
    uint64_t lost_us;      /* monotonic: since when its connection is lost; 0: the stream runs */
    uint64_t reader_reconnects;
    uint64_t open_transactions, open_bytes; /* kept until their commits */

    /* By the merger. */
    uint64_t events_depth, rows_depth; /* batches that wait for it */

    /* By the service. */
    struct slot_progress slot;
    uint64_t service_reconnects;
    struct heartbeat_progress heartbeat;

    struct worker_progress workers[PROGRESS_WORKERS]; /* each by its own */

    int64_t slot_interval_us; /* how often the slot is looked at; 0: as the tables are. Set before
                                 the start */
};

/* How much the last printed change lags, which is the largest of: the age of its commit; the time
 * since an end of the WAL was seen that is not reached yet; the time since the connection was lost;
 * and the time for which the consumer has not read. 0: there is nothing more to print. */
int64_t progress_lag_ms(const struct progress *, int64_t now_us, int64_t now_ms);

/* How long a heartbeat takes, or has taken by now; -1: none was sent. */
int64_t progress_heartbeat_us(const struct progress *, int64_t now_us);

/* Free what is in it: once the engine has returned and no thread reads it any more. */
void progress_clear(struct progress *);

#endif
