/* Tasks: what a worker is to read, and in ctid order, in which snapshot. */
#include <stdlib.h>

#include "backfill/backfill.h"
#include "base/mem.h"

void base_clear(struct base_snapshot *base)
{
    snapshot_free(&base->snapshot);
    free(base->exported);
    free(base->text);
    *base = (struct base_snapshot){0};
}

void base_copy(struct base_snapshot *to, const struct base_snapshot *from)
{
    *to = *from;
    snapshot_copy(&to->snapshot, &from->snapshot);
    to->exported = mem_string(from->exported);
    to->text = mem_string(from->text);
}

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
        if ((*task)->base) {
            base_clear((*task)->base);
            free((*task)->base);
        }
    }
    free(*task);
    *task = NULL;
}
