/*
 * COPY BINARY to rows. The stream begins with a header (signature of 11 bytes, Int32 flags, Int32
 * length of an extension), has a message a row, and ends with Int16 -1.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "row/tuple.h"

enum {
    ADOPT_BYTES = 32 * 1024, /* larger messages are kept where libpq put them */
    QUERY_US = 2000 * 1000,  /* long enough for a snapshot that the server must keep rows for */
    TRAILER = 0xffff,
};

void reader_init(struct reader *r, const struct backfill *backfill, struct pool *pool,
                 struct ring *ring)
{
    *r = (struct reader){.backfill = backfill, .pool = pool, .ring = ring};
}

void reader_free(struct reader *r)
{
    key_free(&r->end);
    table_free(&r->table);
    pg_close(&r->pg);
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
    return true;
}

static void send_batch(struct reader *r, enum chunk_step step)
{
    r->batch->step = step;
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

void reader_chunk_sql(struct reader *r, struct out *sql, const struct backfill_task *task,
                      const struct key *after)
{
    size_t target = reader_chunk_batches(r) * BATCH_BYTES * 3 / 4;
    r->asked = table_chunk_rows(&r->table, r->backfill->config->backfill_chunk_size, target);
    r->after = after;
    r->asked_us = clock_monotonic_us();
    table_chunk_sql(sql, &r->table, task, after, r->asked, r->backfill->config->min_backfill_xid);
}

/* Rows after the chunk was cut: they are read again with the next. */
static bool skip_rows(struct reader *r, struct err *err)
{
    char *data;
    int len;
    pg_cancel(r->pg);
    while ((len = pg_copy_next(r->pg, &data, err)) > 0) {
        pg_free_data(data);
    }
    return len == 0;
}

/* Leave no transaction behind that failed half-way. */
static void drain(struct reader *r)
{
    struct err ignored = {0};
    enum pg_step step = PG_OK;
    while (pg_alive(r->pg) && step != PG_DONE && ignored.kind != ERR_STOPPED) {
        step = pg_next(r->pg, &ignored);
        if (step == PG_COPY) {
            skip_rows(r, &ignored);
        }
    }
    if (pg_alive(r->pg)) {
        pg_exec(r->pg, "ROLLBACK", &ignored);
    }
}

static bool missing_shape(const char *sqlstate)
{
    return !strcmp(sqlstate, "42703") || !strcmp(sqlstate, "42P01") || !strcmp(sqlstate, "42704") ||
           !strcmp(sqlstate, "42883") || !strcmp(sqlstate, "42846");
}

/* Half of what the user allows: the next query may be slower. */
static int64_t query_limit_us(const struct reader *r)
{
    int64_t half_us = (int64_t)r->backfill->config->statement_timeout_ms * 500;
    return half_us && half_us < QUERY_US ? half_us : QUERY_US;
}

static bool is_cancelled(const struct reader *r)
{
    return !strcmp(pg_sqlstate(r->pg), "57014");
}

static void ask_for_less(struct reader *r, bool possible)
{
    r->too_much = possible;
    r->table.rows_most = r->asked / 4 + 1;
}

bool reader_expect(struct reader *r, enum pg_step expected, struct err *err)
{
    enum pg_step step = pg_next(r->pg, err);
    if (step == expected) {
        return true;
    }
    if (step != PG_FAILED) {
        return err_set(err, ERR_SYSTEM,
                       "the server's answers to a chunk's statements do not match them");
    }
    r->shape_changed = missing_shape(pg_sqlstate(r->pg));
    if (err->kind != ERR_STOPPED) {
        drain(r);
    }
    return false;
}

/* By place a range goes on at a page, and its rows are there only until they are moved. */
static bool check_place(struct reader *r, const struct backfill_task *task, const char *storage,
                        struct err *err)
{
    const struct relation *relation = r->table.relation;
    if (!r->table.description->by_place || !task->storage ||
        (storage && !strcmp(storage, task->storage))) {
        return true;
    }
    r->rewritten = true;
    return err_set(err, ERR_TRANSIENT,
                   "table %s.%s was rewritten during its backfill (by VACUUM FULL, CLUSTER, "
                   "TRUNCATE or ALTER TABLE), and it has no key by which to go on: run the capture "
                   "again, and it reads the table from the beginning",
                   relation->schema, relation->name);
}

/* The snapshot's row: {snapshot, shape, pages, storage}. */
static bool read_snapshot(struct reader *r, const struct backfill_task *task, uint64_t *pages,
                          struct err *err)
{
    if (!reader_expect(r, PG_ROWS, err)) {
        return false;
    }
    struct pg_rows *rows = pg_take_rows(r->pg);
    const char *shape = pg_rows_value(rows, 0, 1), *described = r->table.description->shape;
    struct chunk *chunk = chunk_new(task->stream, task->range, r->table.relation);
    bool ok = snapshot_parse(&chunk->snapshot, pg_rows_value(rows, 0, 0)) ||
              err_set(err, ERR_SYSTEM, "the server's snapshot cannot be read: %s",
                      pg_rows_value(rows, 0, 0));
    *pages = strtoull(pg_rows_value(rows, 0, 2), NULL, 10);
    if (ok && (!shape || !described || strcmp(shape, described) != 0)) {
        r->shape_changed = true;
        ok = err_set(err, ERR_TRANSIENT,
                     "the table's columns, or what is published of it, were changed");
        drain(r);
    }
    if (ok && !check_place(r, task, pg_rows_value(rows, 0, 3), err)) {
        ok = false;
        drain(r);
    }
    pg_rows_free(&rows);
    if (!ok || !take_batch(r, task, err)) {
        chunk_free(&chunk);
        return false;
    }
    r->batch->chunk = chunk;
    crash_point("chunk-begun");
    send_batch(r, CHUNK_SNAPSHOT);
    return true;
}

/* Where the first message's row begins. */
static bool skip_header(struct bytes *in)
{
    static const char signature[11] = "PGCOPY\n\377\r\n";
    const uint8_t *p = bytes_take(in, sizeof signature);
    if (!p || memcmp(p, signature, sizeof signature) != 0) {
        return false;
    }
    bytes_u32(in); /* flags: none that concern us */
    bytes_take(in, bytes_u32(in));
    return !in->bad;
}

/* Bytes that live as long as the batch: a copy of the message, or the message itself where it is
 * large. */
static const uint8_t *keep(struct batch *batch, char *data, size_t len)
{
    if (len >= ADOPT_BYTES) {
        arena_adopt(&batch->arena, data, len, pg_free_data);
        return (const uint8_t *)data;
    }
    const uint8_t *copy = arena_copy(&batch->arena, data, len);
    pg_free_data(data);
    return copy;
}

struct copy {
    bool begun; /* the header has been read */
    uint64_t rows;
    size_t bytes, batches;
};

static bool take_row(struct reader *r, struct copy *copy, char *data, size_t len, struct err *err)
{
    struct bytes in = bytes_of(keep(r->batch, data, len), len);
    bool ok = copy->begun || skip_header(&in);
    copy->begun = true;
    if (ok && bytes_left(&in) == 2 && load16(in.p) == TRAILER) {
        return true;
    }
    const uint8_t *tuple = ok ? tuple_check_copy(&in, r->table.relation->column_count) : NULL;
    if (!tuple || bytes_left(&in)) {
        return err_set(err, ERR_SYSTEM,
                       "the server sent a row of COPY that cannot be read (%zu bytes)", len);
    }
    batch_row(r->batch, tuple);
    copy->rows++;
    copy->bytes += len;
    return true;
}

/* The chunk's last row so far may go away with its batch: keep its key. */
static bool note_end(struct reader *r, struct err *err)
{
    if (!r->batch->row_count || r->table.description->by_place) {
        return true;
    }
    key_free(&r->end);
    r->end = table_row_key(&r->table, r->batch->rows[r->batch->row_count - 1]);
    return r->end || err_set(err, ERR_SYSTEM, "the server sent a row whose key cannot be read");
}

static bool next_batch(struct reader *r, const struct backfill_task *task, struct copy *copy,
                       struct err *err)
{
    if (!note_end(r, err)) {
        return false;
    }
    send_batch(r, CHUNK_ROWS);
    copy->batches++;
    return !run_stopping(r->backfill->run) ? take_batch(r, task, err) : stopped(err);
}

/*
 * By place a chunk is so many pages, whatever they hold, and cannot be cut: if it is more than
 * there is room for, fewer pages are asked for.
 */
static bool too_large(struct reader *r, struct err *err)
{
    skip_rows(r, err);
    err_set(err, ERR_CONFIG,
            "the rows of table %s.%s that are read at once take more than "
            "advanced.memory_limit_mb allows: raise it",
            r->table.relation->schema, r->table.relation->name);
    ask_for_less(r, table_chunk_pages(&r->table, r->asked) > 1);
    drain(r);
    return false;
}

/* A single page may take all that there is, once earlier chunks have gone. */
static bool is_full(const struct reader *r, const struct copy *copy)
{
    bool page = r->table.description->by_place && table_chunk_pages(&r->table, r->asked) == 1;
    return copy->batches + 1 >=
           (page ? r->backfill->pool_batches - READER_EXTRA_BATCHES : reader_chunk_batches(r));
}

static bool read_rows(struct reader *r, const struct backfill_task *task, struct copy *copy,
                      bool *cut, struct err *err)
{
    int len = 0;
    char *data;
    bool ok = take_batch(r, task, err);
    while (ok && (len = pg_copy_next(r->pg, &data, err)) > 0) {
        ok = take_row(r, copy, data, (size_t)len, err);
        if (ok && batch_bytes(r->batch) >= BATCH_BYTES) {
            if (is_full(r, copy)) {
                *cut = !r->table.description->by_place;
                return *cut ? note_end(r, err) && skip_rows(r, err) : too_large(r, err);
            }
            ok = next_batch(r, task, copy, err);
        }
    }
    /* Unless it is ok there may be no batch: a stop can come between two. */
    return ok && len == 0 && note_end(r, err);
}

/* After a cut the COPY ends with the cancellation, unless it was quicker. */
static bool end_of_copy(struct reader *r, bool cut, struct err *err)
{
    enum pg_step step = pg_next(r->pg, err);
    if (step == PG_FAILED && cut && is_cancelled(r)) {
        drain(r);
        return pg_alive(r->pg) ||
               err_set(err, ERR_TRANSIENT, "the connection was lost at the end of a chunk");
    }
    if (step == PG_FAILED) {
        if (is_cancelled(r)) {
            ask_for_less(r, r->asked > 1); /* fewer may be had in time */
        }
        drain(r);
        return false;
    }
    return reader_expect(r, PG_OK, err) && reader_expect(r, PG_DONE, err);
}

static void learn_width(struct reader *r, const struct copy *copy)
{
    if (copy->rows) {
        r->table.row_bytes = (double)copy->bytes / (double)copy->rows + sizeof(void *);
    }
}

/* BEGIN, LOCK */
static bool expect_begin(struct reader *r, struct err *err)
{
    bool begun = reader_expect(r, PG_OK, err);
    return begun && reader_expect(r, PG_OK, err);
}

bool reader_chunk(struct reader *r, const struct backfill_task *task, struct chunk_close *close,
                  struct err *err)
{
    struct copy copy = {0};
    uint64_t pages;
    bool cut = false;
    if (!expect_begin(r, err) || !read_snapshot(r, task, &pages, err) ||
        !reader_expect(r, PG_COPY, err) || !read_rows(r, task, &copy, &cut, err) ||
        !end_of_copy(r, cut, err)) {
        return false;
    }
    learn_width(r, &copy);
    table_learn_time(&r->table, r->asked, clock_monotonic_us() - r->asked_us, query_limit_us(r));
    if (r->table.description->by_place) {
        uint64_t next = table_first_page(r->after) + table_chunk_pages(&r->table, r->asked);
        close->last = next >= pages;
        close->end = close->last ? NULL : table_page_key(next);
        return true;
    }
    close->last = !cut && copy.rows < (uint64_t)r->asked;
    close->end = close->last ? NULL : r->end;
    if (!close->last) {
        r->end = NULL;
    }
    return true;
}
