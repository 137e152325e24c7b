/*
 * The service thread: one connection for all that only the server knows, so that the merger never
 * waits for SQL. Questions come in through one ring and go back, answered, through another.
 *
 * A question that finds the connection lost is asked again on a new one: all can be repeated without
 * harm. One that would wait for a lock for long comes back as `busy`.
 */
#ifndef ENGINE_SERVICE_H
#define ENGINE_SERVICE_H

#include "backfill/backfill.h"
#include "engine/engine.h"
#include "merge/merge.h"
#include "pg/describe.h"
#include "pg/terms.h"
#include "pg/types.h"
#include "runtime/retry.h"
#include "runtime/ring.h"

enum question_kind {
    ASK_MERGE,    /* what the merger asks: `merge` */
    ASK_SNAPSHOT, /* `snapshot` */
    ASK_LOOK,     /* `terms` of all streams, at `lsn`, and which of `oids` are gone */
    ASK_EXAMINE,  /* of one stream: `terms` now, at `lsn`, and what they mean: `verdict` */
    ASK_DESCRIBE, /* of one stream: `table`, and for a new life where it is cut: `bounds` */
    ASK_JOIN, /* of one that is new: publish it, and the same as for a new life: `table`, `bounds`;
                      `lsn` is not after it was published */
    ASK_BASE, /* of one stream: `base`, and `lsn`, which is not after it */
    ASK_HELD, /* report whose transactions hold the slot back, and what is new to be remarked */
    ASK_SLOT, /* show how the slot stands */
    ASK_WATERMARK, /* write `watermark` */
};

struct question {
    enum question_kind kind;
    bool busy;  /* not answered: it would wait for a lock, or for a transaction; ask again later */
    bool ok;    /* else `err` says why it cannot be answered */
    bool stale; /* MERGE: the server knows the table, a column or a value of the key no more */
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
    uint32_t told_xid;      /* EXAMINE: what this transaction did must be seen; 0: none */
    bool awaits_watermarks; /* LOOK: they must come */
    struct terms was;       /* owned */
    struct terms *terms;    /* owned; of each stream, or of the one */
    struct terms_verdict verdict;
    uint64_t lsn;
    uint32_t *oids; /* LOOK: tables that the stream told of; then, those that are gone; owned */
    size_t oid_count;

    /* DESCRIBE. */
    char *const *key;                /* borrowed; NULL: the key is to be chosen */
    bool again;                      /* for a new life */
    struct table_description *table; /* owned; NULL: `err` says why it cannot be captured */
    struct key **bounds;             /* owned */
    int bound_count;

    /* BASE. */
    char *writers; /* owned; whom it waits for; NULL: nobody yet */
    bool fenced;   /* those that wrote at first have ended: the stream may stand still */
    struct base_snapshot *base; /* owned */
    struct pg *holder;          /* owned; exports it */

    char watermark[WATERMARK_TEXT];
};

struct question *question_new(enum question_kind, int stream);
void question_free(struct question **);

struct service {
    const struct engine_config *config;
    struct pg *pg;
    struct types *types;
    uint64_t reconnects;
    struct bell bell;
    struct ring *questions, *answers;
    struct thread *thread;
    struct log_wait wait;
    char **remarks; /* owned; that were logged */
    size_t remark_count, remark_cap;
    bool running; /* in the thread: no lock is waited for for long */
};

bool service_open(struct service *, struct err *);
void service_close(struct service *);

/* From then on the connection is the thread's. `answers` rings the asker's bell. */
bool service_start(struct service *, struct bell *asker, struct err *);
void service_join(struct service *);

/* Before the thread runs. */
bool service_snapshot(struct service *, struct snapshot *, struct err *);

/* Log what tables_remark() says of the tables of a catalog, and was not logged before. */
bool service_remark(struct service *, const struct catalog *, struct err *);

/* One query, repeated as said above. */
struct pg_rows *service_query(struct service *, const char *sql, int count,
                              const char *const *params, struct err *);

/* Whether what the last query named or compared is there no more. */
bool service_is_stale(const struct service *);

/* After a failure: whether to try again, on a new connection. */
bool service_may_retry(struct service *, struct retry *, struct err *);

/* Whether the last failure was that a lock was waited for. */
bool service_was_locked(const struct service *);

/* What the files of the service answer. */
bool answer_binding(struct service *, struct question *, struct err *);
bool answer_ranks(struct service *, struct question *, struct err *);
bool answer_row(struct service *, struct question *, struct err *);
bool answer_look(struct service *, struct question *, struct err *);
bool answer_examine(struct service *, struct question *, struct err *);
bool answer_describe(struct service *, struct question *, struct err *);
bool answer_join(struct service *, struct question *, struct err *);
bool answer_base(struct service *, struct question *, struct err *);
void answer_held(struct service *, const struct question *);
void answer_slot(struct service *);

/* base.c: a snapshot for tables that are read in ctid order, and the connection that keeps it. */
bool base_take(const struct engine_config *, struct base_snapshot *, struct pg **holder,
               struct err *);
void base_copy(struct base_snapshot *to, const struct base_snapshot *from);
void base_clear(struct base_snapshot *);

#endif
