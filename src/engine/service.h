/*
 * The service thread: one connection for all that only the server knows, so that the merger never
 * waits for SQL. Questions come in through one ring and go back, answered, through another.
 *
 * A question that finds the connection lost is asked again on a new one: all can be repeated
 * without harm. One that would wait for a lock for long comes back as `busy`. After a fail-over the
 * old server may still answer: once the stream comes from the new one, the connection is opened
 * again.
 */
#ifndef ENGINE_SERVICE_H
#define ENGINE_SERVICE_H

#include "backfill/backfill.h"
#include "engine/engine.h"
#include "merge/merge.h"
#include "pg/describe.h"
#include "pg/slot_guard.h"
#include "pg/terms.h"
#include "pg/types.h"
#include "runtime/retry.h"
#include "runtime/ring.h"

enum question_kind {
    ASK_MERGE,     /* what the merger asks: `merge` */
    ASK_SNAPSHOT,  /* `snapshot` */
    ASK_LOOK,      /* `terms` of all streams, at `lsn`, and which of `oids` are gone */
    ASK_EXAMINE,   /* of one stream: `terms` now, at `lsn`, and what they mean: `verdict` */
    ASK_DESCRIBE,  /* of one stream: `table`, and for a new life where it is cut: `bounds`; `lsn` is
                     not after it */
    ASK_JOIN,      /* of one that is new: publish it, and the same as for a new life: `table`,
                     `bounds`; `lsn` is not after it was published */
    ASK_BASE,      /* of one stream: `base`, and `lsn`, which is not after it */
    ASK_HELD,      /* log whose transactions hold the slot back, and new remarks */
    ASK_SLOT,      /* store the slot's state in progress; not `ok`: more WAL is kept than may be */
    ASK_HEARTBEAT, /* send one; not `ok`: the server refuses them */
    ASK_WATERMARK, /* write `watermark`; or set `lsn`: the position that it would have at most */
};

struct question {
    enum question_kind kind;
    bool busy;  /* not answered: it would wait for a lock, or for a transaction; ask again later */
    bool ok;    /* else `err` says why it cannot be answered */
    bool stale; /* MERGE: the table, a column or a value of the key no longer exists */
    struct err err;
    int stream;
    int count;                             /* MERGE, LOOK, HELD: streams that there are */
    const struct catalog_stream *joins;    /* JOIN; borrowed */
    const struct table_description *about; /* MERGE, BASE: how the stream is read now */
    struct merge_question *merge;
    struct snapshot snapshot;

    /* LOOK, EXAMINE. */
    char ***keys; /* of each stream; owned, but for the names */
    enum terms_use use;
    uint32_t truncated;     /* EXAMINE: see terms_judge() */
    uint32_t must_see;      /* EXAMINE: this transaction must be visible; 0: none */
    bool awaits_watermarks; /* LOOK: the watermarks table must be published */
    struct terms was;       /* owned */
    struct terms *terms;    /* owned; of each stream, or of the one */
    struct terms_verdict verdict;
    uint64_t lsn;
    uint64_t timeline; /* of the server that was asked: see struct service */
    uint32_t *oids;    /* owned; LOOK: tables known from the stream; then, those that are gone */
    size_t oid_count;

    /* DESCRIBE. */
    char *const *key;                /* borrowed; NULL: the key is to be chosen */
    bool again;                      /* for a new life */
    struct table_description *table; /* owned; NULL: `err` says why it cannot be captured */
    struct key **bounds;             /* owned */
    int bound_count;

    /* BASE. */
    struct writers writers;     /* that it waits for */
    uint64_t renew_lsn;         /* replication is to begin again here or later; 0: not asked yet */
    bool fenced;                /* those have ended: the stream may be held */
    struct base_snapshot *base; /* owned */
    struct pg *holder;          /* owned; exports it */

    char watermark[WATERMARK_TEXT];
};

struct question *question_new(enum question_kind, int stream);
void question_free(struct question **);

/* Results of the last looks at the server's decoding. */
struct decoding {
    struct log_wait wait;
    int64_t said_us;
    uint64_t received; /* a position of the stream, as it was then, */
    int64_t since_us;  /* and since when, or since we waited ourselves */
    bool looked;       /* the fields below are known */
    uint64_t spill_txns, spill_bytes;
    uint64_t spilled_before; /* spill_bytes when the last transaction began to spill */
};

struct service {
    const struct engine_config *config;
    struct pg *pg;
    const uint64_t *timeline; /* pipeline.timeline: of the server that the changes come from, */
    uint64_t followed;        /* and what it was when the connection was opened */
    struct renewal *renewal;  /* pipeline.renewal */
    struct types *types;
    uint64_t reconnects;
    struct bell bell;
    struct ring *questions, *answers;
    struct thread *thread;
    struct log_wait wait;
    struct slot_guard guard;
    struct decoding decoding;
    char **remarks; /* owned; that were logged */
    size_t remark_count, remark_cap;
    bool running; /* the thread runs: no query waits long for a lock */
};

bool service_open(struct service *, struct err *);
void service_close(struct service *);

/* From then on the connection is the thread's. `answers` rings the asker's bell. */
bool service_start(struct service *, struct bell *asker, struct err *);
void service_join(struct service *);

/* Before the thread runs. */
bool service_snapshot(struct service *, struct snapshot *, struct err *);

/* Log what tables_remark() says of the tables of a catalog, and failover_remark() of the slot, and
 * was not logged before. */
bool service_remark(struct service *, const struct catalog *, struct err *);

/* One query; on a lost connection it is repeated on a new one. */
struct pg_rows *service_query(struct service *, const char *sql, int count,
                              const char *const *params, struct err *);

/* Whether the last query failed because something that it names or compares no longer exists. */
bool service_is_stale(const struct service *);

/* After a failure: whether to try again, on a new connection. */
bool service_may_retry(struct service *, struct retry *, struct err *);

/* Whether a query failed so because it waited for a lock. */
bool service_was_locked(const struct err *);

/* The answers, in the files of the service. */
bool answer_binding(struct service *, struct question *, struct err *);
bool answer_ranks(struct service *, struct question *, struct err *);
bool answer_row(struct service *, struct question *, struct err *);
bool answer_look(struct service *, struct question *, struct err *);
bool answer_examine(struct service *, struct question *, struct err *);
bool answer_describe(struct service *, struct question *, struct err *);
bool answer_join(struct service *, struct question *, struct err *);
bool answer_base(struct service *, struct question *, struct err *);
void answer_held(struct service *, const struct question *);
bool answer_heartbeat(struct service *);
bool answer_slot(struct service *, struct err *);

/* While a statement of the service's connection takes long, at the start, too: show and guard the
 * slot, over the probing connection. Ends the run if the guard says so. */
void service_look_at_slot(void *service, struct pg *probe);

/* service_decoding.c: log it if nothing comes because the server decodes a large transaction. */
void look_at_decoding(struct service *, const struct slot *);

/* base.c: a snapshot for tables that are read in ctid order, and the connection that holds it.
 * *busy: none can be had now, since the server is a standby that lags: to be tried again. */
bool base_take(const struct engine_config *, struct base_snapshot *, struct pg **holder, bool *busy,
               struct err *);

#endif
