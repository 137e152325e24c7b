/* The answers to a chunk's statements, to batches of rows. */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "order.h"
#include "row/tuple.h"

enum {
    QUERY_US = 2000 * 1000, /* long enough for a snapshot that the server must keep rows for */
};

void reader_init(struct reader *r, const struct backfill *backfill, struct pool *pool,
                 struct ring *ring)
{
    *r = (struct reader){.backfill = backfill, .pool = pool, .ring = ring};
    arena_init(&r->aside, WIRE_PIECE);
}

void reader_free(struct reader *r)
{
    key_free(&r->end);
    table_free(&r->table);
    pg_close(&r->pg);
    arena_free(&r->aside);
}

static bool stopped(struct err *err)
{
    return err_set(err, ERR_STOPPED, "stopped");
}

/* A batch for the chunk: there is room, as worker.c sees to; with one oversized row after another
 * it may take a wait. */
static bool take_batch(struct reader *r, const struct backfill_task *task, struct err *err)
{
    while (!r->batch) {
        r->batch = pool_take(r->pool, BATCH_ROWS, r->backfill->run, INT64_MAX);
        if (!r->batch && run_stopping(r->backfill->run)) {
            return stopped(err);
        }
    }
    r->batch->stream = task->stream;
    r->batch->range = task->range;
    r->batch->life = task->life;
    return true;
}

static void send_batch(struct reader *r, enum chunk_step step)
{
    r->batch->step = step;
    wire_leave(r->pg);
    ring_push(r->ring, (void **)&r->batch);
}

bool reader_open(struct reader *r, const struct backfill_task *task, struct err *err)
{
    if (!take_batch(r, task, err)) {
        return false;
    }
    key_free(&r->end);
    r->opened = true;
    send_batch(r, CHUNK_OPEN);
    return true;
}

void reader_abort(struct reader *r, const struct backfill_task *task)
{
    struct err ignored;
    if (r->opened && take_batch(r, task, &ignored)) {
        r->batch->row_count = 0;
        r->opened = false;
        send_batch(r, CHUNK_ABORT);
    }
}

bool reader_close(struct reader *r, const struct backfill_task *task, struct chunk_close *close,
                  struct err *err)
{
    if (!take_batch(r, task, err)) {
        key_free(&close->end);
        return false;
    }
    r->batch->close = *close;
    r->opened = false;
    send_batch(r, CHUNK_CLOSE);
    return true;
}

bool reader_return(struct reader *r, const struct backfill_task *task, const struct key *after,
                   const char *why, struct err *err)
{
    if (!take_batch(r, task, err)) {
        return false;
    }
    r->batch->row_count = 0;
    r->batch->close = (struct chunk_close){.end = key_copy(after), .why = mem_string(why)};
    send_batch(r, CHUNK_RETURN);
    return true;
}

void reader_chunk_statements(struct reader *r, struct out *request,
                             const struct backfill_task *task, const struct key *after)
{
    size_t target = reader_chunk_batches(r) * BATCH_BYTES * 3 / 4;
    r->asked = table_chunk_rows(&r->table, r->backfill->config->backfill_chunk_size, target);
    r->after = after;
    r->asked_us = clock_monotonic_us();
    table_chunk_statements(request, &r->table, task, after, r->asked,
                           r->backfill->config->min_backfill_xid);
}

/* Half of what the user allows: the next query may be slower. */
static int64_t query_limit_us(const struct reader *r)
{
    int64_t half_us = (int64_t)r->backfill->config->statement_timeout_ms * 500;
    return half_us && half_us < QUERY_US ? half_us : QUERY_US;
}

void reader_ask_for_less(struct reader *r, bool possible)
{
    r->too_much = possible;
    r->table.rows_most = r->asked / 4 + 1;
}

static bool send_snapshot(struct reader *r, const struct backfill_task *task, struct chunk **chunk,
                          struct err *err)
{
    if (!take_batch(r, task, err)) {
        chunk_free(chunk);
        return false;
    }
    r->batch->chunk = *chunk;
    crash_point("chunk-begun");
    send_batch(r, CHUNK_SNAPSHOT);
    return true;
}

/* The facts come first, and with them the snapshot that the rows are read in. */
static bool read_snapshot(struct reader *r, const struct backfill_task *task, struct rows *rows,
                          struct err *err)
{
    char *text;
    struct chunk *chunk = chunk_new(task->stream, task->range, r->table.relation);
    bool ok = reader_facts(r, &text, &rows->pages, err) &&
              ((text && snapshot_parse(&chunk->snapshot, text)) ||
               err_set(err, ERR_SYSTEM, "the server's snapshot cannot be read"));
    free(text);
    if (!ok) {
        chunk_free(&chunk);
    }
    return ok && send_snapshot(r, task, &chunk, err);
}

/* SET TRANSACTION SNAPSHOT: the rows are read in the base snapshot. */
static bool import_snapshot(struct reader *r, const struct backfill_task *task, struct err *err)
{
    if (!reader_expect_done(r, 1, err)) {
        return false;
    }
    struct chunk *chunk = chunk_new(task->stream, task->range, r->table.relation);
    snapshot_copy(&chunk->snapshot, &task->base->snapshot);
    return send_snapshot(r, task, &chunk, err);
}

