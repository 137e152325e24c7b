/* What the engine's threads share. Each field says who may touch it. */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "backfill/backfill.h"
#include "engine/engine.h"
#include "merge/merge.h"
#include "pg/describe.h"
#include "pg/slot.h"
#include "pg/types.h"
#include "runtime/counter.h"
#include "runtime/pool.h"
#include "runtime/ring.h"

enum {
    POOL_READER,
    POOL_MERGER,
    POOL_WORKERS, /* and one for each */
    POOLS = POOL_WORKERS + 64,
};

/* The service connection: what only the server knows, asked by the merger's thread. */
struct service {
    const struct engine_config *config;
    struct pg *pg;
    struct types *types;
    struct table_description *tables; /* of the catalog's streams, as they were at the start */
    bool *renamed; /* of each stream: it was said that its table has another name now */
    bool *changed; /* likewise, that it is gone, another, or not published */
    bool leaves;   /* some stream is a partitioned table whose changes come under its partitions'
                    names */
};

struct engine {
    struct engine_config config;
    struct capture_identity identity; /* fixed before threads start, but for the timeline, */
    uint64_t timeline;                /* which a fail-over changes: reader writes, emitter reads */
    uint64_t start_lsn;               /* likewise */
    bool new_slot;          /* likewise; its making waited for all transactions that wrote before */
    bool temporary_slot;    /* likewise; it ends with the replication connection */
    bool fence;             /* likewise; somebody wrote to a captured table when it was looked */
    struct service service; /* merger */
    struct merge *merge;    /* merger */
    int64_t snapshot_us;    /* merger: when it last asked for a snapshot, */
    int64_t looked_us;      /* when it looks next whether the tables are still the same */
    int64_t held_us;        /* and when it looks next for what holds up the slot */
    bool streams_shown;     /* merger: progress tells of all streams that they are active */

    /* The plan; fixed before threads start. */
    struct checkpoint *start; /* the state of every stream, in the catalog's order */
    struct merge_stream *streams;
    struct backfill_plan plan;
    struct snapshot *owed; /* per stream, parsed from its state; read by place only */

    /* Between threads. */
    struct bell merger_bell, emitter_bell;
    struct ring *events, *output;
    struct ring *rows[64];
    int worker_count;
    struct pool *pools[POOLS];

    struct replication *replication; /* reader */
    struct thread *reader, *emitter;
    struct worker *workers[64];
};

/* start.c: everything before the threads. */
bool engine_start(struct engine *, struct err *);

/* plan.c: the streams as the merger sees them, and the ranges to read. */
bool plan_make(struct engine *, struct err *);
void plan_clear(struct engine *);

/* merger.c */
void merger_loop(struct engine *);

/* emitter.c */
void emitter_main(void *context); /* the engine */

/* reader.c: the replication connection. */
struct replication *replication_new(struct engine *);
void replication_free(struct replication **);
/* NULL: it cannot be opened. */
struct pg *replication_connection(struct replication *, struct err *);
bool replication_identify(struct replication *, struct server_identity *, uint32_t timeline,
                          uint64_t *timeline_end, struct err *);
void reader_main(void *context); /* the engine */

/* service.c */
bool service_open(struct service *, struct err *);
void service_close(struct service *);
bool service_snapshot(struct service *, struct snapshot *, struct err *);
bool service_watermark(struct service *, const char *watermark, struct err *);
/* Say whose transactions make the server keep much more WAL than is still to be captured. */
void service_report_held(struct service *);
struct merge_hooks service_hooks(struct service *);
/* Ask until there is an answer: all questions can be repeated without harm. */
struct pg_rows *service_ask(struct service *, const char *sql, int count, const char *const *params,
                            struct err *);

/* tables.c */
/* Say which tables are not what the capture began with. */
void tables_look(struct service *);
/* Changes of a table that is not captured: was it, under another name? */
void tables_warn_renamed(struct service *, const struct relation *);
/*
 * Another table has the name of a captured one. If it still has, it came after the capture began:
 * it is captured as it comes, and that is said. Else it came before, and its changes, which are
 * still to be had, are not the stream's: that has begun anew with the one that is there now.
 */
bool tables_bind_other(struct service *, struct relation *, struct err *);

#endif
