/*
 * The merger: makes of chunks and of the stream of changes one sequence in which the records of a
 * table begin with one create for each row, and from then on report exactly the changes after it.
 *
 * A pure state machine: batches, time and answers go in, marks and checkpoints come out. One thread
 * uses it. It does no I/O: what only the server knows, it asks for (merge_asks).
 *
 * Each table in backfill is a row of intervals of its key, in key order. An interval goes one way:
 *
 *   UNREAD   its rows are still to be read; changes that a later chunk of it may not have seen are
 *            buffered
 *   WAITING  a chunk holds its rows; changes that its snapshot did not see are patched in
 *   OUT      its rows are out; changes go straight through
 *
 * Transaction ids decide which changes a snapshot saw, never time: a commit may reach us before
 * other snapshots see it.
 *
 * A chunk waits until all that its snapshot saw has arrived in the stream of changes. A watermark
 * shows that: it was written after the chunk was read. If nothing may be written, a position shows
 * it (chunk_close.seen_lsn).
 *
 * A stream is lost when its table is no longer the one that its life began with. Then its chunks
 * and buffered changes are dropped, and its changes are skipped, until a new life begins.
 *
 *            merge_lose                     merge_begin
 *   LIVES ---------------> LOST --------------------------> LIVES (the next life)
 *                           |  merge_leave     ^ merge_lose
 *                           `-------> AWAY ----'
 *
 * Words:
 *
 *   life                   one backfill of a stream's table and the changes after it. Lives of a
 *                          stream are numbered from 1; what belongs to an earlier one is dropped.
 *                          (A `generation` is the destination's: several lives may be of one.)
 *   lost, away             a stream between two lives: its table is to be backfilled again; away:
 *                          it cannot be captured for now
 *   chunk                  the rows that one query of the backfill returned, and its snapshot
 *   range                  the part of a table's key that one worker reads, chunk after chunk
 *   interval               a part of a range, in one of the states above
 *   watermark              a row that a worker writes to the watermarks table after it read a chunk
 *   arrived                read in the stream of changes, and processed
 *   buffered change        of a key whose row is not read yet; kept until the chunk that holds it
 *   patch                  a change in the place of a row of a waiting chunk
 *   in-doubt transaction   its changes are processed, but no snapshot has shown them yet: a new
 *                          process reads no chunk before it is visible
 *   undecided stream       one that is lost, while the engine examines its table: no checkpoint is
 *                          taken meanwhile
 *   shape                  the columns of a table, as the stream describes them: struct relation
 *   position               the LSN up to which everything has arrived
 *   cursor                 the position that a checkpoint continues from; a record's: row/cursor.h
 *   carry                  the cursor of the last record, where it is past the LSN
 *   as of                  the LSN at which rows read in ctid order are true: one snapshot's
 */
#ifndef MERGE_MERGE_H
#define MERGE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "merge/checkpoint.h"
#include "row/batch.h"
#include "row/key.h"
#include "row/snapshot.h"

struct merge;

/* The key of a stream. */
struct merge_key {
    int count; /* 0: none */
    char **columns;
    uint32_t *types; /* oid of each column's type, as declared */
    enum key_order *orders;
    bool server; /* some column is KEY_SERVER: only the server can compare. Not in ctid order */
    bool unique; /* no two rows have the same */
};

/* The start of a stream's life. All of it is borrowed for that life. */
struct merge_stream {
    const struct stream_state *state; /* how far it has come */
    struct merge_key key;
    uint32_t oid;      /* of its table: a table with another oid is another table */
    bool ctid_order;   /* rows are read in ctid order: one range, whatever the key */
    bool airbyte_look; /* its records have cursors (row/cursor.h); deletes of rows that are not
                          out are printed, too: a destination may have the rows from an earlier
                          life, or from records that no state covers */
    const struct snapshot *base; /* in ctid order, in backfill: what it saw is the backfill's, all
                                    else is a change */
};

/* A key as the merger compares it. Opaque to others, but for keycode_column. */
struct keycode {
    uint32_t len;
    uint8_t data[];
};

/* Column `column` of a code made for a key with `server` set. Borrowed, no NUL. */
const char *keycode_column(const struct keycode *, int column, size_t *len);

