/*
 * How far a capture has come: what a new process needs to continue as if nothing had happened.
 *
 * A checkpoint is valid between two transactions. The one in a state is complete; those that the
 * merger hands on have only the streams that changed since the previous one.
 */
#ifndef MERGE_CHECKPOINT_H
#define MERGE_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "row/key.h"
#include "row/terms.h"
#include "row/user_type.h"

enum stream_mode {
    STREAM_BACKFILL, /* rows of `ranges` are still to be read */
    STREAM_ACTIVE,   /* all rows are out: changes alone */
    STREAM_IGNORE,   /* neither */
};

/* Keys of which the rows are still to be emitted: after `scanned`, up to and including `until`. */
struct range_state {
    struct key *scanned; /* owned; NULL: none yet */
    struct key *until;   /* owned; NULL: no end */
};

struct stream_state {
    char *id; /* catalog's state_key, or stream_name() */
    enum stream_mode mode;
    struct terms terms; /* that its table is captured by; not known: its rows were not begun, or an
                           earlier version wrote the state */
    struct user_types types; /* of its columns; what was dropped since stays */
    char **key_columns;      /* NULL-terminated; NULL: rows are read in ctid order */
    struct range_state *ranges;
    int range_count;
    char *snapshot; /* in ctid order: the base snapshot, if a later run can read by it; else NULL */
    uint64_t as_of; /* in ctid order, in backfill: the LSN at which its rows are true */
    uint64_t as_of_carry; /* the cursor of the last change before that, if it was past the LSN
                             (row/cursor.h); else 0 */
    uint64_t cursor;      /* this stream is written up to here, though the capture's cursor is
                        lower; 0: it is as far as the capture */
    uint64_t backfilled;  /* rows emitted by the backfill so far: the n in "loc" */
    int64_t generation;   /* the destination's, which its rows are of; 0: none was given */
};

struct checkpoint {
    uint64_t cursor;    /* end LSN of the last commit processed */
    uint32_t *in_doubt; /* xids: processed, but no snapshot had shown them (merge/merge.h) */
    size_t in_doubt_count;
    uint64_t carry; /* the next record's cursor must be greater than this (row/cursor.h); 0: than
                       `cursor` */
    struct stream_state *streams;
    int stream_count;
};

/* Whether it says only that the table's rows are still to be read, as for a lost stream. */
bool stream_state_is_unborn(const struct stream_state *);

/* Which server, slot and database a checkpoint belongs to. */
struct capture_identity {
    char *system_identifier; /* decimal */
    uint32_t timeline;
    char *slot, *database;
};

struct checkpoint *checkpoint_new(int stream_count);
void checkpoint_free(struct checkpoint **);
void stream_state_copy(struct stream_state *to, const struct stream_state *from);
void stream_state_clear(struct stream_state *);
void capture_identity_clear(struct capture_identity *);

/*
 * Forget the streams that are not as far as `lsn`, if others are: those continue without them.
 * Calls `visit` with the ids of the forgotten ones. False: no stream is as far, and nothing was
 * done.
 */
bool checkpoint_leave_behind(struct checkpoint *, uint64_t lsn,
                             void (*visit)(void *context, const char *id), void *context);

/* Apply `newer` to `whole`: what it has replaces the old; streams that `whole` does not have are
 * added. */
void checkpoint_apply(struct checkpoint *whole, const struct checkpoint *newer);

struct stream_state *checkpoint_stream(const struct checkpoint *, const char *id);

#endif
