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
    struct batch *done; /* batches to be sent home, chained */
    struct asking asking;
    struct relation **bound; /* the current shapes, which were asked about; */
    size_t bound_count, bound_cap;
    size_t bound_again; /* those before this are bound to what there is now */
    struct relation
        *past; /* chained: shapes that no change will come in, but some may be kept in */

    /* The stream of changes. */
    bool in_transaction;
    struct txn txn;
    uint64_t last_commit; /* end of the last commit processed, */
    uint64_t position;    /* and the server has sent all up to here */
    uint64_t last_change; /* its cursor (row/cursor.h) */
    bool as_of_ahead;     /* rows of some stream may stand where nothing has come by yet */
    struct keybuf old_code, new_code;

    /* Transactions processed that touched keys not out and that no snapshot has shown yet. */
    uint32_t *unseen;
    size_t unseen_count, unseen_cap;

    /* Checkpoints. */
    uint64_t cursor;
    bool changed; /* since the last one */
    int64_t last_checkpoint_us, pause_us;
    char finish_at[WATERMARK_TEXT];
    bool finish_came_by, finished;
};

/*
 * How a table in backfill is merged: the same verbs for both orders in which its rows can be read.
 */
struct order {
    /* A life begins: s->cursor says from where on its changes are told. */
    void (*begin)(const struct merge *, struct stream *);

    /* Where an interval ends. */
    bool (*set_upper)(const struct stream *, struct interval *, const struct key *upper,
                      struct err *);

    /* Changes that do not tell the key can be taken as they come. */
    bool takes_keyless;

    /* A change to one of its rows: absorbed, or marked to be printed. */
    bool (*change)(struct merge *, struct stream *, struct batch *, struct event *, struct err *);

    /* Every row is gone. */
    bool (*truncate)(struct merge *, struct stream *, struct event *, struct err *);

    /* A chunk is whole: work in what was buffered for it. */
    bool (*chunk)(struct merge *, int stream, struct range *, struct waiting *, struct err *);
};

extern const struct order by_key, by_ctid;

static inline const struct order *order_of(const struct stream *s)
{
    return s->config->ctid_order ? &by_ctid : &by_key;
}

static inline bool sees(const struct snapshot *snapshot, const struct merge *m)
{
    return snapshot_sees(snapshot, m->txn.xid);
}

/* A change that is not printed, but for the delete in it where that is told nevertheless. */
void merge_absorb(const struct stream *, struct event *);

/* A change that is printed as it is: an update of the key becomes EVENT_MOVE. */
void merge_pass(struct event *);

struct change merge_new_change(const struct merge *, const struct event *, enum change_kind,
                               const struct keycode *);

/* What the stream's key is in this shape, and whether changes in it can be told apart by it. */
void stream_bind(const struct stream *, struct relation *);

/* A shape is told: the one before it passes. */
void merge_take_shape(struct merge *, struct relation *);

/* Those that nothing is in any more leave in the batch, which is done. */
void merge_leave_shapes(struct merge *, struct batch *);

/* Whether the event can be merged in its shape. */
bool merge_event_fits(const struct event *);

/* A batch that is not needed any more. */
void merge_let_go(struct merge *, struct batch **);

/* The transaction under way touches keys that are not out, and no snapshot known shows it. */
void merge_note_unseen(struct merge *);

/* A snapshot shows the transactions that it sees to all later ones. */
void merge_forget_seen(struct merge *, const struct snapshot *);

/* A row of the watermarks table: whose is it? */
void merge_watermark_row(struct merge *, const struct event *);

/* All that was committed before `lsn` has come: note how far cursors have run for rows that stand there
 * or before. */
void merge_pass_as_of(struct merge *, uint64_t lsn);

/* A keepalive between transactions: how far the server has come without anything for us. */
void merge_keepalive(struct merge *, struct event *, int64_t now_us);

/* Release the chunks whose watermarks this commit carried. */
void merge_release(struct merge *, struct event *commit);

/* The checkpoint, if one is due now that the stream stands between transactions. */
struct checkpoint *merge_due_checkpoint(struct merge *, int64_t now_us);

/* The question where the keys of a batch's changes belong, for the next stream whose keys only the
 * server orders; or where buffered changes lie to the end of a chunk. False: there is none. */
bool merge_ask_ranks(struct merge *, const struct batch *events);
bool merge_ask_end(struct merge *, const struct batch *close);
/* What was asked and will not be answered any more. */
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
