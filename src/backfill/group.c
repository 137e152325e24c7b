/* Reading small tables together. */
#include "group.h"

#include <stdlib.h>

#include "base/crash.h"
#include "base/mem.h"
#include "order.h"
#include "row/chunk.h"
#include "runtime/counter.h"
#include "runtime/queue.h"
#include "runtime/throttle.h"

enum {
    SMALL_BYTES = 128 * 1024,           /* of a table */
    GROUP_BYTES = BATCH_BYTES * 3 / 4,  /* of all of them */
    GROUP_BYTES_MOST = BATCH_BYTES * 2, /* should they have grown since they were described */
    ROW_BYTES_LEAST = 28, /* of a table with its rows: a header, and a pointer to it */
};

/* All of its rows fit in a chunk, however short they are. */
static bool is_small(const struct backfill *b, const struct backfill_task *task)
{
    const struct table_description *d = task->table;
    return d->kind == 'r' && chunk_order_of(d)->may_group && d->all_bytes <= SMALL_BYTES &&
           d->bytes / ROW_BYTES_LEAST < b->config->backfill_chunk_size;
}

struct fitting {
    const struct backfill *backfill;
    const struct group *group;
};

static bool fits(const void *item, const void *context)
{
    const struct backfill_task *task = item;
    const struct fitting *f = context;
    uint64_t piece = throttle_piece(f->backfill->throttle);
    uint64_t most = piece < GROUP_BYTES ? piece : GROUP_BYTES;
    return is_small(f->backfill, task) && f->group->count < GROUP_MOST &&
           f->group->bytes + (uint64_t)task->table->all_bytes <= most;
}

static void add(struct group *g, struct backfill_task *task)
{
    g->members[g->count++] = (struct group_member){.task = task};
    g->bytes += (size_t)task->table->all_bytes;
}

bool group_gather(struct group *g, const struct backfill *b, struct backfill_task **task)
{
    *g = (struct group){0};
    struct fitting fitting = {b, g};
    if (!fits(*task, &fitting)) {
        return false;
    }
    add(g, *task);
    for (struct backfill_task *more; (more = queue_take_if(b->tasks, fits, &fitting));) {
        add(g, more);
    }
    if (g->count == 1) {
        return false;
    }
    *task = NULL;
    return true;
}

/* Whether it waits for another session of replication. */
static bool is_to_renew(const struct pg *pg, const struct backfill_task *task,
                        const struct renewal *renewal)
{
    return pg_forgets_published(pg) &&
           (!task->renew_lsn || shared_load(&renewal->begun) < task->renew_lsn);
}

/* Whether one of these members has to wait: a transaction that may have begun before the capture
 * writes to it, or its changes need another session of replication. */
static bool have_to_wait(struct pg *pg, const struct renewal *renewal,
                         const struct group_member *members, int count, bool *wait, struct err *err)
{
    const struct relation *tables[GROUP_MOST];
    int fences = 0;
    bool unwritten = true, renews = false;
    for (int i = 0; i < count; i++) {
        if (backfill_task_is_fenced(members[i].task)) {
            tables[fences++] = members[i].task->table->relation;
            renews |= is_to_renew(pg, members[i].task, renewal);
        }
    }
    bool ok = !fences || backfill_unwritten(pg, tables, fences, &unwritten, err);
    *wait = !unwritten || renews;
    return ok;
}

bool group_set_aside(struct group *g, const struct backfill *b, struct pg *pg,
                     const struct backfill_task **fence, struct err *err)
{
    bool wait, ok = have_to_wait(pg, b->renewal, g->members, g->count, &wait, err);
    *fence = NULL;
    for (int i = g->count - 1; ok && wait && i >= 0 && !*fence; i--) {
        struct backfill_task *task = g->members[i].task;
        bool this_one;
        ok = have_to_wait(pg, b->renewal, &g->members[i], 1, &this_one, err);
        if (this_one && (g->count == 1 || pg_in_recovery(pg))) {
            *fence = task;
        } else if (this_one) {
            queue_put(b->tasks, task, b->catalog->streams[task->stream].priority);
            g->members[i] = g->members[--g->count];
        }
    }
    return ok;
}

/*
 * While we wait for the lock of one table, we hold those of others, for which other sessions may
 * wait. So we wait for less than deadlock_timeout: the server must not find a deadlock and end the
 * other transaction.
 */
static void lock_statements(struct out *request, const struct group *g)
{
    struct out sql;
    out_init(&sql, 1024);
    for (int i = 0; i < g->count; i++) {
        out_string(&sql, i ? ",ONLY " : "LOCK TABLE ONLY ");
        table_name_sql(&sql, g->members[i].task->table);
    }
    out_string(&sql, " IN ACCESS SHARE MODE");
    wire_statement(request, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL);
    wire_statement(request, "SET LOCAL lock_timeout='50ms'", NULL);
    wire_statement(request, out_text(&sql), NULL);
    out_free(&sql);
}

static void facts_statement(struct out *request, const struct group *g, const struct table *table)
{
    const struct backfill_task *tasks[GROUP_MOST];
    for (int i = 0; i < g->count; i++) {
        tasks[i] = g->members[i].task;
    }
    table_facts_statement(request, table, tasks, g->count);
}

void group_statements(struct group *g, struct chunk_reader *r, struct out *request)
{
    const struct config *config = r->backfill->config;
    lock_statements(request, g);
    for (int i = 0; i < g->count; i++) {
        struct group_member *m = &g->members[i];
        chunk_reader_turn_to(r, m->task);
        m->relation = r->table.relation;
        m->asked = config->backfill_chunk_size;
        if (!i) {
            facts_statement(request, g, &r->table);
        }
        table_rows_statement(request, &r->table, m->task, m->task->after, m->asked,
                             config->min_backfill_xid);
    }
    wire_statement(request, "COMMIT", NULL);
}

