/*
 * A merger with one table t (id, v, w) and the watermarks table, fed by hand.
 *
 * Rows are written "1,a,x": id, v, w. In changes "^" is an unchanged value and "~" null. What the
 * merger releases is kept as records, and returned as text by said():
 *
 *   r1=a/x  a row of a chunk       p1=a/x  a patch of a chunk     c1=a/x  an insert
 *   u1=a/^  an update              d1      a delete               t       a truncate
 *   m       a message
 *
 * A value that came from a chunk's binary form is written with a # before it.
 */
#ifndef TEST_SCENE_H
#define TEST_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/out.h"
#include "merge/merge.h"

enum { SCENE_VALUE = 16 };

struct record {
    char op; /* as above; '@': a checkpoint */
    int id;
    uint64_t lsn; /* of the change; 0: a row of a chunk */
    char v[SCENE_VALUE], w[SCENE_VALUE];
};

struct scene {
    struct merge *m;
    struct merge_config config;
    struct merge_stream stream;
    struct stream_state state;
    struct snapshot base; /* in ctid order */
    bool server;          /* keys are ordered by the scene, as numbers */
    int ranked;           /* keys that it was asked to rank */
    int truncated, lost;  /* times that the hooks were called */
    uint32_t stored;      /* the partition that a hook named last */
    char requested[64];   /* what a hook was asked for last */
    bool other_goes_on;   /* what the hook returns for changes of another table */
    /* The row with that key, as text; false: there is none. NULL: always. */
    bool (*row)(void *context, int id, uint32_t xid, char text[64]);
    void *row_context;
    struct relation *table, *watermarks, *shape;
    struct batch *events; /* not merged yet */
    uint64_t lsn;         /* of the next event */
    int64_t now_us;
    struct record *records;
    size_t record_count, record_cap, said;
    struct checkpoint *whole; /* all checkpoints so far, applied */
    int checkpoints;
    struct out text;
    struct err err;
};

/*
 * ranges: "-" all keys, "-3 3-" two ranges, "2-5" after 2 up to 5; "": the stream is active; NULL:
 * rows are read in ctid order, and those that `snapshot` sees are the backfill's.
 */
void scene_init(struct scene *, const char *ranges, const char *snapshot, bool server);
void scene_free(struct scene *);

/* A new merger, from what the checkpoints say. */
void scene_resume(struct scene *);

/* The stream is lost, and a new life of it begins, with all keys to be read. */
void scene_rebirth(struct scene *, uint64_t not_before);

/* The stream. They gather in `events` until wal_commit or wal_flush. */
void wal_begin(struct scene *, uint32_t xid);
void wal_insert(struct scene *, const char *row);
void wal_update(struct scene *, const char *row);
void wal_update_full(struct scene *, const char *old, const char *row); /* identity FULL */
void wal_move(struct scene *, int from, const char *row);               /* the old key is sent */
void wal_delete(struct scene *, int id);
void wal_truncate(struct scene *);
void wal_watermark(struct scene *, const char *slot, const char *watermark);
void wal_message(struct scene *, bool transactional);
void wal_position(struct scene *, uint64_t lsn);
void wal_end(struct scene *); /* COMMIT, not yet merged */
void wal_commit(struct scene *);
bool wal_flush(struct scene *);
void scene_quiet(struct scene *); /* nothing happens: take what is due */

/* A chunk, step by step. Rows have blanks between them; end NULL: the range's last. */
struct batch *read_step(struct scene *, int range, enum chunk_step);
struct batch *read_snapshot_step(struct scene *, int range, const char *snapshot);
struct batch *read_rows_step(struct scene *, int range, const char *rows);
struct batch *read_close_step(struct scene *, int range, const char *end, const char *watermark);
bool rows_in(struct scene *, struct batch *);

/* Answer what the merger asks before it takes the batch. */
void scene_answer(struct scene *, struct batch *);

/* All steps at once. */
void read_chunk(struct scene *, int range, const char *snapshot, const char *rows, const char *end,
                const char *watermark);

/* A row of each range, in chunks that share a batch. */
struct batch *read_together(struct scene *, const char *snapshot, const char *rows,
                            const char *watermark);

/* A transaction with nothing but our watermark. */
void pass_watermark(struct scene *, uint32_t xid, const char *watermark);

/* What came out since the last call. */
const char *said(struct scene *);

/* The ranges of the last checkpoint, as scene_init takes them; "active" when it is. */
const char *saved(struct scene *);

#endif
