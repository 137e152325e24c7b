/*
 * The capture's world in virtual time: a server with multiversion rows, workers that read chunks, a
 * stream that may lag behind or break off, a consumer that may fall back to an earlier state, and
 * the real decoder, merger, printers, codec and states in between. No threads, no sockets, no
 * clock.
 *
 * A scenario is a setup and a list of steps. A step that is not possible in the current state does
 * nothing, so every part of a scenario is a scenario: that is how failures are made small.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/out.h"
#include "merge/merge.h"
#include "row/batch.h"

enum {
    SIM_TABLES = 3,
    SIM_KEYS = 10, /* keys are 1 … SIM_KEYS */
    SIM_SLOTS = 4,
    SIM_COLUMNS = 6, /* at most */
    SIM_RANGES = 8,  /* of a table: after restarts in the middle of several chunks */
    SIM_STEPS = 200,
    SIM_CHANGES = 24, /* of one transaction */
    SIM_VALUES = 4000,
    SIM_KEPT = 8,         /* states that the consumer may fall back to */
    SIM_GATE = 256,       /* transactions that are waited for */
    SIM_FIRST_LSN = 1000, /* the slot's */
    SIM_FAILURE = 256,
};

/* v and w are never used twice; v 0: no row. In the consumer's copy, w 0: it was not sent. */
struct row {
    int v, w;
};

/* server.c: tables, transactions, and the WAL that they leave. */

enum table_kind {
    BY_INT,       /* in the order of its key, which is ordered here, */
    BY_SERVER,    /* or by the server alone */
    CTID_INSERTS, /* in ctid order, without a key, and rows are only inserted */
    CTID_UNIQUE,  /* the same with a unique key, and all that can happen to rows */
};

static inline bool in_ctid_order(enum table_kind kind)
{
    return kind >= CTID_INSERTS;
}

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
    int table;
    uint64_t xid, lsn;
    uint64_t final, end; /* of its transaction: where its commit record begins and ends */
    uint64_t previous;   /* end of the commit before it */
    int64_t commit_us;
    int key, from; /* MOVE: from, else 0 */
    struct row row, old;
    bool unchanged;   /* row.w is the old one and is not sent */
    int columns;      /* of the table, at its time */
    int watermark;    /* WATERMARK: its number */
    bool unpublished; /* WATERMARK: its table is out of the publication, so that it is not sent */
};

/*
 * A transaction keeps its locks until others can see it, which may be long after its commit is in
 * the WAL; in between it can no longer change anything.
 */
enum session_state {
    SLOT_FREE,
    SLOT_RUNNING,
    SLOT_COMMITTED,
};

struct session {
    enum session_state state;
    uint64_t xid;
    struct wal_event changes[SIM_CHANGES];
    int count;
    bool truncates[SIM_TABLES];
};

struct table {
    enum table_kind kind;
    bool full;                     /* REPLICA IDENTITY FULL */
    int columns;                   /* id, v, w, and others, which hold nothing */
    struct row rows[SIM_KEYS + 1]; /* what a snapshot sees */
    int locked_by[SIM_KEYS + 1];   /* slot + 1; of key 0 nothing */
    int reading;                   /* chunk queries under way: they keep TRUNCATE out */
    int emptied;                   /* times that TRUNCATE became visible: to all, at once */
};

struct database {
    int tables;
    struct table table[SIM_TABLES];
    struct row first[SIM_TABLES][SIM_KEYS + 1]; /* rows before all WAL */
    struct session slots[SIM_SLOTS];
    uint64_t next_xid, lsn, last_commit;
    int64_t wall_us; /* the server's clock, which may jump */
    int last_value;
    bool standby;   /* chunks are read at one: a snapshot is given by a position, */
    uint64_t lag;   /* so many bytes before what it sees */
    bool truncates; /* whether tables are truncated at all */
    bool hides_watermarks;
    struct wal_event *wal;
    size_t wal_count, wal_cap;
    FILE *trace; /* NULL: silent */
};

void server_init(struct database *, uint64_t first_xid, FILE *trace);
void server_add_table(struct database *, enum table_kind, int rows, bool full);
void server_free(struct database *);
bool server_begin(struct database *, int slot);
bool server_change(struct database *, int slot, int table, int kind, int key, int to);
bool server_commit(struct database *, int slot);
bool server_show(struct database *, int slot);
bool server_abort(struct database *, int slot);
bool server_alter(struct database *, int table); /* one more column, or the first three again */
void server_crash(struct database *);            /* and recovery */
void server_watermark(struct database *, int number);
void server_keepalive(struct database *, bool large);
void server_snapshot(const struct database *, char text[256]);
bool server_truncating(const struct database *, int table);
bool server_writing(const struct database *, int table);

/* Where the stream begins from a cursor: the first transaction whose commit is not before it. */
size_t server_start(const struct database *, uint64_t cursor);
const struct wal_event *server_find(const struct database *,
                                    uint64_t lsn); /* NULL: nothing is there */

