/* Workers: each reads one range, chunk after chunk, and writes a watermark after each. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model.h"

void reader_clear(struct reader *r)
{
    for (int i = 0; i < r->queued; i++) {
        if (r->queue[i]->chunk) {
            chunk_free(&r->queue[i]->chunk);
        }
        key_free(&r->queue[i]->close.end);
        batch_free(&r->queue[i]);
    }
    *r = (struct reader){.done = true};
}

static void push(struct reader *r, struct batch *batch)
{
    r->queue[r->queued++] = batch;
}

static void write_watermark(struct model *m, struct reader *r)
{
    server_watermark(&m->server, r->watermark);
    r->watermark = 0;
}

/* In ctid order a run reads in its base snapshot; a later one in its own, and tells by ids. */
static bool imports(const struct model *m)
{
    return m->ctid_order && !m->resumed;
}

static void take_snapshot(struct model *m, int range)
{
    struct reader *r = &m->readers[range];
    char text[256];
    server_snapshot(&m->server, text);
    memcpy(r->rows, imports(m) ? m->base_rows : m->server.rows, sizeof r->rows);
    if (imports(m)) {
        char *base = snapshot_text(&m->scene.base);
        strcpy(text, base);
        free(base);
    }
    push(r, read_snapshot_step(&m->scene, range, text));
    m->chunks =
        mem_grow_array(m->chunks, &m->chunk_cap, (size_t)m->chunk_count + 2, sizeof *m->chunks);
    struct model_chunk *chunk = &m->chunks[++m->chunk_count];
    *chunk = (struct model_chunk){.after = r->after};
    snapshot_parse(&chunk->snapshot, text);
    model_say(m->trace, "range %d reads after %d in snapshot %s\n", range, r->after, text);
}

static bool is_read(const struct model *m, const struct reader *r, int key)
{
    return r->rows[key].v && (!m->ctid_order || m->base_rows[key].v == r->rows[key].v);
}

/* The chunk's rows, as one batch. With a key they are counted, without one its pages are. */
static int read_rows(struct model *m, int range, int limit)
{
    struct reader *r = &m->readers[range];
    char text[32 * MODEL_KEYS] = "";
    int count = 0, len = 0, key = r->after + 1;
    for (; key <= r->until && count < limit; key++) {
        if (is_read(m, r, key)) {
            len += sprintf(text + len, "%s%d,%d,%d", len ? " " : "", key, r->rows[key].v,
                           r->rows[key].w);
        }
        count += m->ctid_order || is_read(m, r, key);
    }
    if (len) {
        push(r, read_rows_step(&m->scene, range, text));
    }
    model_say(m->trace, "range %d has read %s\n", range, len ? text : "nothing");
    return count < limit ? 0 : key - 1;
}

static void close_chunk(struct model *m, int range, int end)
{
    struct reader *r = &m->readers[range];
    char end_text[16], watermark[16];
    sprintf(end_text, "%d", end);
    sprintf(watermark, "w%d", m->chunk_count);
    push(r, read_close_step(&m->scene, range, end ? end_text : NULL, watermark));
    m->chunks[m->chunk_count].until = end ? end : r->until;
    r->watermark = m->chunk_count;
    r->after = end;
    r->done = !end;
    m->server.reading--;
    r->state = READER_IDLE;
    model_say(m->trace, "range %d closes its chunk %s at %d\n", range, watermark, end);
}

/* Chunks are numbered as they are opened: one at a time is between its snapshot and its end. */
static bool other_reads(const struct model *m, int range)
{
    bool some = false;
    for (int i = 0; i < m->ranges; i++) {
        some |= i != range && m->readers[i].state == READER_READING;
    }
    return some;
}

static void abort_chunk(struct model *m, int range)
{
    push(&m->readers[range], read_step(&m->scene, range, CHUNK_ABORT));
    m->server.reading -= m->readers[range].state == READER_READING;
    m->readers[range].state = READER_IDLE;
    model_say(m->trace, "range %d gives its chunk up\n", range);
}

void reader_work(struct model *m, int range, int choice)
{
    struct reader *r = &m->readers[range];
    if (r->queued > 8) {
        return;
    }
    switch (r->state) {
    case READER_IDLE:
        if (r->watermark && (r->done || choice % 4 == 0)) {
            write_watermark(m, r);
        } else if (!r->done && !stream_gated(m)) {
            push(r, read_step(&m->scene, range, CHUNK_OPEN));
            r->state = READER_OPENED;
            model_say(m->trace, "range %d opens a chunk\n", range);
        }
        return;
    case READER_OPENED:
        if (r->watermark) {
            write_watermark(m, r);
        } else if (choice >= 240) {
            abort_chunk(m, range);
        } else if (!server_truncating(&m->server) && !other_reads(m, range)) {
            take_snapshot(m, range);
            r->state = READER_READING;
            m->server.reading++;
        }
        return;
    case READER_READING:
        if (choice >= 240) {
            abort_chunk(m, range);
        } else {
            close_chunk(m, range, read_rows(m, range, 1 + choice % 4));
        }
        return;
    }
}

/* What lies in a closed chunk waits for its watermark. */
static void note_closed(struct model *m, int number)
{
    const struct model_chunk *chunk = &m->chunks[number];
    for (int key = chunk->after + 1; key <= chunk->until; key++) {
        m->place[key] = number;
    }
}

bool reader_deliver(struct model *m, int range)
{
    struct reader *r = &m->readers[range];
    if (!r->queued) {
        return false;
    }
    struct batch *batch = r->queue[0];
    int number = batch->step == CHUNK_CLOSE ? model_number(batch->close.watermark + 1) : 0;
    r->queued--;
    memmove((void *)r->queue, (void *)(r->queue + 1), (size_t)r->queued * sizeof *r->queue);
    static const char *const steps[] = {"OPEN", "SNAPSHOT", "ROWS", "CLOSE", "ABORT"};
    model_say(m->trace, "    merger: %s of range %d\n", steps[batch->step], range);
    if (!rows_in(&m->scene, batch)) {
        model_fail(m, "rows refused: %s", m->scene.err.message);
    }
    if (number) {
        note_closed(m, number);
    }
    return true;
}

/* A chunk is in the rings before its watermark is written. */
void reader_deliver_watermark(struct model *m, int number)
{
    for (int range = 0; range < m->ranges; range++) {
        bool holds = false;
        for (int i = 0; i < m->readers[range].queued; i++) {
            const struct batch *batch = m->readers[range].queue[i];
            holds |=
                batch->step == CHUNK_CLOSE && model_number(batch->close.watermark + 1) == number;
        }
        for (int i = 0; holds && i < 16; i++) {
            bool last = m->readers[range].queue[0]->step == CHUNK_CLOSE &&
                        model_number(m->readers[range].queue[0]->close.watermark + 1) == number;
            reader_deliver(m, range);
            holds = !last;
        }
    }
}
