/* A worker: what its files share. Only its thread uses it. */
#ifndef BACKFILL_WORKER_H
#define BACKFILL_WORKER_H

#include "backfill/backfill.h"
#include "brake.h"
#include "chunk_reader.h"
#include "group.h"
#include "mark.h"
#include "runtime/log.h"
#include "runtime/retry.h"

struct worker {
    struct thread *thread; /* used by the thread that started it alone */
    struct backfill backfill;
    struct chunk_reader reader;
    struct worker_progress *progress; /* shared: the thread writes it, */
    struct worker_progress done;      /* from these */
    char name[32];
    struct mark mark; /* of the last chunk */
    struct group group;
    struct retry retry;
    struct log_wait wait;
    struct brake brake;
};

/* A range that is being read, and the chunk of it that the server was asked for. */
struct turn {
    const struct backfill_task *task;
    struct key *after;    /* owned; how far it was read; NULL: from its beginning */
    struct chunk_ask ask; /* of the chunk that is under way */
    struct mark mark;     /* that the same request carries: due until the answer has come */
};

/* range.c: read the task's range to its end, unless its rows are not wanted any more. */
bool range_read(struct worker *, const struct backfill_task *, struct err *);
bool range_is_wanted(const struct worker *, const struct backfill_task *);

/* After TOO_LARGE or FAILED: whether the chunk may be asked for again. Logs why it is; for FAILED it
 * pauses, and closes the session. The error then says which table it is about. */
bool range_may_ask_again(struct worker *, const struct backfill_task *, enum outcome, struct err *);

/*
 * Ask for the next chunk of a range; and read it, when the answers to all that was asked before are
 * read. Unless it is ROWS or END, the caller aborts the chunk, and the turn's mark, if it is due,
 * is to be written again.
 */
bool range_ask(struct worker *, struct turn *, struct err *);
enum outcome range_read_chunk(struct worker *, struct turn *, struct err *);

/* in_turn.c: read the task's range to its end; if the server is far away, in turn with others of
 * the queue. Takes the task. */
bool in_turn_read(struct worker *, struct backfill_task **, struct err *);

/* Wait for what must come before the next chunk. *fence: a task whose fence is to be waited for, or
 * NULL, which it becomes. *ready: nothing more is to be waited for. */
bool worker_get_ready(struct worker *, const struct backfill_task **fence, bool *ready,
                      struct err *);

/* Write the mark alone, if it is due. */
bool worker_write_mark(struct worker *, struct err *);

/* After a failure: whether to try again. Pauses. */
bool worker_may_retry(struct worker *, struct err *);
void worker_succeeded(struct worker *);

/* A chunk, or a group of them, was read. */
void worker_note_chunk(struct worker *, int64_t begun_us);

/* The same for who debugs, of each chunk. */
void worker_say_chunk(const struct worker *, const struct backfill_task *, uint64_t rows,
                      int64_t begun_us);

#endif
