/* Workers: each reads one range of a table, chunk after chunk, and writes a watermark after
 * each. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

enum { GIVES_UP = 240 }; /* choices from here on */

void queued_clear(struct queued *q)
{
    for (int i = 0; i < q->count; i++) {
        struct batch *batch = q->batches[i], *rider = batch_take_rider(batch);
        chunk_free(rider ? &rider->chunk : &batch->chunk);
        key_free(&batch->close.end);
        batch_free(&rider);
        batch_free(&batch);
    }
    q->count = 0;
}

static struct queued *queue_of(struct sim *m, const struct worker *w)
{
    return &m->queues[w - m->workers];
}

static void push(struct sim *m, const struct worker *w, struct batch *batch)
{
    struct queued *q = queue_of(m, w);
    q->batches[q->count++] = batch;
}

static struct batch *new_step(const struct worker *w, enum chunk_step step)
{
    struct batch *batch = batch_new(1);
    batch_reset(batch, BATCH_ROWS);
    batch->stream = w->table;
    batch->range = w->range;
    batch->life = w->life;
    batch->step = step;
    return batch;
}

static void write_watermark(struct sim *m, struct worker *w)
{
    server_watermark(&m->server, w->watermark);
    w->watermark = 0;
}

static const struct table *table_of(const struct sim *m, const struct worker *w)
{
    return &m->server.table[w->table];
}

/* In ctid order the first run reads in its base snapshot; a later run in snapshots of its own, and
 * knows the rows by ids. */
static bool imports(const struct sim *m, const struct worker *w)
{
    return in_ctid_order(m->kinds[w->table]) && !m->resumed[w->table];
}

static struct chunk *take_snapshot(struct sim *m, struct worker *w)
{
    const struct base *base = &m->bases[w->table];
    w->columns = table_of(m, w)->columns;
    struct relation *shape = capture_shape(m->capture, w->table, w->columns);
    struct chunk *chunk = chunk_new(w->table, w->range, shape);
    char text[256];
    server_snapshot(&m->server, text);
    memcpy(w->rows, imports(m, w) ? base->rows : table_of(m, w)->rows, sizeof w->rows);
    snapshot_parse(&chunk->snapshot, imports(m, w) ? base->text : text);
    w->emptied = imports(m, w) ? base->emptied : table_of(m, w)->emptied;
    w->number = ++m->chunks;
    sim_say(m->trace, "t%d range %d: chunk w%d is read behind %d in snapshot %s\n", w->table,
            w->range, w->number, w->after, imports(m, w) ? base->text : text);
    return chunk;
}

static bool is_read(const struct sim *m, const struct worker *w, int key)
{
    bool ctid_order = in_ctid_order(m->kinds[w->table]);
    return w->rows[key].v && (!ctid_order || m->bases[w->table].rows[key].v == w->rows[key].v);
}

/* The chunk's rows. By key they are counted, in ctid order their pages are. Returns its last key;
 * 0: it is the last of the range. */
static int read_rows(struct sim *m, struct worker *w, int limit, struct batch *batch)
{
    enum table_kind kind = m->kinds[w->table];
    int count = 0, key = w->after + 1;
    if (w->emptied != table_of(m, w)->emptied) {
        memset(w->rows, 0, sizeof w->rows);
    }
    for (; key <= w->until && count < limit; key++) {
        if (is_read(m, w, key)) {
            batch_row(batch, wire_row(&batch->arena, kind, w->columns, key, &w->rows[key]));
            sim_say(m->trace, "    with row %d = %d/%d\n", key, w->rows[key].v, w->rows[key].w);
        }
        count += in_ctid_order(kind) || is_read(m, w, key);
    }
    return count < limit ? 0 : key - 1;
}

static void close_chunk(struct sim *m, struct worker *w, int end, struct chunk_close *close)
{
    char text[16];
    if (end) {
        snprintf(text, sizeof text, "%d", end);
        close->end = key_new(1);
        key_set(close->end, 0, text, strlen(text));
    }
    close->last = !end;
    close->seen_lsn = m->positions ? m->server.lsn : 0; /* also after a TRUNCATE */
    if (!m->positions) {
        snprintf(close->watermark, sizeof close->watermark, "w%d", w->number);
    }
    w->watermark = m->positions ? 0 : w->number;
    w->after = end;
    w->done = !end;
    w->state = WORKER_IDLE;
    sim_say(m->trace, "t%d range %d: chunk w%d is whole, up to %s\n", w->table, w->range, w->number,
            end ? text : "the range's end");
}

