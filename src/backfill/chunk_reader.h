/*
 * The chunk reader: reads one chunk, from the server's answers to batches in the merger's ring.
 * Each worker has one, and only its thread uses it.
 */
#ifndef BACKFILL_CHUNK_READER_H
#define BACKFILL_CHUNK_READER_H

#include "pg/wire.h"
#include "row/batch.h"
#include "table.h"

/* OPEN, SNAPSHOT and CLOSE or ABORT take batches beside those with rows; a row may begin one more.
 */
enum { CHUNK_EXTRA_BATCHES = 4 };

/* The result of asking for a chunk; range.c decides what follows. */
enum outcome {
    OUTCOME_NOT_ASKED, /* something else must come first */
    OUTCOME_ROWS,      /* it was read, and is not the last of its range */
    OUTCOME_END,       /* it was read, and is the last of its range */
    OUTCOME_TOO_LARGE, /* its rows took too much time or memory: the next query asks for fewer */
    OUTCOME_CHANGED,   /* the table is not as described */
    OUTCOME_BASE_GONE, /* nothing shows any more which rows the base snapshot saw */
    OUTCOME_FAILED,    /* any other error: connection lost, lock not granted, right missing … */
};

/* What was asked of the server. */
struct chunk_ask {
    const struct key *after; /* borrowed; where the query begins */
    int64_t us;              /* when it was made */
    int rows;                /* how many it asks for, */
    size_t batches;          /* and how many batches they may take */
    size_t request_bytes;    /* that the request took */
    bool opened;             /* the merger has the chunk's OPEN, and neither CLOSE nor ABORT */
};

struct chunk_reader {
    const struct backfill *backfill; /* borrowed, as are pool and ring */
    struct pg *pg;                   /* owned; NULL: no session */
    struct table table;              /* owned */
    struct pool *pool;
    struct ring *ring;     /* to the merger, which takes what is pushed */
    struct batch *batch;   /* the pool's, being filled; NULL: none */
    struct arena aside;    /* an answer that is not a row of the chunk; until the next one */
    struct key *end;       /* owned; of the last row of the chunk so far */
    struct chunk_ask *ask; /* borrowed; of the chunk that is opened, read or aborted */
    uint64_t rows, bytes;  /* that the last chunk had */
    uint64_t replayed;     /* the position that a standby had replayed before the next snapshot */
    int gather_us;         /* how long rows were left to gather last, */
    size_t gathered;       /* and how many bytes of them have come since */
    enum outcome failure;  /* once a call has returned false: CHANGED, BASE_GONE, TOO_LARGE, or
                                FAILED. `err` says why */
    bool shares;           /* its part of the pool with another range, which is read in turn */
    bool ahead;            /* another chunk was asked for behind the one that is read */
};

/* What was read of the chunk so far. */
struct rows {
    uint64_t count;
    size_t bytes, batches;
    uint64_t pages;    /* of the table, in ctid order */
    uint64_t seen_lsn; /* all that the snapshot saw was committed before this */
    bool cut;          /* there was no room for the rest */
};

/* A chunk is cut before it takes more, so that several can wait for their watermarks. */
static inline size_t chunk_reader_batches(const struct chunk_reader *r)
{
    return r->backfill->pool_batches / (r->shares ? 6 : 4);
}

void chunk_reader_init(struct chunk_reader *, const struct backfill *, struct pool *,
                       struct ring *);
void chunk_reader_free(struct chunk_reader *);

/* Read the task's table from now on. */
void chunk_reader_turn_to(struct chunk_reader *, const struct backfill_task *);

/* Append the chunk's statements. */
void chunk_reader_statements(struct chunk_reader *, struct out *request,
                             const struct backfill_task *, const struct key *after);

/* Announce the chunk to the merger, before its query is sent. */
bool chunk_reader_open(struct chunk_reader *, const struct backfill_task *, struct err *);

/* Read the answers to chunk_reader_statements, up to the end of the request; rows go to the ring.
 * ROWS or END: *close says how the chunk ends, and the caller owns its `end`. */
enum outcome chunk_reader_read(struct chunk_reader *, const struct backfill_task *,
                               struct chunk_close *close, struct err *);

/* Tell the merger that the chunk is whole; takes close->end. */
bool chunk_reader_close(struct chunk_reader *, const struct backfill_task *,
                        struct chunk_close *close, struct err *);

/* Tell the merger to forget the chunk that is open, if one is. */
void chunk_reader_abort(struct chunk_reader *, const struct backfill_task *);

/* Give the range back, from `after` on, and say why: after CHANGED or BASE_GONE. */
bool chunk_reader_return(struct chunk_reader *, const struct backfill_task *,
                         const struct key *after, const char *why, struct err *);

/* Take a batch from the pool for the chunk, unless there is one; and hand it to the merger. */
bool chunk_reader_take_batch(struct chunk_reader *, const struct backfill_task *, struct err *);
void chunk_reader_send(struct chunk_reader *, enum chunk_step);

/* Add a row of that shape to the batch. */
bool chunk_reader_take_row(struct chunk_reader *, const struct relation *, struct rows *,
                           const struct message *, struct err *);

/* Check a row of facts: CHANGED if the table is not as described. `snapshot` may be NULL; else it
 * and rows->seen_lsn are read, too. */
bool chunk_reader_facts_row(struct chunk_reader *, const struct table_description *,
                            const struct message *row, struct snapshot *snapshot, struct rows *,
                            struct err *);

/* Read the answer to the statement of facts, which is one row. *snapshot is the caller's to free,
 * also after a failure. */
bool chunk_reader_facts(struct chunk_reader *, struct snapshot *, struct rows *, struct err *);

/* Read an answer that is not a row of the chunk; it lives until the next one. */
bool chunk_reader_answer(struct chunk_reader *, struct message *, struct err *);

/*
 * Read more rows into the batch. They are left to gather for a moment, because a thread that waits
 * on the socket is woken for every few kilobytes, which costs both sides more than the bytes.
 * `left`: how many bytes are still to come, as far as is known.
 */
bool chunk_reader_take_more(struct chunk_reader *, double left, struct err *);

/* Read the next answer, which must be of this type (pg/wire.h). */
bool chunk_reader_expect(struct chunk_reader *, char type, struct message *, struct err *);
bool chunk_reader_expect_done(struct chunk_reader *, int statements, struct err *);
bool chunk_reader_expect_ready(struct chunk_reader *, struct err *);

/* The answer is neither a row nor an end: the statement failed. The rest of the answers is read.
 * CHANGED if the error says that the table is not as described, else FAILED; returns false. */
bool chunk_reader_failed(struct chunk_reader *, const struct message *, struct err *);

/* Cancel the query, and skip the rest of its rows: they are read again with the next. */
bool chunk_reader_skip_rows(struct chunk_reader *, struct err *);

/* The next query asks for fewer rows. `possible`: this one asked for more than the least;
 * TOO_LARGE, else FAILED. */
void chunk_reader_ask_for_less(struct chunk_reader *, bool possible);

/* Read the rest of the answers, and end a transaction that failed. If another chunk was asked for
 * behind this one, close the session instead. */
void chunk_reader_drain(struct chunk_reader *);

#endif