/* Free chunks that will not be printed, with their batches. */
void merge_discard_chunks(struct chunk **);

/* Functions that the merger calls while it works. */
struct merge_hooks {
    void *context;

    /* A table was truncated by transaction `xid`, or a partition of it (relation->partition). */
    void (*truncated)(void *context, int stream, const struct relation *, uint32_t xid);

    /* A change by transaction `xid` is of this partition, which the stream has just described. */
    void (*stored)(void *context, int stream, uint32_t leaf, uint32_t xid);

    /* A change of another table under the stream's name, which is captured as it comes if this
     * returns true; or of the stream's table under another name (relation->renamed_of), which is
     * not. False: the stream is lost. */
    bool (*other)(void *context, int stream, const struct relation *);

    /* The stream was lost because of a change in this shape: relation->fault says why, or that it
     * is of another table. */
    void (*lost)(void *context, int stream, const struct relation *);

    /* A row of the watermarks table, written by the current transaction, asks for a backfill of
     * this table (a stream_name(), without NUL). The hook may lose the stream. */
    void (*requested)(void *context, const char *table, size_t len);
};

struct merge_config {
    const struct merge_stream *const *streams; /* borrowed for merge_new alone */
    int stream_count;
    int room;                       /* for streams that merge_add() adds, and these */
    const char *slot;               /* our row of the watermarks table */
    uint64_t cursor;                /* where the stream starts */
    const struct checkpoint *start; /* its in-doubt transactions; NULL: none */
    size_t buffered_bytes;          /* with more, merge_stalled() returns true */
    /*
     * A TRUNCATE that is before the life's beginning is printed nevertheless: the rows of the life
     * before are gone, and none of the new one is out. Not with a state for each stream: there a
     * stream may be further than the others, and have rows that were inserted after the TRUNCATE.
     */
    bool emits_skipped_truncates;
    bool asks_lost; /* a stream that is lost is undecided until merge_decided() */
    struct merge_hooks hooks;
};

/* ERR_CONFIG if the state does not fit the streams. */
struct merge *merge_new(const struct merge_config *, struct err *);
void merge_free(struct merge **);

/* Questions that only the server can answer, asked before a batch of the stream can be merged. */
enum merge_question_kind {
    MERGE_ASKS_BINDING, /* a new shape: set its stream, partition, and its columns' types */
    MERGE_ASKS_RANKS,   /* ranks[i]: the number of bounds that keys[i] is greater than. Bounds are
                           ascending */
    MERGE_ASKS_ROW,     /* the row that has this key, once transaction `xid` is visible */
};

struct merge_question {
    enum merge_question_kind kind;
    int stream;                /* RANKS, ROW */
    struct relation *relation; /* BINDING, ROW */
    const struct keycode **keys, **bounds;
    size_t count, bound_count;
    int *ranks;           /* to be filled in */
    uint32_t xid;         /* ROW */
    struct key *key;      /* likewise */
    const uint8_t *lacks; /* likewise: the tuple whose unchanged values are wanted, and no others */
    uint8_t *row; /* the answer: a tuple in pgoutput's form, in the shape of `relation`, to be
                     free()d by the merger; NULL: there is no such row */
};

/*
 * The next question about a batch, of events or of rows; NULL when it can be taken. The question is
 * the merger's, and lives until the next call. No other batch may be taken in between.
 */
struct merge_question *merge_asks(struct merge *, struct batch *);

/*
 * TOAST values that an update did not send are filled in while its table is in backfill: from the
 * update's own old tuple where that is whole (REPLICA IDENTITY FULL), else from the row in the
 * chunk that the change goes into. A row that moved to another key is looked up where it is now
 * (MERGE_ASKS_ROW). A row that stays at its key lacks nothing.
 *
 * Mark a batch of the stream in place: what is not to be printed becomes EVENT_SKIP, a changed key
 * EVENT_MOVE; commits carry the chunk that they release and the checkpoint that is due. The caller
 * hands the batch on to the emitter, also after a failure: from where it failed nothing is printed.
 * merge_asks must have nothing more to ask.
 */
bool merge_events(struct merge *, struct batch *, int64_t now_us, struct err *);

/* Take a batch of a chunk. One that was read for an earlier life is released. */
bool merge_rows(struct merge *, struct batch **batch, struct err *);

