/* From the answers to a chunk's statements to batches of rows. */
#include "chunk_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "order.h"
#include "row/tuple.h"
#include "runtime/throttle.h"

enum {
    QUERY_US = 2000 * 1000, /* long enough for a snapshot that the server must keep rows for */
};

void chunk_reader_init(struct chunk_reader *r, const struct backfill *backfill, struct pool *pool,
                       struct ring *ring)
{
    *r = (struct chunk_reader){.backfill = backfill, .pool = pool, .ring = ring};
    arena_init(&r->aside, WIRE_PIECE);
}

void chunk_reader_free(struct chunk_reader *r)
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

/* worker.c has waited for room in the pool; but after several oversized rows this may wait, too. */
bool chunk_reader_take_batch(struct chunk_reader *r, const struct backfill_task *task,
                             struct err *err)
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

void chunk_reader_send(struct chunk_reader *r, enum chunk_step step)
{
    r->batch->step = step;
    wire_leave(r->pg);
    ring_push(r->ring, (void **)&r->batch);
}

bool chunk_reader_open(struct chunk_reader *r, const struct backfill_task *task, struct err *err)
{
    if (!chunk_reader_take_batch(r, task, err)) {
        return false;
    }
    r->ask->opened = true;
    chunk_reader_send(r, CHUNK_OPEN);
    return true;
}

void chunk_reader_abort(struct chunk_reader *r, const struct backfill_task *task)
{
    struct err ignored;
    if (r->ask->opened && chunk_reader_take_batch(r, task, &ignored)) {
        r->batch->row_count = 0;
        r->ask->opened = false;
        chunk_reader_send(r, CHUNK_ABORT);
    }
}

bool chunk_reader_close(struct chunk_reader *r, const struct backfill_task *task,
                        struct chunk_close *close, struct err *err)
{
    if (!chunk_reader_take_batch(r, task, err)) {
        key_free(&close->end);
        return false;
    }
    r->batch->close = *close;
    r->ask->opened = false;
    chunk_reader_send(r, CHUNK_CLOSE);
    return true;
}

bool chunk_reader_return(struct chunk_reader *r, const struct backfill_task *task,
                         const struct key *after, const char *why, struct err *err)
{
    if (!chunk_reader_take_batch(r, task, err)) {
        return false;
    }
    r->batch->row_count = 0;
    r->batch->close = (struct chunk_close){.end = key_copy(after),
                                           .why = mem_string(why),
                                           .base_gone = r->failure == OUTCOME_BASE_GONE};
    chunk_reader_send(r, CHUNK_RETURN);
    return true;
}

void chunk_reader_turn_to(struct chunk_reader *r, const struct backfill_task *task)
{
    table_take(&r->table, r->pg, r->backfill->config, task->table);
    r->table.filter = r->backfill->catalog->streams[task->stream].backfill_filter;
}

void chunk_reader_statements(struct chunk_reader *r, struct out *request,
                             const struct backfill_task *task, const struct key *after)
{
    size_t room = chunk_reader_batches(r) * BATCH_BYTES * 3 / 4;
    uint64_t piece = throttle_piece(r->backfill->throttle);
    size_t target = piece < room ? (size_t)piece : room;
    r->ask->rows = table_chunk_rows(&r->table, r->backfill->config->backfill_chunk_size, target);
    r->ask->after = after;
    r->ask->us = clock_monotonic_us();
    r->ask->batches = chunk_reader_batches(r);
    table_chunk_statements(request, &r->table, task, after, r->ask->rows,
                           r->backfill->config->min_backfill_xid);
}

/* Half of what the user allows: the next query may be slower. */
static int64_t query_limit_us(const struct chunk_reader *r)
{
    int64_t half_us = (int64_t)r->backfill->config->statement_timeout_ms * 500;
    return half_us && half_us < QUERY_US ? half_us : QUERY_US;
}

void chunk_reader_ask_for_less(struct chunk_reader *r, bool possible)
{
    r->failure = possible ? OUTCOME_TOO_LARGE : OUTCOME_FAILED;
    r->table.rows_most = r->ask->rows / 4 + 1;
}

static bool send_snapshot(struct chunk_reader *r, const struct backfill_task *task,
                          struct chunk **chunk, struct err *err)
{
    if (!chunk_reader_take_batch(r, task, err)) {
        chunk_free(chunk);
        return false;
    }
    r->batch->chunk = *chunk;
    crash_point("chunk-begun");
    chunk_reader_send(r, CHUNK_SNAPSHOT);
    return true;
}

