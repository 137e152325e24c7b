/* Tasks: what a worker has to read. */
#include <stdlib.h>

#include "backfill/backfill.h"
#include "base/mem.h"

struct backfill_task *backfill_task_new(int stream, int range,
                                        const struct table_description *table)
{
    struct backfill_task *task = mem_zero(sizeof *task);
    task->stream = stream;
    task->range = range;
    task->table = table;
    return task;
}

void backfill_task_free(struct backfill_task **task)
{
    if (*task) {
        key_free(&(*task)->after);
        key_free(&(*task)->until);
    }
    free(*task);
    *task = NULL;
}
