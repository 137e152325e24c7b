/*
 * The merger's insides, shared by its files: events (merge.c), changes by the order in which rows
 * are read (by_key.c, by_ctid.c), questions (ask.c, rank.c), chunks (rows.c), lives (life.c),
 * shapes (shapes.c), checkpoints (progress.c).
 */
#ifndef MERGE_INTERNAL_H
#define MERGE_INTERNAL_H

#include "stream.h"

/* How far the questions about the batch in hand have been asked. */
struct asking {
    const struct batch *batch; /* NULL: none is in hand */
    bool asked;                /* `question` waits for its answer */
    struct merge_question question;
    size_t bound, completed; /* events up to here need no more */
    struct arena arena;      /* of the question's keys */
};

struct merge {
    struct merge_config config;
    struct stream *streams;
    struct waiting **waiting; /* all chunks that wait */
    size_t waiting_count, waiting_cap;
    int backfilling;    /* streams with rows that are not out */
    bool some_passed;   /* the position of some chunk was passed where none can be released */
    struct batch *done; /* batches to be returned to their pools, chained */
    struct asking asking;
    struct relation **bound; /* the current shapes, which were asked about; */
    size_t bound_count, bound_cap;
    size_t bound_again; /* those before this are bound to what there is now */
    struct relation
        *past; /* chained: shapes that no change will come in, but some may be kept in */

    /* The stream of changes. */
    bool in_transaction;
    bool as_of_pending; /* some stream's as_of may not have been passed yet */
    struct txn txn;
    uint64_t last_commit; /* end of the last commit processed, */
    uint64_t position;    /* and the server has sent all up to here */
    uint64_t last_change; /* its cursor (row/cursor.h) */
    struct keybuf old_code, new_code;

    /* In-doubt transactions (merge/merge.h): their xids. */
    uint32_t *in_doubt;
    size_t in_doubt_count, in_doubt_cap;

    /* Checkpoints. */
    uint64_t cursor, checkpoint_cursor; /* of now, and of the last checkpoint */
    int64_t last_checkpoint_us, pause_us;
    char finish_at[WATERMARK_TEXT]; /* "": no watermark */
    bool finish_arrived, finished;
    bool changed;         /* since the last checkpoint */
    uint64_t finish_past; /* without a watermark, this position, if not 0 */
};

/*
 * How a table in backfill is merged: the same operations for both orders in which its rows can be
 * read.
 */
struct merge_order {
    /* A life begins: changes from s->cursor on are for it. */
    void (*begin)(const struct merge *, struct stream *);

    /* Where an interval ends. */
    bool (*set_upper)(const struct stream *, struct interval *, const struct key *upper,
                      struct err *);

    /* Changes that do not have the key can be merged. */
    bool takes_keyless;

    /* Chunks are released in the order in which they were read: a state says up to where rows are
     * out, and cannot describe a gap. */
    bool in_sequence;

    /* A change to one of its rows: absorbed, or marked to be printed. */
    bool (*change)(struct merge *, struct stream *, struct batch *, struct event *, struct err *);

    /* Every row is gone. */
    bool (*truncate)(struct merge *, struct stream *, struct event *, struct err *);

    /* A chunk is whole: apply the changes that were buffered for it. */
    bool (*chunk)(struct merge *, int stream, struct range *, struct waiting *, struct err *);
};

extern const struct merge_order by_key, by_ctid;

static inline const struct merge_order *merge_order_of(const struct stream *s)
{
    return s->config->ctid_order ? &by_ctid : &by_key;
}

static inline bool sees(const struct snapshot *snapshot, const struct merge *m)
{
    return snapshot_sees(snapshot, m->txn.xid, m->txn.final_lsn);
}

/* A change that is not printed, except the delete in it under the Airbyte look. */
void merge_absorb(const struct stream *, struct event *);

/* A change that is printed as it is: an update of the key becomes EVENT_MOVE. */
void merge_pass(struct event *);

struct change merge_new_change(const struct merge *, const struct event *, enum change_kind,
                               const struct keycode *);

/* Find the stream's key in this shape, and whether changes in it identify their rows by it. */
void stream_bind(const struct stream *, struct relation *);

/* The same for the life that ended, while the stream is lost. */
void stream_bind_last(const struct stream *, struct relation *);

/* A new shape: the one before it is not current any more. */
void merge_take_shape(struct merge *, struct relation *);

/* Shapes that nothing uses any more leave with the batch, which has just been merged. */
void merge_leave_shapes(struct merge *, struct batch *);

/* Whether the event can be merged in its shape. */
bool merge_event_fits(const struct event *);

/* The transaction under way changes keys that are not out, and no snapshot has shown it: it is in
 * doubt. */
void merge_note_in_doubt(struct merge *);

/* Forget in-doubt transactions that this snapshot sees: all later ones see them, too. */
void merge_forget_seen(struct merge *, const struct snapshot *);

/* A row of the watermarks table: find the chunk or the end that it is for. */
void merge_watermark_row(struct merge *, const struct event *);

/* All that was committed before `lsn` has arrived: note the cursor so far for streams whose as_of
 * is not after it. */
void merge_pass_as_of(struct merge *, uint64_t lsn);

/* A keepalive between transactions: the server has nothing for us up to its position. */
void merge_keepalive(struct merge *, struct event *, int64_t now_us);

/* The position has moved, and nothing can be released here: note whether something could be. */
void merge_note_passed(struct merge *);

/* Release the chunks that wait for nothing any more. */
void merge_release(struct merge *, struct event *);

/* The event is between transactions: release the chunks that wait for nothing any more, end if
 * this is the end, and add the checkpoint if one is due. */
void merge_between_transactions(struct merge *, struct event *, int64_t now_us);

/* Ask into which intervals the keys of a batch's changes fall, of the next stream whose keys only
 * the server can order; or which buffered changes are past the end of a chunk. False: nothing to
 * ask. */
bool merge_ask_ranks(struct merge *, const struct batch *events);
bool merge_ask_end(struct merge *, const struct batch *close);
/* Drop a question that will not be answered any more. */
void merge_forget_question(struct merge *);

/* The event cannot be merged as it is: its stream is lost. */
void merge_give_up(struct merge *, struct event *);

/* Which keys an event names. Codes are in m->old_code and m->new_code until the next call. False:
 * a key cannot be read. */
struct event_keys {
    const struct keycode *old_key, *new_key; /* NULL: none */
    bool moved;                              /* both, and they differ */
};
bool merge_event_keys(struct merge *, const struct event *, struct event_keys *);

#endif