/* Batches that are not needed any more, chained, for the emitter to return to their pools; NULL:
 * none. */
struct batch *merge_take_done(struct merge *);

/* Give up the stream's life; its rows are to be read again. Between two batches of events. */
void merge_lose(struct merge *, int stream);

/* A checkpoint may say that the stream is lost: its table was examined. */
void merge_decided(struct merge *, int stream);

/* The stream is lost, and its table cannot be captured for now: the end does not wait for its
 * rows. */
void merge_leave(struct merge *, int stream);

/*
 * A new life of a stream that is lost. Changes of transactions that were committed before
 * `not_before`, or of which a part has arrived, are skipped: its chunks must see them.
 */
bool merge_begin(struct merge *, int stream, const struct merge_stream *, uint64_t not_before,
                 struct err *);

/* One more stream, which is lost; *config lives as long as the merger. Shapes that belonged to no
 * stream until now are asked about again. Between two batches of events. */
void merge_add(struct merge *, const struct merge_stream *config);

/* The tables whose shapes are known from the stream, by oid; the array is the caller's to free. */
size_t merge_known_tables(const struct merge *, uint32_t **oids);

/*
 * Forget those of these tables, in the same order, that were dropped: no change of them will come.
 * `horizon`: transactions before it had ended when the catalog was read, so that a table whose
 * shape one of them sent was not merely invisible. Between two batches of events.
 */
void merge_forget_gone(struct merge *, const uint32_t *gone, size_t count, uint64_t horizon);

/* A part of its state that the engine keeps was changed: the next checkpoint must have it. */
void merge_touch(struct merge *, int stream);

bool merge_is_lost(const struct merge *, int stream); /* or away */

/* Whether the stream skips the current transaction: it is lost, or its life begins after it. */
bool merge_skips(const struct merge *, int stream);

/* Whether the last checkpoint that holds the stream says that it is lost. */
bool merge_is_lost_in_checkpoint(const struct merge *, int stream);

/* The number of the stream's life, from 1 on; for a lost stream, of its next life. */
uint64_t merge_life(const struct merge *, int stream);

/* All up to here is processed: a commit's end, or a position. */
uint64_t merge_position(const struct merge *);

/* When something is due even if no event arrives; INT64_MAX: nothing is. */
int64_t merge_deadline_us(const struct merge *);

/* The deadline has come: add an event with what is due to the batch, for the emitter. */
void merge_idle(struct merge *, struct batch *, int64_t now_us);

/* Buffered changes take more than their limit, and a chunk under way will have seen some: take rows
 * first. */
bool merge_stalled(const struct merge *);

/*
 * A snapshot taken just now, with no row batch left in the rings: changes that it saw need not be
 * buffered for ranges that no query is reading.
 */
void merge_snapshot(struct merge *, const struct snapshot *);

/* Whether merge_snapshot would help: much is buffered, and no query is under way that would free
 * it. */
bool merge_wants_snapshot(const struct merge *);

/* How long after the last checkpoint the next one may follow. */
void merge_pace(struct merge *, int64_t pause_us);

bool merge_backfilling(const struct merge *); /* some rows are not out yet */

/*
 * The tables are examined from time to time: merge_look() when such a look begins,
 * merge_wait_again() when all that it saw has arrived. A chunk that has waited through two looks
 * waits for a watermark that the server did not send: its table may have left the publication for a
 * while. (One look is too few: the watermark may not have been written yet.) Such a chunk is also
 * released by `watermark`, which the caller is to write. Returns the number of such chunks;
 * *stream: the stream of one of them.
 */
void merge_look(struct merge *);
size_t merge_wait_again(struct merge *, const char *watermark, int *stream);

/*
 * End once all rows are out and this watermark has arrived, or without one, the stream has passed
 * this position: the last checkpoint comes there, and what follows is skipped. Another call takes
 * the place of this one; "" and 0: there is no end.
 */
void merge_finish_at(struct merge *, const char *watermark, uint64_t lsn);
bool merge_finished(const struct merge *);

/* For progress: how many rows of a stream are out, and whether it is still in backfill. */
uint64_t merge_backfilled(const struct merge *, int stream, bool *backfilling);

#endif