/* Do the event to rows of its table. */
void wal_replay(const struct wal_event *, struct row rows[SIM_TABLES][SIM_KEYS + 1]);

/* wire.c: what the server sends, in PostgreSQL's bytes. */

void wire_message(struct out *, const struct database *, const struct wal_event *);
/* `table` SIM_TABLES: the watermarks table. */
void wire_relation(struct out *, const struct database *, int table, int columns);
const uint8_t *wire_row(struct arena *, enum table_kind, int columns, int key,
                        const struct row *);                          /* a chunk's */
uint8_t *wire_tuple(int columns, int key, const struct row *);        /* the stream's; malloc'ed */
struct relation *wire_shape(int table, enum table_kind, int columns); /* of chunks */
void wire_bind(struct relation *); /* its stream, and its columns' types */
static inline uint32_t wire_oid(int table)
{
    return 16384 + (uint32_t)table;
}

/* worker.c: one a range, with its chunks. */

enum worker_state {
    WORKER_IDLE,
    WORKER_OPENED,
    WORKER_READING,
};

struct worker {
    enum worker_state state;
    bool done;
    int table, range;
    uint64_t life;
    int after, until;              /* keys */
    int number;                    /* of the chunk under way, */
    int columns;                   /* and those of its rows */
    int watermark;                 /* to be written; 0: none */
    struct row rows[SIM_KEYS + 1]; /* that its snapshot sees, unless a TRUNCATE comes first */
    bool locks;                    /* none can come */
    int emptied;                   /* as it was when the snapshot was taken */
};

/* Batches that a worker has pushed and the merger has not taken: in order, as in a ring. */
enum { SIM_QUEUE = 32 };
struct queued {
    struct batch *batches[SIM_QUEUE];
    int count;
};

struct sim;

void worker_work(struct sim *, struct worker *, int choice);
void worker_lost(struct sim *, struct worker *); /* its connection breaks */
bool worker_deliver(struct sim *, int queue);    /* one batch; false: there was none */
void worker_deliver_watermark(struct sim *, int number);
void queued_clear(struct queued *);

/* capture.c: the connector's code, put together. */

struct capture;

struct capture_setup {
    int tables;
    const enum table_kind *kinds;
    const char *ranges[SIM_TABLES]; /* as "-4 4-"; of a first run */
    int state_type;                 /* enum state_type */
    bool look;                      /* the Airbyte look */
    size_t buffered_bytes;
    int64_t pause_us;
};

/* Begin from a state; NULL: from the beginning, with base snapshots for tables in ctid order.
 * Returns NULL after a failure, which is noted in the simulation. */
struct capture *capture_new(struct sim *, const struct capture_setup *, const char *state);
void capture_free(struct capture **);
struct merge *capture_merge(const struct capture *);
struct relation *capture_shape(struct capture *, int table, int columns);    /* of its chunks */
const struct stream_state *capture_state(const struct capture *, int table); /* as it began */
uint64_t capture_cursor(const struct capture *);                             /* likewise */
const uint32_t *capture_in_doubt(const struct capture *, size_t *count);     /* likewise */

/* The stream: what the server sends gathers until it is merged. */
void capture_receive(struct capture *, const struct wal_event *);
void capture_merges(struct capture *);
uint64_t capture_reconnect(struct capture *);         /* returns where the stream is to continue */
void capture_rows(struct capture *, struct batch **); /* of a worker */
void capture_idle(struct capture *);                  /* what is due although nothing comes */
void capture_lose(struct capture *, int table);
void capture_begin(struct capture *, int table, const char *base, uint64_t not_before);

/* answers.c: the merger's questions and hooks. */

struct merge_hooks answers_hooks(struct sim *);
void answers_give(struct sim *, struct merge *, struct batch *); /* before it takes the batch */

/* emit.c: the emitter, without its thread: each line goes to the consumer at once. */

struct emitter;

struct emitter *emitter_new(struct sim *, const struct capture_setup *, uint64_t start);
void emitter_free(struct emitter **);
void emitter_print(struct emitter *, struct batch *);
void emitter_forget(struct emitter *, struct relation *); /* no more will be printed in it */

/* consumer.c: applies records, and compares with the tables. */

struct copy {
    struct row rows[SIM_KEYS + 1];
    double cursor[SIM_KEYS + 1]; /* in the Airbyte look */
    uint64_t backfilled;         /* the n of the next row */
    uint64_t records;            /* since the last state */
    uint64_t final, lsn;         /* of the last update or delete */
    struct row deleted;          /* by it */
};

/* In ctid order: what the backfill's snapshot saw, and the length of the WAL then. */
struct base {
    struct row rows[SIM_KEYS + 1];
    size_t from;
    int emptied;
    char text[256];
};

