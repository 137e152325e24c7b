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

/* range.c: read the task's range to its end, unless its rows are not wanted any more. */
bool range_read(struct worker *, const struct backfill_task *, struct err *);

/* Wait for what must come before the next chunk. *fence: a task whose fence is to be waited for, or
 * NULL, which it becomes. *ready: nothing more is to be waited for. */
bool worker_get_ready(struct worker *, const struct backfill_task **fence, bool *ready,
                      struct err *);

/* After a failure: whether to try again. Pauses. */
bool worker_may_retry(struct worker *, struct err *);
void worker_succeeded(struct worker *);

/* A chunk, or a group of them, was read. */
void worker_note_chunk(struct worker *, int64_t begun_us);

/* The same for who debugs, of each chunk. */
void worker_say_chunk(const struct worker *, const struct backfill_task *, uint64_t rows,
                      int64_t begun_us);

#endif