static bool take_row(struct reader *r, struct rows *rows, const struct message *message,
                     struct err *err)
{
    struct bytes in = bytes_of(message->body, message->len);
    const uint8_t *tuple = tuple_check_row(&in, r->table.relation->column_count);
    if (!tuple || bytes_left(&in)) {
        return err_set(err, ERR_SYSTEM, "the server sent a row that cannot be read (%zu bytes)",
                       message->len);
    }
    batch_row(r->batch, tuple);
    rows->count++;
    rows->bytes += message->len;
    return true;
}

static bool next_batch(struct reader *r, const struct backfill_task *task, struct rows *rows,
                       struct err *err)
{
    if (!r->table.order->note_end(r, err)) {
        return false;
    }
    send_batch(r, CHUNK_ROWS);
    rows->batches++;
    return !run_stopping(r->backfill->run) ? take_batch(r, task, err) : stopped(err);
}

/* Rows after the chunk was cut: they are read again with the next. The query ends with the
 * cancellation, unless it was quicker; then what comes behind it goes by, too. */
bool reader_skip_rows(struct reader *r, struct err *err)
{
    struct message message = {.type = WIRE_ROW};
    pg_cancel(r->pg);
    while (message.type != WIRE_READY) {
        if (!reader_answer(r, &message, err)) {
            return false;
        }
        if (message.type == WIRE_ERROR) {
            reader_failed(r, &message, err);
            return r->cancelled && pg_alive(r->pg);
        }
    }
    return true;
}

/* Fewer rows may be had in the time that there is. */
static bool query_failed(struct reader *r, const struct message *message, struct err *err)
{
    reader_failed(r, message, err);
    if (r->cancelled) {
        reader_ask_for_less(r, r->asked > 1);
    } else {
        struct err ignored, where = {0};
        const struct relation *relation = r->table.relation;
        r->table.order->note_end(r, &ignored);
        err_suffix(&where, "reading table %s.%s", relation->schema, relation->name);
        r->table.order->name_row(r, &where);
        err_prefix(err, "%s: ", where.message);
    }
    return false;
}

enum taken { TAKEN_NOTHING, TAKEN_ROWS, TAKEN_END, TAKEN_FAILED };

/* All that is here. */
static enum taken take_rows(struct reader *r, struct rows *rows, struct err *err)
{
    struct message message;
    enum taken taken = TAKEN_NOTHING;
    while (wire_next(r->pg, &message)) {
        if (message.type == WIRE_DONE) {
            return TAKEN_END;
        }
        if (message.type != WIRE_ROW ? !query_failed(r, &message, err)
                                     : !take_row(r, rows, &message, err)) {
            return TAKEN_FAILED;
        }
        taken = TAKEN_ROWS;
    }
    return taken;
}

/* The batch is full: on with the next one, if there is room for it. */
static bool go_on(struct reader *r, const struct backfill_task *task, struct rows *rows,
                  struct err *err)
{
    if (rows->batches + 1 < r->table.order->batches_most(r)) {
        return next_batch(r, task, rows, err);
    }
    return r->table.order->cut(r, rows, err);
}

/* Up to the end of the query or the cut. A batch is given away between two rows only: what is here
 * of a row would have to be copied. */
static bool read_rows(struct reader *r, const struct backfill_task *task, struct rows *rows,
                      struct err *err)
{
    if (!take_batch(r, task, err)) {
        return false;
    }
    wire_leave(r->pg);
    while (!rows->cut && reader_take_more(r, r->table.order->bytes_left(r, rows), err)) {
        enum taken taken = take_rows(r, rows, err);
        if (taken == TAKEN_END) {
            return r->table.order->note_end(r, err);
        }
        if (taken == TAKEN_FAILED || (taken == TAKEN_ROWS && batch_bytes(r->batch) >= BATCH_BYTES &&
                                      !go_on(r, task, rows, err))) {
            return false;
        }
    }
    return rows->cut;
}

static void learn_width(struct reader *r, const struct rows *rows)
{
    if (rows->count) {
        r->table.row_bytes = (double)rows->bytes / (double)rows->count + sizeof(void *);
    }
}

/* COMMIT; and in ctid order what has become of the table by now. */
static bool expect_end(struct reader *r, const struct backfill_task *task, struct rows *rows,
                       struct err *err)
{
    char *snapshot = NULL;
    if (rows->cut) {
        return true;
    }
    bool ok = reader_expect_done(r, 1, err) &&
              (!task_imports(task) || reader_facts(r, &snapshot, &rows->pages, err)) &&
              reader_expect_ready(r, err);
    free(snapshot);
    return ok;
}

bool reader_chunk(struct reader *r, const struct backfill_task *task, struct chunk_close *close,
                  struct err *err)
{
    struct rows rows = {0};
    if (!reader_expect_done(r, 2, err) ||
        !(task_imports(task) ? import_snapshot(r, task, err)
                             : read_snapshot(r, task, &rows, err)) ||
        !read_rows(r, task, &rows, err) || !expect_end(r, task, &rows, err)) {
        return false;
    }
    r->table.prepared = r->table.order;
    learn_width(r, &rows);
    table_learn_time(&r->table, r->asked, clock_monotonic_us() - r->asked_us, query_limit_us(r));
    return r->table.order->close(r, &rows, close, err);
}
