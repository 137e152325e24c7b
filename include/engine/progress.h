/*
 * Where a capture is, for whoever shows it. Each number is written by one thread, with shared_store, and
 * read by any, with shared_load; numbers of the same writer stand together, so that writers do not
 * share a cache line for long.
 */
#ifndef ENGINE_PROGRESS_H
#define ENGINE_PROGRESS_H

#include <stdint.h>

#include "backfill/backfill.h"

enum { PROGRESS_WORKERS = 64 };

/* By the merger, but for what never changes. */
struct stream_progress {
    char *name; /* of its state */
    char *schema, *table;
    int64_t row_estimate;  /* -1: none */
    int64_t byte_estimate; /* as the server stores the rows, TOAST included */
    uint64_t rows;         /* of its backfill, those of earlier runs too */
    uint64_t backfilling;  /* 0 or 1 */
};

/* By the emitter: what it has printed of a stream in this run. */
struct stream_output {
    uint64_t rows, row_bytes;       /* of the backfill */
    uint64_t changes, change_bytes; /* of the WAL */
};

/* By the service: the server's slot, when it was last looked at. */
struct slot_progress {
    uint64_t known;         /* 1: the fields below are filled */
    uint64_t status;        /* enum slot_status */
    uint64_t safe_wal_size; /* UINT64_MAX: no limit, or not told */
    uint64_t retained;      /* bytes of WAL that the server keeps for it */
};

enum slot_status {
    SLOT_STATUS_UNKNOWN, /* the server is too old to tell */
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

    /* By the reader. */
    uint64_t server_end; /* end of the server's WAL, as it told last */
    uint64_t received, flushed;
    uint64_t heard_us; /* monotonic: when the server last said something */
    uint64_t reader_reconnects;

    /* By the merger. */
    uint64_t events_depth, rows_depth; /* batches that wait for it */

    /* By the service. */
    struct slot_progress slot;
    uint64_t service_reconnects;

    struct worker_progress workers[PROGRESS_WORKERS]; /* each by its own */

    int64_t slot_interval_us; /* how often the slot is looked at; 0: never. Set before the start */
};

/* Whoever shows it frees what is in it, once the engine has returned and nobody looks any more. */
void progress_clear(struct progress *);

#endif