/* A state that the consumer has taken. */
struct kept {
    char *text;
    struct copy copies[SIM_TABLES];
    struct base bases[SIM_TABLES];
};

void consumer_line(struct sim *, const char *line, size_t len);
void consumer_passed(struct sim *, uint64_t lsn); /* later records are after that */
void consumer_check(struct sim *);                /* between transactions */
void consumer_check_end(struct sim *);
void consumer_forget(struct sim *, int table);
void consumer_fall_back(struct sim *, const struct kept *);

/* stream.c: delivery, and restarts. */

void stream_idle(struct sim *);
void stream_deliver(struct sim *, size_t count, bool all_rows);
void stream_snapshot(struct sim *);
void stream_reconnect(struct sim *);
void stream_look(struct sim *);
bool stream_gated(const struct sim *);
void stream_start(struct sim *);
void stream_restart(struct sim *, int which);
void stream_lose(struct sim *, int table);
void stream_begin(struct sim *, int table, bool skip_all);
const char *stream_new_base(struct sim *, int table);
bool stream_row(struct sim *, int table, int key, uint32_t xid, struct row *);

/* run.c: one scenario. */

enum step_kind {
    STEP_BEGIN,
    STEP_CHANGE,
    STEP_COMMIT,
    STEP_SHOW,
    STEP_ABORT,
    STEP_ALTER,
    STEP_QUICK, /* a whole transaction */
    STEP_WORK,
    STEP_TAKE_ROWS,
    STEP_STREAM,
    STEP_SNAPSHOT,
    STEP_KEEPALIVE,
    STEP_CLOCK,
    STEP_LOOK,
    STEP_HIDE,      /* the watermarks table leaves the publication, or returns */
    STEP_RECONNECT, /* the network breaks the stream, */
    STEP_LOST,      /* or a worker's connection */
    STEP_CRASH,     /* the server's */
    STEP_RESTART,   /* of the connector, from some state */
    STEP_LOSE,      /* a table is not what it was */
    STEP_REVIVE,    /* and begins again */
    STEP_KINDS,
};

struct step {
    uint8_t kind, a, b, c, d, table;
};

struct setup {
    uint8_t tables;            /* fewer than SIM_TABLES */
    uint8_t kinds[SIM_TABLES]; /* enum table_kind */
    uint8_t ranges[SIM_TABLES], rows[SIM_TABLES], full[SIM_TABLES];
    uint8_t late;       /* steps before the capture begins */
    uint8_t wrap;       /* transaction ids pass 2^32 */
    uint8_t positions;  /* chunks wait for positions, not for watermarks */
    uint8_t standby;    /* that, and chunks are read at a standby */
    uint8_t state_type; /* enum state_type */
    uint8_t look;       /* the Airbyte look, and a consumer that keeps what it has */
    uint8_t paced;      /* states have pauses in between */
    uint8_t small;      /* memory for buffered changes */
    uint8_t ends;       /* the capture ends at a watermark */
};

struct scenario {
    struct setup setup;
    struct step steps[SIM_STEPS];
    int count;
};

struct sim {
    struct database server;
    struct capture *capture; /* NULL: before the first run */
    struct capture_setup setup;
    enum table_kind kinds[SIM_TABLES];
    bool positions, resumed[SIM_TABLES];
    struct base bases[SIM_TABLES];
    struct worker workers[SIM_TABLES * SIM_RANGES]; /* SIM_RANGES of each table */
    struct queued queues[SIM_TABLES * SIM_RANGES];
    int chunks;                              /* so many have numbers */
    size_t delivered;                        /* of the WAL */
    size_t passed;                           /* of it, printed, */
    uint64_t passed_lsn;                     /* which is up to here */
    uint64_t ahead_lsn[SIM_TABLES];          /* the consumer has the table as of here already */
    struct row at[SIM_TABLES][SIM_KEYS + 1]; /* the tables as of `passed` */
    struct copy out[SIM_TABLES];             /* the consumer's */
    bool may_lack[SIM_VALUES];               /* by w: a move may have lost it */
    char *lines[SIM_TABLES];                 /* STATEs, each the last; of all tables: one */
    struct kept current, kept[SIM_KEPT];
    int kept_count;
    bool active[SIM_TABLES], in_doubt; /* as the last state said */
    uint32_t gate[SIM_GATE];           /* no chunk is begun before these are visible */
    size_t gate_count;
    int64_t now_us; /* monotonic */
    char failure[SIM_FAILURE];
    FILE *trace;
};

/* False: failure[] says what was wrong. */
bool scenario_run(const struct scenario *, char failure[SIM_FAILURE], FILE *trace);

void sim_fail(struct sim *, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define sim_say(trace, ...) ((trace) ? (void)fprintf((trace), __VA_ARGS__) : (void)0)

/* shrink.c: leave out and make simpler what a scenario fails without. `fails` runs one. */
void scenario_shrink(struct scenario *, bool (*fails)(const struct scenario *));

#endif