/* All of the range at once, in a batch that could carry others. */
static void read_whole(struct sim *m, struct worker *w)
{
    struct batch *carrier = new_step(w, CHUNK_RIDERS), *rider = batch_rider(carrier);
    rider->stream = w->table;
    rider->range = w->range;
    rider->life = w->life;
    rider->step = CHUNK_WHOLE;
    rider->chunk = take_snapshot(m, w);
    read_rows(m, w, SIM_KEYS + 1, carrier);
    batch_rider_rows(rider, 0, carrier->row_count);
    close_chunk(m, w, 0, &rider->close);
    push(m, w, carrier);
}

/* Rows come with the close, or before it. */
static void read_rest(struct sim *m, struct worker *w, int choice)
{
    if (!w->locks && server_truncating(&m->server, w->table)) {
        return; /* the snapshot was taken first */
    }
    struct batch *rows = new_step(w, CHUNK_ROWS);
    int end = read_rows(m, w, 1 + choice % 4, rows);
    m->server.table[w->table].reading -= w->locks;
    if (choice / 4 % 2 && rows->row_count) {
        push(m, w, rows);
        rows = new_step(w, CHUNK_CLOSE);
    }
    rows->step = CHUNK_CLOSE;
    close_chunk(m, w, end, &rows->close);
    push(m, w, rows);
}

void worker_lost(struct sim *m, struct worker *w)
{
    if (w->state == WORKER_IDLE || queue_of(m, w)->count > SIM_QUEUE - 4) {
        return;
    }
    push(m, w, new_step(w, CHUNK_ABORT));
    m->server.table[w->table].reading -= w->state == WORKER_READING && w->locks;
    w->state = WORKER_IDLE;
    sim_say(m->trace, "t%d range %d: its chunk is given up\n", w->table, w->range);
}

static void begin_chunk(struct sim *m, struct worker *w, int choice)
{
    if (choice % 8 == 1 && !server_truncating(&m->server, w->table)) {
        read_whole(m, w);
        return;
    }
    struct batch *batch = new_step(w, CHUNK_SNAPSHOT);
    batch->chunk = take_snapshot(m, w);
    push(m, w, batch);
    w->state = WORKER_READING;
    w->locks = !server_truncating(&m->server, w->table);
    m->server.table[w->table].reading += w->locks;
}

void worker_work(struct sim *m, struct worker *w, int choice)
{
    if (queue_of(m, w)->count > SIM_QUEUE - 8) {
        return;
    }
    if (choice >= GIVES_UP && w->state != WORKER_IDLE) {
        worker_lost(m, w);
        return;
    }
    switch (w->state) {
    case WORKER_IDLE:
        if (w->watermark && (w->done || choice % 4 == 0)) {
            write_watermark(m, w);
        } else if (!w->done && !stream_gated(m)) {
            push(m, w, new_step(w, CHUNK_OPEN));
            w->state = WORKER_OPENED;
            sim_say(m->trace, "t%d range %d: a chunk is opened\n", w->table, w->range);
        }
        return;
    case WORKER_OPENED:
        if (w->watermark) {
            write_watermark(m, w);
        } else {
            begin_chunk(m, w, choice);
        }
        return;
    case WORKER_READING: read_rest(m, w, choice); return;
    }
}

bool worker_deliver(struct sim *m, int queue)
{
    static const char *const steps[] = {"is opened",   "has a snapshot", "has rows",
                                        "is closed",   "comes whole",    "is given up",
                                        "is returned", "comes whole"};
    struct queued *q = &m->queues[queue];
    if (!q->count || *m->failure) {
        return false;
    }
    struct batch *batch = q->batches[0];
    q->count--;
    memmove((void *)q->batches, (void *)(q->batches + 1), (size_t)q->count * sizeof *q->batches);
    sim_say(m->trace, "    merger: t%d range %d: a chunk %s\n", batch->stream, batch->range,
            steps[batch->step]);
    capture_rows(m->capture, &batch);
    return true;
}

/* The batch that closes the chunk of a watermark. */
static int closes_at(const struct queued *q, int number)
{
    char text[WATERMARK_TEXT];
    snprintf(text, sizeof text, "w%d", number);
    for (int i = 0; i < q->count; i++) {
        const struct batch *rider = q->batches[i]->riders;
        if (!strcmp((rider ? rider : q->batches[i])->close.watermark, text)) {
            return i;
        }
    }
    return -1;
}

/* A chunk is in the rings before its watermark is written. */
void worker_deliver_watermark(struct sim *m, int number)
{
    for (int i = 0; number && i < SIM_TABLES * SIM_RANGES; i++) {
        for (int at = closes_at(&m->queues[i], number); at >= 0; at--) {
            worker_deliver(m, i);
        }
    }
}
