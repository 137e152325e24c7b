/*
 * A model of the merger's whole world: a server with multiversion rows, workers that read chunks, a
 * stream that may lag behind, a consumer that may fall back to an earlier checkpoint.
 *
 * A scenario is a setup and a list of steps. A step that makes no sense where it stands does
 * nothing, so every part of a scenario is a scenario: that is how failures shrink.
 */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include <stdio.h>
#include <stdlib.h>

#include "scene.h"

enum {
    MODEL_KEYS = 9, /* keys are 1 … MODEL_KEYS */
    MODEL_SLOTS = 4,
    MODEL_RANGES_MOST = 8, /* after restarts in the middle of several chunks */
    MODEL_STEPS = 160,
    MODEL_CHANGES = 24, /* of one transaction */
    MODEL_VALUES = 2000,
    MODEL_KEPT = 8, /* checkpoints that the consumer may fall back to */
};

/* v and w are never used twice; v 0: no row. In what the consumer has, w 0: it was not told. */
struct row {
    int v, w;
};

/* model_server.c: the server. */

enum wal_kind {
    WAL_BEGIN,
    WAL_INSERT,
    WAL_UPDATE,
    WAL_MOVE,
    WAL_DELETE,
    WAL_TRUNCATE,
    WAL_WATERMARK,
    WAL_COMMIT,
    WAL_KEEPALIVE,
};

struct wal_event {
    enum wal_kind kind;
    uint64_t xid, lsn;
    int key, from; /* MOVE: from, else 0 */
    struct row row, old;
    bool unchanged; /* row.w is the old one and is not sent */
    int watermark;
};

/*
 * A transaction keeps its locks until others can see it, which may be long after its commit is in
 * the WAL; in between it can no longer change anything.
 */
enum slot_state {
    SLOT_FREE,
    SLOT_RUNNING,
    SLOT_COMMITTED,
};

struct slot {
    enum slot_state state;
    uint64_t xid;
    struct wal_event changes[MODEL_CHANGES];
    int count;
    bool truncates;
};

struct server {
    bool full;                       /* REPLICA IDENTITY FULL */
    bool insert_only;                /* neither updates nor deletes */
    struct row rows[MODEL_KEYS + 1]; /* what a snapshot sees */
    int locked_by[MODEL_KEYS + 1];   /* slot + 1 */
    struct slot slots[MODEL_SLOTS];
    uint64_t next_xid, lsn;
    int last_value;
    int reading; /* chunk queries under way: they keep TRUNCATE out */
    struct wal_event *wal;
    size_t wal_count, wal_cap;
    FILE *trace; /* NULL: silent */
};

void server_init(struct server *, uint64_t first_xid, int rows, FILE *trace);
void server_free(struct server *);
bool server_begin(struct server *, int slot);
bool server_change(struct server *, int slot, int kind, int key, int to);
bool server_commit(struct server *, int slot);
bool server_show(struct server *, int slot);
bool server_abort(struct server *, int slot);
void server_watermark(struct server *, int number);
void server_keepalive(struct server *);
void server_snapshot(const struct server *, char text[256]);
bool server_truncating(const struct server *);

/* model_reader.c: workers and their chunks. */

enum reader_state {
    READER_IDLE,
    READER_OPENED,
    READER_READING,
};

struct reader {
    enum reader_state state;
    bool done;
    int after, until; /* keys */
    int size;         /* of the chunk under way, in keys */
    int watermark;    /* to be written; 0: none */
    struct row rows[MODEL_KEYS + 1];
    struct batch *queue[16]; /* pushed, not yet taken by the merger */
    int queued;
};

struct model_chunk {
    int after, until;
    struct snapshot snapshot;
};

struct model;

void reader_clear(struct reader *);
void reader_work(struct model *, int range, int choice);
bool reader_deliver(struct model *, int range); /* one batch; false: there was none */
void reader_deliver_watermark(struct model *, int number);

/* model.c: the rest. */

/* Something that the consumer has taken. */
struct kept {
    struct checkpoint *whole;
    size_t delivered;
    struct row out[MODEL_KEYS + 1], at[MODEL_KEYS + 1];
    struct row base_rows[MODEL_KEYS + 1];
    size_t base_from;
    char base[256];
};

enum {
    PLACE_OUT = -1,
    PLACE_AHEAD = 0, /* any other: waits for the watermark of that number */
};

struct model {
    struct server server;
    struct scene scene;
    bool ctid_order, resumed;
    struct row base_rows[MODEL_KEYS + 1]; /* in ctid order: seen by the base snapshot, */
    size_t base_from;                     /* which was taken when the WAL was so long */
    struct reader readers[MODEL_RANGES_MOST];
    int ranges;
    int place[MODEL_KEYS + 1];
    struct model_chunk *chunks; /* by watermark */
    int chunk_count;
    size_t chunk_cap;
    size_t delivered;                        /* of the WAL */
    struct row at[MODEL_KEYS + 1];           /* the table as of there */
    struct row out[MODEL_KEYS + 1], deleted; /* the consumer's */
    uint64_t deleted_lsn;                    /* of the change that did so last */
    bool may_lack[MODEL_VALUES];             /* by w: a move may have lost it */
    int came_by;                             /* watermark of the transaction under way */
    struct kept kept[MODEL_KEPT];
    int kept_count;
    uint32_t gate[64]; /* no chunk is begun before these are visible */
    size_t gate_count;
    char failure[256];
    FILE *trace;
};

enum step_kind {
    STEP_BEGIN,
    STEP_CHANGE,
    STEP_COMMIT,
    STEP_SHOW,
    STEP_ABORT,
    STEP_QUICK, /* a whole transaction */
    STEP_WORK,
    STEP_TAKE_ROWS,
    STEP_STREAM,
    STEP_SNAPSHOT,
    STEP_KEEPALIVE,
    STEP_RESTART,
    STEP_REBIRTH,
    STEP_KINDS,
};

struct step {
    uint8_t kind, a, b, c, d;
};

struct setup {
    uint8_t table; /* key that is ordered here, by the server; or ctid order, with inserts alone, or
                      with a unique key and all that can happen to rows */
    uint8_t ranges, rows, full, late, wrap;
};

struct scenario {
    struct setup setup;
    struct step steps[MODEL_STEPS];
    int count;
};

/* False: failure[] says what was wrong. */
bool scenario_run(const struct scenario *, char failure[256], FILE *trace);

void model_fail(struct model *, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define model_say(trace, ...) ((trace) ? (void)fprintf((trace), __VA_ARGS__) : (void)0)

static inline int model_number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

/* model_check.c: what the consumer is told, held against the table. */
void check_records(struct model *);
void check_out(struct model *); /* between transactions */

/* model_stream.c: the stream, its delivery, and restarts. */
void stream_deliver(struct model *, size_t count, bool all_rows);
void stream_place(struct model *, const struct stream_state *);
bool stream_gated(const struct model *);
void stream_restart(struct model *, int which);
void stream_rebirth(struct model *, bool skip_all);

/* What the server says of a row by now. */
bool stream_row(void *model, int key, uint32_t xid, char text[64]);

#endif
