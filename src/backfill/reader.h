/* Reading one chunk: from the server's answers to batches in the merger's ring. */
#ifndef BACKFILL_READER_H
#define BACKFILL_READER_H

#include "pg/wire.h"
#include "row/batch.h"
#include "table.h"

/* OPEN, SNAPSHOT and CLOSE or ABORT take batches beside those with rows; a row may begin one more.
 */
enum { READER_EXTRA_BATCHES = 4 };

struct reader {
    const struct backfill *backfill;
    struct pg *pg;
    struct table table;
    struct pool *pool;
    struct ring *ring;
    struct batch *batch;     /* being filled; NULL: none */
    struct arena aside;      /* answers that are no rows of the chunk */
    struct key *end;         /* of the last row of the chunk so far */
    const struct key *after; /* where the query begins; borrowed */
    int asked;               /* rows that the query asks for */
    int64_t asked_us;        /* and when it did */
    int nap_us;              /* how long rows were left to gather, */
    size_t gathered;         /* and how many bytes of them have come since */
    bool opened;             /* the merger has been told of a chunk that is not closed */
    bool cancelled;          /* the last statement that failed was */
    bool differs;            /* the chunk failed because the table is not as described, */
    bool too_much;           /* or because its rows take too long or too much room */
};

/* What has come of the chunk so far. */
struct rows {
    uint64_t count;
    size_t bytes, batches;
    uint64_t pages; /* of the table, in ctid order */
    bool cut;       /* there was no room for the rest */
};

/* A chunk is cut before it takes more, so that several can wait for their watermarks. */
static inline size_t reader_chunk_batches(const struct reader *r)
{
    return r->backfill->pool_batches / 4;
}

void reader_init(struct reader *, const struct backfill *, struct pool *, struct ring *);
void reader_free(struct reader *);

/* Append the chunk's statements. */
void reader_chunk_statements(struct reader *, struct out *request, const struct backfill_task *,
                             const struct key *after);

/* Announce the chunk, before its query is sent. */
bool reader_open(struct reader *, const struct backfill_task *, struct err *);

/* Read the answers to reader_chunk_statements, and to the request's end; rows go to the ring. *close tells the end, its `end` owned
 * by the caller. */
bool reader_chunk(struct reader *, const struct backfill_task *, struct chunk_close *close,
                  struct err *);

/* Tell the merger that the chunk is whole; takes close->end. */
bool reader_close(struct reader *, const struct backfill_task *, struct chunk_close *close,
                  struct err *);

/* Tell it to forget the chunk, if it knows of one. */
void reader_abort(struct reader *, const struct backfill_task *);

/* Give the range back, to go on behind `after`, and say why. */
bool reader_return(struct reader *, const struct backfill_task *, const struct key *after,
                   const char *why, struct err *);

/* Read the row of facts, and whether the table is as described. *snapshot is the caller's to free, also
 * after a failure. */
bool reader_facts(struct reader *, char **snapshot, uint64_t *pages, struct err *);

/* An answer that is no row of the chunk; it lives until the next one. */
bool reader_answer(struct reader *, struct message *, struct err *);

/*
 * More of what flows into the batch: left to gather for a moment, because whoever waits on the
 * socket is woken for every few kilobytes, which costs both sides more than the bytes. `left`: how
 * many bytes are still to come, as far as is known.
 */
bool reader_take_more(struct reader *, double left, struct err *);

/* The next answer must be of this type: see pg/wire.h. */
bool reader_expect(struct reader *, char type, struct message *, struct err *);
bool reader_expect_done(struct reader *, int statements, struct err *);
bool reader_expect_ready(struct reader *, struct err *);

/* An answer that is no row and no end: why the statement failed, and whether it may be tried again
 * in another way. Returns false. */
bool reader_failed(struct reader *, const struct message *, struct err *);

/* Let the rest of the query's rows go by, which are read again. The query is cancelled. */
bool reader_skip_rows(struct reader *, struct err *);

/* The next query asks for fewer rows. `possible`: that is worth another try of this chunk. */
void reader_ask_for_less(struct reader *, bool possible);

/* Leave no transaction behind that failed half-way, and nothing of the answer. */
void reader_drain(struct reader *);

#endif