static struct batch *add_rider(struct chunk_reader *r, const struct group_member *m,
                               enum chunk_step step)
{
    struct batch *rider = batch_rider(r->batch);
    rider->stream = m->task->stream;
    rider->range = m->task->range;
    rider->life = m->task->life;
    rider->step = step;
    return rider;
}

/* The last one first: each rider is put before the ones there, so they end in the order of the
 * tables. */
bool group_open(struct group *g, struct chunk_reader *r, struct err *err)
{
    if (!chunk_reader_take_batch(r, g->members[0].task, err)) {
        return false;
    }
    for (int i = g->count; i-- > 0;) {
        add_rider(r, &g->members[i], CHUNK_OPEN);
    }
    chunk_reader_send(r, CHUNK_RIDERS);
    return true;
}

/* All tables are read in one snapshot: take it from the first row whose table is as described. */
static bool read_facts(struct group *g, struct chunk_reader *r, struct err *err)
{
    struct rows sight = {0};
    struct message row;
    bool seen = false;
    for (int i = 0; i < g->count; i++) {
        struct group_member *m = &g->members[i];
        if (!chunk_reader_expect(r, WIRE_ROW, &row, err)) {
            return false;
        }
        r->failure = OUTCOME_FAILED;
        if (chunk_reader_facts_row(r, m->task->table, &row, seen ? NULL : &g->snapshot, &sight,
                                   err)) {
            seen = true;
        } else if (r->failure == OUTCOME_CHANGED) {
            m->outcome = OUTCOME_CHANGED;
        } else {
            chunk_reader_drain(r);
            return false;
        }
    }
    g->seen_lsn = sight.seen_lsn;
    return chunk_reader_expect_done(r, 1, err);
}

/* Take all rows of its query that have come. *end: the query has ended. */
static bool take_rows(struct group_member *m, struct chunk_reader *r, struct rows *rows, bool *end,
                      struct err *err)
{
    struct message message;
    while (!*end && wire_next(r->pg, &message)) {
        *end = message.type == WIRE_DONE;
        if (message.type == WIRE_ROW ? !chunk_reader_take_row(r, m->relation, rows, &message, err)
                                     : !*end && !chunk_reader_failed(r, &message, err)) {
            return false;
        }
    }
    return true;
}

/* `left`: bytes that are still to come of all tables, at most. */
static bool read_rows(struct group_member *m, struct chunk_reader *r, size_t left, struct err *err)
{
    struct rows rows = {0};
    struct err ignored;
    bool end = false;
    m->first = r->batch->row_count;
    while (take_rows(m, r, &rows, &end, err) && !end) {
        if (batch_bytes(r->batch) > GROUP_BYTES_MOST) {
            chunk_reader_skip_rows(r, &ignored);
            return err_set(err, ERR_TRANSIENT, "tables have grown since they were described");
        }
        if (!chunk_reader_take_more(r, (double)left, err)) {
            return false;
        }
    }
    m->count = rows.count;
    if (end && m->outcome == OUTCOME_NOT_ASKED) {
        m->outcome = rows.count < (uint64_t)m->asked ? OUTCOME_END : OUTCOME_ROWS;
    }
    r->bytes += rows.bytes;
    return end;
}

bool group_read(struct group *g, struct chunk_reader *r, struct err *err)
{
    r->bytes = 0;
    if (!chunk_reader_expect_done(r, 3, err) || !read_facts(g, r, err) ||
        !chunk_reader_take_batch(r, g->members[0].task, err)) {
        return false;
    }
    crash_point("chunk-begun");
    r->table.prepared = r->table.order;
    wire_leave(r->pg);
    for (int i = 0; i < g->count; i++) {
        size_t left = g->bytes > r->bytes ? g->bytes - (size_t)r->bytes : 0;
        if (!read_rows(&g->members[i], r, left, err)) {
            return false;
        }
    }
    return chunk_reader_expect_done(r, 1, err) && chunk_reader_expect_ready(r, err);
}

bool group_has_chunks(const struct group *g)
{
    bool some = false;
    for (int i = 0; i < g->count; i++) {
        some |= g->members[i].outcome == OUTCOME_END;
    }
    return some;
}

static void add_whole(const struct group *g, struct chunk_reader *r, const struct group_member *m,
                      const struct chunk_close *close)
{
    struct batch *rider = add_rider(r, m, CHUNK_WHOLE);
    rider->chunk = chunk_new(m->task->stream, m->task->range, m->relation);
    snapshot_copy(&rider->chunk->snapshot, &g->snapshot);
    rider->close = *close;
    rider->close.last = true;
    rider->close.seen_lsn = r->backfill->config->read_only_capture ? g->seen_lsn : 0;
    batch_rider_rows(rider, m->first, m->count);
}

bool group_close(struct group *g, struct chunk_reader *r, const struct chunk_close *close,
                 struct err *err)
{
    if (!chunk_reader_take_batch(r, g->members[0].task, err)) {
        return false;
    }
    for (int i = g->count; i-- > 0;) {
        if (g->members[i].outcome == OUTCOME_END) {
            add_whole(g, r, &g->members[i], close);
        } else {
            add_rider(r, &g->members[i], CHUNK_ABORT);
        }
    }
    chunk_reader_send(r, CHUNK_RIDERS);
    return true;
}

void group_clear(struct group *g)
{
    for (int i = 0; i < g->count; i++) {
        backfill_task_free(&g->members[i].task);
    }
    snapshot_free(&g->snapshot);
    g->count = 0;
}