static bool base_gone(struct chunk_reader *r, const char *why, struct err *err)
{
    chunk_reader_drain(r);
    r->failure = OUTCOME_BASE_GONE;
    return err_set(err, ERR_TRANSIENT, "%s", why);
}

/* Once transaction ids are reused, they no longer show which rows the base snapshot saw. */
static bool ids_tell(struct chunk_reader *r, const struct backfill_task *task,
                     const struct snapshot *snapshot, struct err *err)
{
    return !task->base || snapshot->xmax <= UINT32_MAX ||
           base_gone(r, "the server's transaction ids are used a second time", err);
}

/* The facts come first, and with them the snapshot that the rows are read in. */
static bool read_snapshot(struct chunk_reader *r, const struct backfill_task *task,
                          struct rows *rows, struct err *err)
{
    struct chunk *chunk = chunk_new(task->stream, task->range, r->table.relation);
    bool ok = chunk_reader_facts(r, &chunk->snapshot, rows, err) &&
              ids_tell(r, task, &chunk->snapshot, err);
    if (!ok) {
        chunk_free(&chunk);
    }
    return ok && send_snapshot(r, task, &chunk, err);
}

/* Whether it is the base snapshot: after a restart of the server another may have its name. */
static bool is_base(struct chunk_reader *r, const struct backfill_task *task, struct err *err)
{
    struct message row;
    if (!chunk_reader_expect(r, WIRE_ROW, &row, err)) {
        return false;
    }
    struct bytes in = bytes_of(row.body, row.len);
    const uint8_t *tuple = tuple_check_row(&in, 1);
    struct value value = {0};
    if (tuple) {
        tuple_row_next(tuple_first(tuple), &value);
    }
    if (value.data && value.len == strlen(task->base->text) &&
        !memcmp(value.data, task->base->text, value.len)) {
        return chunk_reader_expect_done(r, 1, err);
    }
    return base_gone(r, "another snapshot has the name of the one that was held", err);
}

/* SET TRANSACTION SNAPSHOT: the rows are read in the base snapshot, unless it no longer exists. */
static bool import_snapshot(struct chunk_reader *r, const struct backfill_task *task,
                            struct err *err)
{
    if (!chunk_reader_expect_done(r, 1, err)) {
        r->failure = r->failure == OUTCOME_CHANGED ? OUTCOME_BASE_GONE : r->failure;
        return false;
    }
    if (!is_base(r, task, err)) {
        return false;
    }
    struct chunk *chunk = chunk_new(task->stream, task->range, r->table.relation);
    snapshot_copy(&chunk->snapshot, &task->base->snapshot);
    return send_snapshot(r, task, &chunk, err);
}

bool chunk_reader_take_row(struct chunk_reader *r, const struct relation *relation,
                           struct rows *rows, const struct message *message, struct err *err)
{
    struct bytes in = bytes_of(message->body, message->len);
    const uint8_t *tuple = tuple_check_row(&in, relation->column_count);
    if (!tuple || bytes_left(&in)) {
        return err_set(err, ERR_SYSTEM, "the server sent a row that cannot be read (%zu bytes)",
                       message->len);
    }
    batch_row(r->batch, tuple);
    rows->count++;
    rows->bytes += message->len;
    return true;
}

static bool next_batch(struct chunk_reader *r, const struct backfill_task *task, struct rows *rows,
                       struct err *err)
{
    if (!r->table.order->note_end(r, err)) {
        return false;
    }
    chunk_reader_send(r, CHUNK_ROWS);
    rows->batches++;
    return !run_stopping(r->backfill->run) ? chunk_reader_take_batch(r, task, err) : stopped(err);
}

static bool was_cancelled(const struct err *err)
{
    return !strcmp(err->sqlstate, "57014");
}

/* The query ends with the error of a cancel, unless it ended first: then the answers after it are
 * skipped, too. */
bool chunk_reader_skip_rows(struct chunk_reader *r, struct err *err)
{
    struct message message = {.type = WIRE_ROW};
    pg_cancel(r->pg);
    while (message.type != WIRE_READY) {
        if (!chunk_reader_answer(r, &message, err)) {
            return false;
        }
        if (message.type == WIRE_ERROR) {
            chunk_reader_failed(r, &message, err);
            return was_cancelled(err) && pg_alive(r->pg);
        }
    }
    return true;
}

