/*
 * The roster: for each stream of the catalog, the table that it captures, and whether that is still
 * the table that the stream's life began with. Nobody else decides that. The merger's thread's own.
 *
 *            lost: a shape, a look, a chunk tells that it is another table
 *   LIVES ------------------------------------------------------------> LOST
 *     ^                                                                  |  ^
 *     |  described, and begun: its rows are read from the beginning      |  |
 *     `------------------------------------------------------------------'  |
 *                                    not there, or not published  |         |  it is back
 *                                                                 v         |
 *                                                                 AWAY ------'
 *
 * Whatever raises a doubt makes the table suspect: then it is examined (its terms are asked for, and
 * compared with those that the life goes by), described if need be, and decided upon.
 */
#ifndef ENGINE_ROSTER_H
#define ENGINE_ROSTER_H

#include "service.h"

enum member_standing {
    MEMBER_LIVES,
    MEMBER_LOST,
    MEMBER_AWAY,
};

/* A range that a worker has given back, because the table was not as described. */
struct returned {
    struct returned *next;
    int range;
    struct key *after; /* owned; where it goes on */
    char *why;         /* owned */
};

struct member {
    const struct table_description *table; /* as it is read in this life */
    struct stream_state state;             /* where the life began; its terms are kept up to date */
    struct merge_stream life;              /* what the merger has of it */
    struct base_snapshot base;             /* in ctid order */
    struct pg *holder;                     /* of the base, while rows are read; NULL: shared */
    enum member_standing standing;
    bool suspect;         /* to be examined */
    uint32_t truncated;   /* the transaction of the last TRUNCATE that the stream told; 0: none */
    uint32_t told_xid;    /* of the last change that told of a partition; 0: its terms are known */
    uint64_t emptied_lsn; /* what emptied it was done by then; 0: nothing has */
    int64_t retry_us;     /* not to be examined again before */
    struct returned *returned;
    int returns;          /* in a row, in which its table was found as described */
    int failures;         /* to describe it, in a row */
    bool renamed;         /* changes came under another name, which was said */
    bool completed;       /* it was said what REPLICA IDENTITY FULL would spare */
    bool raised;          /* it was asked for again: whatever became of its table, it begins */
    const char *because;  /* why it was lost, where its terms do not tell; NULL: they do */
    bool awaits_state;    /* it is to be described once a checkpoint has told that it is lost, */
    uint64_t awaited_lsn; /* for a life that begins no earlier */
};

struct roster {
    struct member *members;            /* one a stream */
    int count;                         /* and there is room for as many as the catalog has */
    struct table_description **tables; /* all that any task may point at; owned */
    size_t table_count, table_cap;
    struct catalog *newer;  /* as it was read again, of which streams are to join; NULL: none */
    int joining;            /* the next of them, */
    int64_t join_us;        /* not to be asked about before */
    struct question *birth; /* BASE, to be asked again, or NULL */
    bool some_suspect;      /* there may be one that is to be examined */
    int told;               /* how many have a told_xid: the end is not before they are examined */
    bool asked;             /* a question about some table is under way */
    int64_t next_us;        /* when roster_step has something to do; INT64_MAX: nothing */
    bool parked;            /* the stream of changes must stand still until the base is taken */
    int64_t park_us;        /* since when */
};

struct engine;

void roster_init(struct roster *, const struct catalog *);
void roster_clear(struct roster *);

/* The description is the roster's from now on. */
const struct table_description *roster_keep(struct roster *, struct table_description **);

/* What the merger asks for a life that goes by this description and state. The member's own. */
void member_set_life(struct member *, const struct table_description *,
                     const struct catalog_stream *);

/* Put the ranges of a life that are still to be read into the queue. */
void roster_queue(struct engine *, int stream, bool fence);

/* Once after each batch, while nothing is asked for one: examine, describe, begin. */
void roster_step(struct engine *);

/* Answers to its questions. */
bool roster_answer(struct engine *, struct question **, struct err *);

/* A look at all tables; or a range that was given back. */
void roster_look(struct engine *, const struct question *);
bool roster_returned(struct engine *, struct batch *, struct err *);

void roster_suspect(struct roster *, int stream);

/* Its key, or its changes, show that it is not what it was; its terms may not tell why. */
void roster_lose_because(struct engine *, int stream, const char *because);

/* A row was looked up, because its change did not tell all of it. */
void roster_completed(struct engine *, int stream);

/* A shape was bound to a stream, or to none: has a captured table another name now? */
void roster_bound(struct engine *, struct relation *);

/* join.c: a catalog that was read again. Between two batches. */
void roster_read_again(struct engine *);

/* Ask about the next stream that joins; *us: when it is to be tried again, if that is sooner. */
void roster_join_next(struct engine *, int64_t now_us, int64_t *us);
bool roster_joined(struct engine *, struct question *, struct err *);

/* Close the snapshots whose rows are out: as long as one is open, vacuum cannot remove rows. */
void roster_release(struct engine *);

struct merge_hooks roster_hooks(struct engine *);

/* Note the transaction that told of a partition; 0: what it told of is known now. */
void roster_set_told(struct roster *, struct member *, uint32_t xid);

/* Why a stream was lost whose table has its name again. */
extern const char roster_renamed[];

/* The terms of a table changed in a way that the stream does not tell, or that its backfill cannot go
 * on from: what is done about it. */
enum roster_action { ROSTER_GOES_ON, ROSTER_BEGINS_AGAIN, ROSTER_FAILS };
enum roster_action roster_action(const struct engine_config *, int stream,
                                 const struct terms_verdict *);

/* The error, and the words of the log. */
bool roster_fail(const struct catalog_stream *, const struct terms_verdict *, struct err *);
void roster_say(const struct engine_config *, int stream, const char *why, enum roster_action);
void roster_say_going_on(const struct engine_config *, int stream, const struct terms_verdict *);

/* Names of the key's columns, NULL-terminated; the array is the caller's to free. */
char **key_names(const struct table_description *);

/* Of each member; the arrays are the caller's to free. */
char ***roster_keys(const struct roster *);

#endif
