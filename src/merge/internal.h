/* The merger's insides, shared by its files: changes (merge.c), chunks (rows.c), checkpoints
 * (progress.c). */
#ifndef MERGE_INTERNAL_H
#define MERGE_INTERNAL_H

#include "stream.h"

struct merge {
    struct merge_config config;
    struct stream *streams;
    struct waiting **waiting; /* all chunks that wait */
    size_t waiting_count, waiting_cap;
    int backfilling; /* streams with intervals that are not out */

    /* The stream of changes. */
    bool in_transaction;
    struct txn txn;
    uint64_t last_commit; /* end of the last commit processed */
    struct keybuf old_code, new_code;

    /* Transactions processed that touched keys not out and that no snapshot has shown yet. */
    uint32_t *unseen;
    size_t unseen_count, unseen_cap;

    /* Checkpoints. */
    uint64_t cursor;
    bool changed; /* since the last one */
    int64_t last_checkpoint_us;
    char finish_at[WATERMARK_TEXT];
    bool finish_came_by, finished;
};

/* The transaction under way touches keys that are not out, and no snapshot known shows it. */
void merge_note_unseen(struct merge *);

/* A snapshot shows the transactions that it sees to all later ones. */
void merge_forget_seen(struct merge *, const struct snapshot *);

/* A row of the watermarks table: whose is it? */
void merge_watermark_row(struct merge *, const struct event *);

/* A keepalive between transactions: how far the server has come without anything for us. */
void merge_position(struct merge *, struct event *, int64_t now_us);

/* Release the chunks whose watermarks this commit carried. */
void merge_release(struct merge *, struct event *commit);

/* The checkpoint, if one is due now that the stream stands between transactions. */
struct checkpoint *merge_due_checkpoint(struct merge *, int64_t now_us);

/* Where the keys of a batch's changes belong, for streams whose keys only the server orders. */
bool merge_rank(struct merge *, const struct batch *, struct err *);

/* Which keys an event names. Codes are in m->old_code and m->new_code until the next call. */
struct event_keys {
    const struct keycode *old_key, *new_key; /* NULL: none */
    bool moved;                              /* both, and they differ */
};
bool merge_event_keys(struct merge *, const struct event *, struct event_keys *, struct err *);

#endif
