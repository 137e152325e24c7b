/* What the engine's threads share. Each field says who may touch it. */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "backfill/backfill.h"
#include "engine/engine.h"
#include "merge/merge.h"
#include "pg/slot.h"
#include "plan.h"
#include "runtime/counter.h"
#include "runtime/pool.h"
#include "runtime/ring.h"

enum {
    POOL_READER,
    POOL_MERGER,
    POOL_WORKERS, /* and one for each */
    POOLS = POOL_WORKERS + 64,
};

/* What the merger's thread has in hand. */
struct hands {
    struct batch *events; /* of the stream, popped and not yet merged */
    struct batch *rows;   /* of a chunk, likewise: only while something is asked for it */
    struct batch *asking; /* that of the two that a question is under way for */
    int64_t snapshot_us;  /* when it last asked for a snapshot, */
    int64_t looked_us;    /* when it looks next whether the tables are still the same */
    int64_t held_us;      /* and when it looks next for what holds up the slot */
    int64_t slot_us;      /* and for the slot itself */
    bool snapshot_asked, look_asked, held_asked, slot_asked;
    struct question *look;     /* answered; taken in once the stream has passed what it saw */
    struct question *deferred; /* answered; taken in once `asking` is done */
    bool look_final;           /* the final watermark was written, or asked for, before the look */
    bool final;                /* the final watermark is written, or being written */
    int64_t final_us;          /* when to try to write it again; INT64_MAX: it is written */
    char watermark[WATERMARK_TEXT];
};

struct engine {
    struct engine_config config;
    struct capture_identity identity; /* fixed before threads start, but for the timeline, */
    uint64_t timeline;                /* which a fail-over changes: reader writes, emitter reads */
    uint64_t start_lsn;               /* likewise */
    int begins_with;                  /* likewise; so many streams */
    bool new_slot;         /* likewise; its making waited for all transactions that wrote before */
    bool fence;            /* likewise; somebody wrote to a captured table when it was looked */
    uint64_t planned_lsn;  /* likewise; the server's position when the tables were described, */
    uint64_t planned_xmax; /* and the next transaction id */
    struct base_snapshot base; /* of the streams in ctid order that began with the capture */
    struct pg *holder;         /* of the base; NULL: there is none */

    struct service service; /* the service thread's, once it runs */
    struct merge *merge;    /* merger, and so are: */
    struct roster roster;
    struct hands hands;
    bool streams_shown; /* progress tells of all streams that they are active */

    /* Between threads. */
    struct bell merger_bell, emitter_bell;
    struct ring *events, *output;
    struct ring *rows[64];
    int worker_count;
    struct pool *pools[POOLS];
    struct queue *tasks;    /* struct backfill_task */
    uint64_t state_bytes;   /* shared: of the last state, emitter writes, merger reads; */
    uint64_t written_since; /* shared, likewise: what was written after it */
    uint64_t *lives;        /* shared; of each stream: merger writes, workers read */

    bool told, complete; /* emitter, read when it has ended: some state is written; all is */

    struct replication *replication; /* reader */
    struct thread *reader, *emitter;
    struct worker *workers[64];
};

/* progress.c: it tells of one stream more. */
void engine_show_table(struct engine *, int stream);

/* And of all of them, before the threads start. */
void engine_show_tables(struct engine *);

/* What waits for the merger. */
void engine_show_rings(struct engine *);

/* And of all how far they are. */
void engine_show_streams(struct engine *);

/* start.c: everything before the threads. */
bool engine_start(struct engine *, struct err *);

/* refresh.c: reads of full_refresh streams alone. */

/* The state says that it was completed, and was tried again nevertheless. */
bool refresh_is_complete(const struct engine *);
bool refresh_repeat(struct engine *, struct err *);

/* For a read of another kind: whether a slot of theirs is left. */
bool refresh_say_left(struct engine *, struct err *);

/* Whether there is something in the state to go on from. */
bool refresh_goes_on(const struct engine *);

/* Once nobody reads the slot any more. */
void refresh_end(struct engine *);

/* merger.c */
void merger_loop(struct engine *);
void merger_ask(struct engine *, struct question **);

/* looks.c: what is due, and when the merger's thread must wake for it or for anything else. */
void merger_ask_simply(struct engine *, enum question_kind, bool *asked);
void looks_begin(struct engine *, int64_t now_us);
int64_t looks_deadline_us(const struct engine *);

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

/* roster.c, for decide.c */
void roster_lose(struct engine *, int stream);
void roster_requeue(struct engine *, int stream);

/* decide.c, for roster.c and join.c */
void roster_ask(struct engine *, struct question **);

/* A stream that is lost gets a life by this description. */
bool roster_begin(struct engine *, struct question *, struct err *);

#endif
