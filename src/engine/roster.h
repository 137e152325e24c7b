/*
 * The roster: for each stream of the catalog, the table that it captures, and whether that is still
 * the table that the stream's life began with. Only the roster decides that. Only the merger's
 * thread uses it.
 *
 *            lost: a shape, a look, a chunk shows that it is another table
 *   LIVES ------------------------------------------------------------> LOST
 *     ^                                                                  |  ^
 *     |  described, and begun: its rows are read from the beginning      |  |
 *     `------------------------------------------------------------------'  |
 *                                    not there, or not published  |         |  it is back
 *                                                                 v         |
 *                                                                 AWAY ------'
 *
 * Anything that raises a doubt makes the table suspect: then it is examined (its terms are asked
 * for, and compared with those that the life goes by), described if need be, and decided upon.
 */
#ifndef ENGINE_ROSTER_H
#define ENGINE_ROSTER_H

#include "service.h"

enum member_status {
    MEMBER_LIVES,
    MEMBER_LOST,
    MEMBER_AWAY,
};

/* A range that a worker has given back, because the table was not as described. */
struct returned {
    struct returned *next;
    int range;
    struct key *after; /* owned; it is read on from here */
    char *why;         /* owned */
};

struct member {
    const struct table_description *table; /* as it is read in this life */
    struct stream_state state;             /* as the life began; its terms are kept up to date */
    struct merge_stream life;              /* what the merger knows of it; points into `state` */
    struct base_snapshot base;             /* in ctid order */
    struct pg *holder;                     /* of the base, while rows are read; NULL: shared */
    enum member_status status;
    bool suspect;         /* it is to be examined */
    uint32_t truncated;   /* of the last TRUNCATE in the stream; 0: none */
    uint32_t must_see;    /* what this transaction did must be seen when it is examined; 0: none */
    uint64_t emptied_lsn; /* what emptied it is before this LSN; 0: not emptied */
    bool emptied;         /* before the start, which is still to be judged */
    int64_t retry_us;     /* it is not to be examined again before */
    struct returned *returned;
    int returns;         /* ranges given back in a row though its table was as described */
    int failures;        /* in a row, to describe it */
    bool told;           /* it has been logged why it begins again */
    bool renamed;        /* it has been logged that it has another name */
    bool completed;      /* it has been logged that rows are looked up */
    bool raised;         /* it was asked to begin again: it does, whatever its terms are */
    const char *because; /* why it was lost, where that is not in its terms; else NULL */
    bool awaits_state;   /* it is to be described once a checkpoint says that it is lost */
};

struct roster {
    struct member *members;            /* one a stream */
    int count;                         /* there is room for as many as the catalog has */
    struct table_description **tables; /* all that any task may point at; owned */
    struct base_snapshot base; /* of the streams in ctid order that began with the capture; owned */
    struct pg *holder;         /* of that base; owned; NULL: it is not read in any more */
    size_t table_count, table_cap;
    struct catalog *newer;  /* owned; as it was read again; its streams are to join; NULL: none */
    int joining;            /* the next of them, */
    int64_t join_us;        /* not to be asked about before */
    struct question *birth; /* owned; ASK_BASE, to be asked again; NULL: none */
    bool some_suspect;      /* some member may be suspect */
    int unjudged;           /* members with a must_see or `emptied`: no read ends before them */
    bool asked;             /* a question about some table is under way */
    int64_t next_us;        /* when roster_step has something to do; INT64_MAX: nothing */
    bool parked;            /* the stream of changes is held until the base snapshot is taken */
    int64_t park_us;        /* since when */
};

struct merger_thread;

void roster_init(struct roster *, const struct catalog *);
void roster_clear(struct roster *);

/* Takes the description, and keeps it to the end. */
const struct table_description *roster_keep(struct roster *, struct table_description **);

/* Set what the merger needs for a life with this description and the member's state. */
void member_set_life(struct member *, const struct table_description *,
                     const struct catalog_stream *);

/* Put the ranges of a life that are still to be read into the workers' queue, as tasks with this
 * `fence` and `renew_lsn`. */
void roster_queue(struct merger_thread *, int stream, bool fence, uint64_t renew_lsn);

/* Called after each batch, while no question is under way for one: examine, describe, begin. */
void roster_step(struct merger_thread *);

/* Take the answer to one of its questions. */
bool roster_answer(struct merger_thread *, struct question **, struct err *);

/* Take a look at all tables; or a range that was given back. */
void roster_look(struct merger_thread *, const struct question *);
bool roster_returned(struct merger_thread *, struct batch *, struct err *);

void roster_suspect(struct roster *, int stream);

/* Lose a stream for this reason, which may not show in its terms. */
void roster_lose_because(struct merger_thread *, int stream, const char *because);

/* A row was looked up, because its change did not have all of its values: log it once. */
void roster_completed(struct merger_thread *, int stream);

/* A shape was bound to a stream, or to none: does a captured table have another name now? */
void roster_bound(struct merger_thread *, struct relation *);

/* join.c: a catalog that was read again. Between two batches. */
void roster_read_again(struct merger_thread *);

/* Ask about the next stream that joins; *us: when it is to be tried again, if that is sooner. */
void roster_join_next(struct merger_thread *, int64_t now_us, int64_t *us);
bool roster_joined(struct merger_thread *, struct question *, struct err *);

/* requested.c: the merger's hook: a row of the watermarks table asks for a backfill of this table.
 * The context is the merger's thread. */
void roster_requested(void *engine, const char *table, size_t len);

/* Close the base snapshots whose rows are out: vacuum cannot remove rows that an open one sees. */
void roster_release(struct merger_thread *);

struct merge_hooks roster_hooks(struct merger_thread *);

/* Note which transaction must be seen when the table is examined (0: none), and whether what
 * emptied it is still to be judged. */
void roster_note(struct roster *, struct member *, uint32_t must_see, bool emptied);

/* Why a stream was lost whose table has its name again. */
extern const char roster_renamed[];

/* The action after a change of a table's terms that the stream does not have, or that its backfill
 * cannot continue from. */
enum roster_action { ROSTER_GOES_ON, ROSTER_BEGINS_AGAIN, ROSTER_FAILS };
enum roster_action roster_action(const struct engine_config *, int stream,
                                 const struct terms_verdict *);

/* say.c: set the error; or log. */
bool roster_fail(const struct catalog_stream *, const struct terms_verdict *, struct err *);
void roster_say(const struct engine_config *, int stream, const char *why, enum roster_action);
void roster_say_going_on(const struct engine_config *, int stream, const struct terms_verdict *);

/* Names of the key's columns, NULL-terminated; the array is the caller's to free. */
char **key_names(const struct table_description *);

/* The key names of each member; the arrays are the caller's to free. */
char ***roster_keys(const struct roster *);

/* Among the roster's files. */

/* Give up a life, in the merger too. */
void roster_lose(struct merger_thread *, int stream);

/* Ranges that were given back go to the workers again. */
void roster_requeue(struct merger_thread *, int stream);

/* Ask the service about a table: one question at a time. */
void roster_ask(struct merger_thread *, struct question **);

/* A new life of a stream that is lost, by this description. */
bool roster_begin(struct merger_thread *, struct question *, struct err *);

/* The answer about its base snapshot, which roster_begin asked for: taken, or asked again. */
bool roster_based(struct merger_thread *, struct question **, struct err *);

#endif
