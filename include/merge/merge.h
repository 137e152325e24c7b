/*
 * The merger: makes of chunks and of the stream of changes one sequence in which the records of a
 * table begin with one create for each row, and from then on report exactly the changes after it.
 *
 * A pure state machine: batches, time and answers go in, marks and checkpoints come out. One thread
 * uses it. It does no I/O: what only the server knows, it asks for (merge_asks).
 *
 * Each table in backfill is a row of intervals of its key, in key order. An interval goes one way:
 *
 *   AHEAD    its rows are still to be read; changes that no later chunk of it will have seen are
 *            buffered
 *   WAITING  a chunk holds its rows; changes that its snapshot did not see are patched in
 *   OUT      its rows are out, because the chunk's watermark came by; changes go straight through
 *
 * Which changes a snapshot saw is told by transaction ids, never by time: a commit may reach us
 * before other snapshots see it.
 *
 * A stream has lives. It is lost when its table is not any more what the life began with; then its
 * chunks and buffered changes are dropped, and its changes skipped, until a new life begins.
 *
 *            merge_lose                     merge_begin
 *   LIVES ---------------> LOST --------------------------> LIVES (the next life)
 *                           |  merge_leave     ^ merge_lose
 *                           `-------> AWAY ----'
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

/* What a life of a stream begins with. All of it is borrowed for that life. */
struct merge_stream {
    const struct stream_state *state; /* where it stands */
    struct merge_key key;
    uint32_t oid;      /* of its table: what has another is another table */
    bool ctid_order;   /* rows are read as they are stored: one range, whatever the key */
    bool airbyte_look; /* its records have cursors (row/cursor.h), and deletes are told of rows that
                                    are not out, too: a destination may have them from an earlier life,
                                    or from what no state has settled */
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

/* What the merger tells while it works. */
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
};

struct merge_config {
    const struct merge_stream *const *streams; /* borrowed for merge_new alone */
    int stream_count;
    int room;                       /* for streams that merge_add() adds, and these */
    const char *slot;               /* our row of the watermarks table */
    uint64_t cursor;                /* where the stream starts */
    const struct checkpoint *start; /* its unseen transactions; NULL: none */
    size_t ahead_bytes;             /* beyond this merge_stalled() holds the stream back */
    bool asks_lost; /* no checkpoint says that a stream is lost before merge_decided() */
    struct merge_hooks hooks;
};

/* ERR_CONFIG if the state does not fit the streams. */
struct merge *merge_new(const struct merge_config *, struct err *);
void merge_free(struct merge **);

/* What only the server knows, asked before a batch of the stream can be merged. */
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

/* Take in a batch of a chunk. One that was read for an earlier life is let go. */
bool merge_rows(struct merge *, struct batch **batch, struct err *);

/* Batches that need not be kept any more, chained, for the emitter to send home; NULL: none. */
struct batch *merge_take_done(struct merge *);

/* Give the stream up as it is; its rows are to be read again. Between two batches of events. */
void merge_lose(struct merge *, int stream);

/* A stream that is lost may be told of: it begins again, or is left. */
void merge_decided(struct merge *, int stream);

/* It is lost, and its table cannot be captured for now: nothing waits for its rows. */
void merge_leave(struct merge *, int stream);

/*
 * A new life of a stream that is lost. Transactions that were committed before `not_before`, or
 * that the stream has told in part, are not its changes: its chunks must see them.
 */
bool merge_begin(struct merge *, int stream, const struct merge_stream *, uint64_t not_before,
                 struct err *);

/* One more stream, which is lost; *config lives as long as the merger. Changes of its table that were
 * of no stream till now are asked about again. Between two batches of events. */
void merge_add(struct merge *, const struct merge_stream *config);

/* The tables whose shapes the stream has told, by oid; the array is the caller's to free. */
size_t merge_told(const struct merge *, uint32_t **oids);

/*
 * Those of them, in the same order, that are gone: no change of them will come, for what was seen of
 * them has been processed. `horizon`: transactions before it had ended when it was looked, so that a
 * table that one of them told of was not merely invisible. Between two batches of events.
 */
void merge_forget_gone(struct merge *, const uint32_t *gone, size_t count, uint64_t horizon);

/* What its state says besides was changed: the next checkpoint has it. */
void merge_touch(struct merge *, int stream);

bool merge_is_lost(const struct merge *, int stream); /* or away */

/* Whether the last checkpoint that holds it says so. */
bool merge_is_told_lost(const struct merge *, int stream);

/* Of the stream, from 1 on; that of a lost one is the next. */
uint64_t merge_life(const struct merge *, int stream);

/* What is told up to here is processed: a commit's end, or a position. */
uint64_t merge_position(const struct merge *);

/* A checkpoint that is due although nothing happens: for a quiet stream. NULL if none is. */
struct checkpoint *merge_checkpoint(struct merge *, int64_t now_us);

/* When merge_checkpoint will next have something, INT64_MAX if only an event can tell. */
int64_t merge_deadline_us(const struct merge *);

/* What is kept for chunks to come has outgrown its limit, and a chunk under way will shrink it:
 * take rows first. */
bool merge_stalled(const struct merge *);

/*
 * A snapshot taken just now, with no row batch unread since: what it saw need not be kept for
 * ranges that no query is reading.
 */
void merge_snapshot(struct merge *, const struct snapshot *);

/* Whether merge_snapshot would help: much is kept, and no query is under way that would let it go.
 */
bool merge_wants_snapshot(const struct merge *);

/* How long after the last checkpoint the next one may follow. */
void merge_pace(struct merge *, int64_t pause_us);

bool merge_backfilling(const struct merge *); /* some rows are not out yet */

/*
 * A look at the server begins; and the stream has passed all that it saw. A chunk that waited already
 * when the look before began (in the last one its watermark may have been about to be written) may
 * wait for what was not sent: the watermarks table may have left the publication for a while. It may
 * go with this watermark as well, which is to be written. Returns how many there are; *stream: of one
 * of them.
 */
void merge_look(struct merge *);
size_t merge_wait_again(struct merge *, const char *watermark, int *stream);

/* End when this watermark has come by and all rows are out: its commit carries the last checkpoint,
 * and what follows is skipped. Another one, or "" for none, takes its place. */
void merge_finish_at(struct merge *, const char *watermark);
bool merge_finished(const struct merge *);

/* For progress: rows out so far of a stream, and whether it is still in backfill. */
uint64_t merge_backfilled(const struct merge *, int stream, bool *backfilling);

#endif
