/*
 * The merger: makes of chunks and of the stream of changes one sequence in which the records of a
 * table begin with one create for each row, and from then on report exactly the changes after it.
 *
 * A pure state machine: batches, time and answers go in, marks and checkpoints come out. It is used
 * by one thread, does no I/O, and asks what only the server knows through its hooks.
 *
 * Each table in backfill is a row of intervals of its key, in key order. An interval goes one way:
 *
 *   AHEAD    its rows are still to be read; changes that no later chunk of it will have seen are
 *            kept
 *   WAITING  a chunk holds its rows; changes that its snapshot did not see are patched in
 *   OUT      its rows are out, because the chunk's watermark came by; changes go straight through
 *
 * Which changes a snapshot saw is told by transaction ids, never by time: a commit may reach us
 * before other snapshots see it.
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

struct merge;

/* The key of a stream. */
struct merge_key {
    int count; /* 0: none */
    char **columns;
    enum key_order *orders;
    bool server;   /* some column is KEY_SERVER: only the server can compare */
    bool by_place; /* rows are read as they are stored: one interval, whatever the key */
    bool unique;   /* no two rows have the same */
};

/* What a stream is captured by. All of it is borrowed for the merger's life. */
struct merge_stream {
    const struct stream_state *state; /* where it stands at the start */
    struct merge_key key;
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

struct merge_hooks {
    void *context;

    /* A new shape: set its stream and its columns' types. */
    bool (*bind)(void *context, struct relation *, struct err *);

    /*
     * For keys that only the server can order: ranks[i] becomes the number of bounds that keys[i]
     * is greater than. Bounds are ascending.
     */
    bool (*rank)(void *context, int stream, const struct keycode *const *keys, size_t count,
                 const struct keycode *const *bounds, size_t bound_count, int *ranks, struct err *);

    /* A table was truncated. */
    void (*truncated)(void *context, int stream);
};

struct merge_config {
    const struct merge_stream *streams;
    int stream_count;
    const char *slot;               /* our row of the watermarks table */
    uint64_t cursor;                /* where the stream starts */
    const struct checkpoint *start; /* its unseen transactions; NULL: none */
    int64_t checkpoint_interval_us; /* while changes flow */
    size_t ahead_bytes;             /* beyond this merge_stalled() holds the stream back */
    struct merge_hooks hooks;
};

/* ERR_CONFIG if the state does not fit the streams. */
struct merge *merge_new(const struct merge_config *, struct err *);
void merge_free(struct merge **);

/*
 * TOAST values that an update did not send are filled in while its table is in backfill: from the
 * update's own old tuple where that is whole (REPLICA IDENTITY FULL), else from the row in the
 * chunk that the change goes into. Under another identity they stay unsent for a row that moves to
 * another key when there is no such row: its old place was not read yet, or is out while the new
 * one is not, or lies in a chunk that saw the move before the stream brought it. The create of the
 * new key then lacks them, until an update sends them. A row that stays at its key lacks nothing.
 */

/*
 * Mark a batch of the stream in place: what is not to be printed becomes EVENT_SKIP, a changed key
 * EVENT_MOVE; commits carry the chunk that they release and the checkpoint that is due. The caller
 * hands the batch on to the emitter, also after a failure: from where it failed nothing is printed.
 */
bool merge_events(struct merge *, struct batch *, int64_t now_us, struct err *);

/* Bind a shape that a chunk is about to be read with, as those of the stream are. */
bool merge_bind(struct merge *, struct relation *, struct err *);

/*
 * Take in a batch of a chunk. Those that need not be kept come back chained in *done, for the
 * emitter to send home.
 */
bool merge_rows(struct merge *, struct batch **, struct batch **done, struct err *);

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

bool merge_backfilling(const struct merge *); /* some rows are not out yet */

/* End when this watermark has come by: its commit carries the last checkpoint, and what follows is
 * skipped. */
void merge_finish_at(struct merge *, const char *watermark);
bool merge_finished(const struct merge *);

/* For progress: rows out so far of a stream, and whether it is still in backfill. */
uint64_t merge_backfilled(const struct merge *, int stream, bool *backfilling);

#endif
