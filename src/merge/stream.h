/*
 * One table's backfill: its key cut into intervals, in key order (see merge/merge.h).
 *
 * The intervals tile the key from "before all" to "after all". Each belongs to a range, a stretch
 * of the key that one worker reads from its beginning to its end; each range has at most one
 * interval UNREAD, its last.
 */
#ifndef MERGE_STREAM_H
#define MERGE_STREAM_H

#include "buffered.h"
#include "latest.h"
#include "overlay.h"

enum interval_state {
    INTERVAL_UNREAD,
    INTERVAL_WAITING,
    INTERVAL_OUT,
};

/* A chunk that waits for its watermark, or for its position. */
struct waiting {
    struct overlay overlay; /* and through it the chunk, owned */
    int stream;
    char watermark[WATERMARK_TEXT];
    char again[WATERMARK_TEXT]; /* another watermark that was written for it since; "": none */
    bool arrived;      /* one of them has: released at the commit, or after those before it */
    uint64_t seen_lsn; /* without a watermark: released once the stream has passed this; else 0 */
    int looks;         /* that have begun while it waits (merge_look) */
};

struct interval {
    enum interval_state state;
    int range;
    struct keycode *upper;   /* inclusive; NULL: no end, or in ctid order */
    struct key *upper_text;  /* the same for checkpoints */
    struct waiting *waiting; /* WAITING */
};

struct range {
    struct buffered buffered;
    struct latest latest; /* in ctid order, instead of `buffered` */
    bool reading;         /* a query is under way */
    bool has_floor;
    struct snapshot floor; /* every snapshot of a chunk to come sees at least this */
    struct chunk *open;    /* the chunk being read, once its snapshot is known */
    struct batch **tail;   /* where its next batch goes */
};

/* merge/merge.h shows the transitions. */
enum stream_status {
    STATUS_LIVES,
    STATUS_LOST, /* its rows are to be read again */
    STATUS_AWAY, /* the same, but its table cannot be captured now */
};

struct stream {
    const struct merge_stream *config;
    enum stream_status status;
    uint64_t life;
    uint64_t cursor;      /* changes committed before this are not for this life; 0: no limit */
    uint64_t as_of;       /* in ctid order: the LSN at which its rows are true */
    bool as_of_passed;    /* all that was committed before it has arrived, and so this is known: */
    uint64_t as_of_carry; /* the cursor of the last change before it, if past that LSN; else 0 */
    struct interval *intervals;
    size_t interval_count, interval_cap;
    struct range *ranges;
    int range_count;
    size_t pending; /* intervals that are not OUT; 0: the stream is active */
    uint64_t backfilled;
    bool changed;            /* since the last checkpoint */
    bool lost_in_checkpoint; /* the last checkpoint that held it said that it is lost */
    bool undecided; /* lost, and its table is being examined: no checkpoint is taken meanwhile */
    int *ranks;     /* KEY_SERVER: intervals of the current batch's keys, in order of use */
    size_t rank_cap, rank_count, rank_next;
    bool ranked; /* they are those of the current batch */
};

/* A batch that is not needed any more: once its riders are done, too, it joins *done, chained. */
void merge_let_go(struct batch **done, struct batch **batch);
void merge_let_go_all(struct batch **done, struct batch *batches);

/* Begin a life. False: the state does not fit. */
bool stream_init(struct stream *, const struct merge_stream *, struct err *);

/* End it: forget everything but the life's number. Chunks and batches that are left go to *done,
 * chained. */
void stream_clear(struct stream *, struct batch **done);

/* Whether its rows are not all out, or are to be read again. */
static inline bool stream_backfills(const struct stream *s)
{
    return s->status == STATUS_LOST || (s->status == STATUS_LIVES && s->pending > 0);
}

/* Whether changes of a transaction that ends there are not for it: they are out already, or it is
 * lost. */
static inline bool stream_skips(const struct stream *s, uint64_t final_lsn)
{
    return s->status != STATUS_LIVES || final_lsn < s->cursor;
}

/* The interval that a key lies in. */
struct interval *stream_locate(struct stream *, const struct keycode *);

/* A chunk of a range has been read up to `close`; takes the chunk and close->end. NULL and err on
 * failure. */
struct waiting *stream_close_chunk(struct stream *, int stream, int range,
                                   struct chunk_close *close, struct err *);

/* Its watermark's commit was processed: the interval is OUT. Returns the chunk; *waiting is freed
 * and nulled. */
struct chunk *stream_release(struct stream *, struct waiting **waiting);

/*
 * Whether its life begins after the cursor, so that deletes from before are still to be printed. No
 * chunk of it is out before the position is there: until then its state is that of a lost stream, so
 * that the next run takes all changes from the cursor on.
 */
bool stream_is_ahead(const struct stream *, uint64_t position);

/* How far the stream has come, in a checkpoint at this position. *state is new, to be cleared. */
void stream_state_now(const struct stream *, uint64_t position, struct stream_state *state);

/* The upper end of the interval that waits so; NULL: none. */
const struct keycode *stream_upper_of(const struct stream *, const struct waiting *);

#endif