/* After a query that took too long, the next one may ask for fewer rows. */
static bool query_failed(struct chunk_reader *r, const struct message *message, struct err *err)
{
    chunk_reader_failed(r, message, err);
    if (was_cancelled(err)) {
        chunk_reader_ask_for_less(r, r->ask->rows > 1);
    } else {
        struct err ignored, where = {0};
        const struct relation *relation = r->table.relation;
        r->table.order->note_end(r, &ignored);
        err_suffix(&where, "reading table %s", stream_label(relation->schema, relation->name).s);
        r->table.order->name_row(r, &where);
        err_prefix(err, "%s: ", where.message);
    }
    return false;
}

enum taken { TAKEN_NOTHING, TAKEN_ROWS, TAKEN_END, TAKEN_FAILED };

/* All rows that have come. */
static enum taken take_rows(struct chunk_reader *r, struct rows *rows, struct err *err)
{
    struct message message;
    enum taken taken = TAKEN_NOTHING;
    while (wire_next(r->pg, &message)) {
        if (message.type == WIRE_DONE) {
            return TAKEN_END;
        }
        if (message.type != WIRE_ROW
                ? !query_failed(r, &message, err)
                : !chunk_reader_take_row(r, r->table.relation, rows, &message, err)) {
            return TAKEN_FAILED;
        }
        taken = TAKEN_ROWS;
    }
    return taken;
}

/* The batch is full: continue with the next one, if there is room for it. */
static bool go_on(struct chunk_reader *r, const struct backfill_task *task, struct rows *rows,
                  struct err *err)
{
    if (rows->batches + 1 < r->table.order->batches_most(r)) {
        return next_batch(r, task, rows, err);
    }
    return r->table.order->cut(r, rows, err);
}

/* Read rows up to the end of the query or the cut. A batch is sent only between two rows: otherwise
 * the part of a row that has come would have to be copied. */
static bool read_rows(struct chunk_reader *r, const struct backfill_task *task, struct rows *rows,
                      struct err *err)
{
    if (!chunk_reader_take_batch(r, task, err)) {
        return false;
    }
    wire_leave(r->pg);
    while (!rows->cut && chunk_reader_take_more(r, r->table.order->bytes_left(r, rows), err)) {
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

static void learn_width(struct chunk_reader *r, const struct rows *rows)
{
    if (rows->count) {
        r->table.row_bytes = (double)rows->bytes / (double)rows->count + sizeof(void *);
    }
}

/* Check in a newer snapshot whether the table has changed since the imported one. */
static bool read_facts_after(struct chunk_reader *r, struct rows *rows, struct err *err)
{
    struct snapshot snapshot = {0};
    bool ok = chunk_reader_expect_done(r, 2, err) && chunk_reader_facts(r, &snapshot, rows, err) &&
              chunk_reader_expect_done(r, 1, err);
    snapshot_free(&snapshot);
    return ok;
}

static bool expect_end(struct chunk_reader *r, const struct backfill_task *task, struct rows *rows,
                       struct err *err)
{
    return rows->cut || (chunk_reader_expect_done(r, 1, err) &&
                         (!task_imports(task) || read_facts_after(r, rows, err)) &&
                         chunk_reader_expect_ready(r, err));
}

static bool read_answers(struct chunk_reader *r, const struct backfill_task *task,
                         struct rows *rows, struct err *err)
{
    return chunk_reader_expect_done(r, 2, err) &&
           (task_imports(task) ? import_snapshot(r, task, err)
                               : read_snapshot(r, task, rows, err)) &&
           read_rows(r, task, rows, err) && expect_end(r, task, rows, err);
}

enum outcome chunk_reader_read(struct chunk_reader *r, const struct backfill_task *task,
                               struct chunk_close *close, struct err *err)
{
    struct rows rows = {0};
    key_free(&r->end);
    if (!read_answers(r, task, &rows, err)) {
        return r->failure;
    }
    r->table.prepared = r->table.order;
    r->rows = rows.count;
    r->bytes = rows.bytes;
    learn_width(r, &rows);
    table_learn_time(&r->table, r->ask->rows, clock_monotonic_us() - r->ask->us, query_limit_us(r));
    close->seen_lsn = r->backfill->config->read_only_capture ? rows.seen_lsn : 0;
    if (!r->table.order->close(r, &rows, close, err)) {
        return r->failure;
    }
    return close->last ? OUTCOME_END : OUTCOME_ROWS;
}
