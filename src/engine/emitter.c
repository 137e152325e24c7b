/*
 * The emitter's thread: batches to lines of JSON. It alone writes to the sink, and it alone sends
 * batches home.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "internal.h"
#include "row/cursor.h"

enum { OUTPUT_BYTES = 256 * 1024 };

struct emitter {
    struct engine *engine;
    struct out out;
    struct err err; /* of the sink */
    struct printer **printers;
    size_t printer_count, printer_cap;
    uint64_t *counts; /* records a stream since the last checkpoint */
    int begun;        /* streams that the codec was told of */
    bool *cut;        /* of each stream: it was said that values are cut */
    struct source source;
    bool caught_up; /* the server had nothing more to send */
    int64_t now_ms;
    uint64_t rows, changes, bytes, transactions, checkpoints;
    uint64_t position;  /* all that the server had up to here is printed */
    uint64_t state_end; /* of `bytes`: where the last state ended */
    bool ended;
};

static bool write_sink(void *context, const char *data, size_t len)
{
    struct emitter *m = context;
    const struct sink *sink = &m->engine->config.sink;
    uint64_t *writing_since_us = &m->engine->config.progress->writing_since_us;
    m->bytes += len;
    shared_store(writing_since_us, (uint64_t)clock_monotonic_us());
    bool ok = sink->write(sink->context, data, len, &m->err);
    shared_store(writing_since_us, 0);
    return ok;
}

static void begin(struct emitter *m, int count)
{
    const struct codec *codec = &m->engine->config.codec;
    if (count > m->begun && codec->begin) {
        codec->begin(codec->context, &m->out, count);
    }
    m->begun = count > m->begun ? count : m->begun;
}

/* Once a table, though it may have several printers. */
static void say_cut(void *context, int stream, const char *column, uint32_t len)
{
    struct emitter *m = context;
    const struct catalog_stream *s = &m->engine->config.catalog->streams[stream];
    if (m->cut[stream]) {
        return;
    }
    m->cut[stream] = true;
    log_line(m->engine->config.log, LOG_WARN,
             "table %s.%s has a value of %" PRIu32 " bytes in column \"%s\", more than "
             "advanced.max_value_bytes allows: it and others like it are cut, or replaced by a "
             "marker where they are JSON",
             s->schema, s->table, len, column);
}

/* Compiled when the first record of a shape is printed. */
static struct printer *printer_of(struct emitter *m, struct relation *relation)
{
    const struct engine_config *config = &m->engine->config;
    if (!relation->printer) {
        struct frame frame = {0};
        const struct catalog_stream *stream = &config->catalog->streams[relation->stream];
        begin(m, relation->stream + 1);
        config->codec.frame(config->codec.context, relation->stream, &frame);
        frame.cut = say_cut;
        frame.cut_context = m;
        if (config->codec.shape) {
            config->codec.shape(config->codec.context, &m->out, relation);
        }
        relation->printer = printer_new(relation, &frame, stream->schema, stream->table);
        if (relation_column(relation, "_meta") >= 0) {
            log_line(config->log, LOG_WARN,
                     "column \"_meta\" of table %s.%s is not captured: a record's own takes its "
                     "place; rename the column to capture it",
                     stream->schema, stream->table);
        }
        m->printers = mem_grow_array((void *)m->printers, &m->printer_cap, m->printer_count + 1,
                                     sizeof *m->printers);
        m->printers[m->printer_count++] = relation->printer;
    }
    return relation->printer;
}

/* After a stop nothing more is begun: what is under way goes home or away unprinted, and no state
 * follows that would tell of it. */
static bool stopping(const struct emitter *m)
{
    return run_stopping(m->engine->config.run);
}

/* Of a shape in which nothing will be printed any more. */
static void drop_printer(struct emitter *m, struct relation *relation)
{
    for (size_t i = 0; relation->printer; i++) {
        CHECK(i < m->printer_count);
        if (m->printers[i] == relation->printer) {
            printer_free(&m->printers[i]);
            m->printers[i] = m->printers[--m->printer_count];
            relation->printer = NULL;
        }
    }
}

static void go_home(struct emitter *m, struct batch **batch)
{
    for (struct relation *relation = (*batch)->past; relation; relation = relation->next) {
        drop_printer(m, relation);
    }
    pool_return(m->engine->pools[(*batch)->producer], batch);
}

static uint64_t print_rows(struct emitter *m, struct printer *printer, const struct batch *batch,
                           uint64_t n, uint64_t cursor)
{
    for (size_t i = 0; i < batch->row_count && !stopping(m); i++) {
        if (batch->rows[i]) {
            print_row(&m->out, printer, batch->rows[i], n++, cursor, m->now_ms);
            crash_point("row-printed");
        }
    }
    return n;
}

/* Bytes of output so far. */
static uint64_t output_bytes(const struct emitter *m)
{
    return m->bytes + m->out.len;
}

static struct stream_output *output_of(const struct emitter *m, int stream)
{
    return &m->engine->config.progress->outputs[stream];
}

/* A number that only we write. */
static void count(uint64_t *shared, uint64_t more)
{
    shared_store(shared, *shared + more);
}

static void print_chunk(struct emitter *m, struct chunk **chunk)
{
    uint64_t n = (*chunk)->first_row, patches = 0, start = output_bytes(m);
    uint64_t cursor = (*chunk)->cursor ? (*chunk)->cursor : m->source.cursor;
    struct printer *printer = printer_of(m, (*chunk)->relation);
    for (struct batch *batch = (*chunk)->batches, *next; batch; batch = next) {
        next = batch->next;
        n = print_rows(m, printer, batch, n, cursor);
        go_home(m, &batch);
    }
    for (const struct patch *patch = (*chunk)->patches; patch; patch = patch->next) {
        if (!patch->deleted && !stopping(m)) {
            print_patch(&m->out, printer_of(m, patch->relation), patch, m->source.cursor,
                        m->now_ms);
            patches++;
        }
    }
    m->counts[(*chunk)->stream] += n - (*chunk)->first_row + patches;
    m->rows += n - (*chunk)->first_row + patches;
    count(&output_of(m, (*chunk)->stream)->rows, n - (*chunk)->first_row + patches);
    count(&output_of(m, (*chunk)->stream)->row_bytes, output_bytes(m) - start);
    chunk_free(chunk);
}

static void print_checkpoint(struct emitter *m, struct checkpoint **checkpoint)
{
    const struct codec *codec = &m->engine->config.codec;
    struct capture_identity identity = m->engine->identity;
    identity.timeline = (uint32_t)shared_load(&m->engine->timeline);
    crash_point("state-due");
    m->checkpoints++;
    uint64_t start = output_bytes(m);
    codec->checkpoint(codec->context, &m->out, &identity, *checkpoint, m->counts);
    m->state_end = output_bytes(m);
    m->engine->told = true;
    shared_store(&m->engine->written_since, 0);
    shared_store(&m->engine->state_bytes, m->state_end - start);
    memset(m->counts, 0, (size_t)m->engine->config.catalog->room * sizeof *m->counts);
    checkpoint_free(checkpoint);
    crash_point("state-printed");
    out_flush(&m->out);
    crash_point("state-written");
}

/* What a commit or a position releases: chunks, then the checkpoint that knows of them. */
static void print_released(struct emitter *m, struct event *e)
{
    if (e->chunk) {
        cursor_release(&m->source.cursor, e->lsn);
    }
    while (e->chunk) {
        struct chunk *chunk = e->chunk;
        e->chunk = chunk->next;
        print_chunk(m, &chunk);
    }
    if (e->checkpoint && !stopping(m)) {
        print_checkpoint(m, &e->checkpoint);
    }
    checkpoint_free(&e->checkpoint);
}

static void print_one(struct emitter *m, const struct event *e)
{
    if (stopping(m)) {
        return;
    }
    cursor_change(&m->source.cursor);
    m->source.lsn = e->lsn;
    uint64_t start = output_bytes(m);
    int printed = print_change(&m->out, printer_of(m, e->relation), e, &m->source, m->now_ms);
    m->counts[e->relation->stream] += (uint64_t)printed;
    m->changes += (uint64_t)printed;
    count(&output_of(m, e->relation->stream)->changes, (uint64_t)printed);
    count(&output_of(m, e->relation->stream)->change_bytes, output_bytes(m) - start);
    crash_point("change-printed");
}

static void print_event(struct emitter *m, struct event *e)
{
    switch (e->kind) {
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_MOVE:
    case EVENT_DELETE: print_one(m, e); return;
    case EVENT_BEGIN:
        source_begin(&m->source, e->txn, m->source.previous_commit);
        cursor_begin(&m->source.cursor, e->txn->final_lsn);
        m->caught_up = false;
        return;
    case EVENT_COMMIT:
        m->source.previous_commit = e->lsn;
        m->transactions++;
        m->position = e->lsn > m->position ? e->lsn : m->position;
        crash_point("commit-printed");
        print_released(m, e);
        return;
    case EVENT_POSITION:
        m->caught_up = true;
        m->position = e->lsn > m->position ? e->lsn : m->position;
        print_released(m, e);
        return;
    case EVENT_END: m->ended = !stopping(m); return;
    case EVENT_SKIP:
        if (e->new_tuple || e->old_tuple) { /* a change: counted whether captured or not */
            cursor_change(&m->source.cursor);
        }
        return;
    case EVENT_TRUNCATE:
    case EVENT_RELATION: return;
    }
}

static void show_progress(struct emitter *m)
{
    struct progress *p = m->engine->config.progress;
    shared_store(&p->rows, m->rows);
    shared_store(&p->changes, m->changes);
    shared_store(&p->bytes, output_bytes(m));
    shared_store(&p->cursor, m->source.previous_commit);
    shared_store(&p->position, m->position);
    shared_store(&p->transactions, m->transactions);
    shared_store(&p->checkpoints, m->checkpoints);
    shared_store(&m->engine->written_since, output_bytes(m) - m->state_end);
    shared_store(&p->commit_us, m->caught_up ? 0 : (uint64_t)m->source.txn.commit_us);
}

static void print_logs(struct emitter *m)
{
    enum log_level level;
    char *line;
    const struct codec *codec = &m->engine->config.codec;
    while (codec->log && (line = log_take(m->engine->config.log, &level))) {
        codec->log(codec->context, &m->out, level, line);
        free(line);
    }
}

static void print_batch(struct emitter *m, struct batch **batch)
{
    m->now_ms = clock_wall_ms();
    if ((*batch)->kind == BATCH_EVENTS) {
        m->source.cursor = (*batch)->cursor;
        for (size_t i = 0; i < (*batch)->event_count; i++) {
            print_event(m, &(*batch)->events[i]);
        }
        show_progress(m);
    }
    go_home(m, batch);
}

/* Until the end, a stop, or a sink that fails. What was begun is finished: output ends with a whole
 * line. */
static void emit(struct emitter *m)
{
    struct engine *e = m->engine;
    struct progress *p = e->config.progress;
    while (!m->ended && !m->out.failed && !stopping(m)) {
        uint32_t seen = bell_count(&e->emitter_bell);
        struct batch *batch = ring_pop(e->output);
        shared_store(&p->output_depth, ring_count(e->output));
        print_logs(m);
        if (batch) {
            print_batch(m, &batch);
        } else if (m->out.len) {
            out_flush(&m->out);
        } else {
            bell_wait(&e->emitter_bell, seen, clock_monotonic_us() + 1000 * 1000);
        }
    }
}

void emitter_main(void *context)
{
    struct engine *e = context;
    struct emitter m = {.engine = e};
    m.counts = mem_zero((size_t)e->config.catalog->room * sizeof *m.counts);
    m.cut = mem_zero((size_t)e->config.catalog->room * sizeof *m.cut);
    m.source.previous_commit = m.position = e->start_lsn;
    out_init(&m.out, OUTPUT_BYTES);
    out_sink(&m.out, write_sink, &m);
    begin(&m, e->begins_with);
    emit(&m);
    if (e->config.codec.end) {
        e->config.codec.end(e->config.codec.context, &m.out, m.ended);
    }
    print_logs(&m);
    if (out_flush(&m.out)) {
        e->complete = m.ended;
        run_stop(e->config.run);
    } else {
        run_fail(e->config.run, &m.err);
    }
    for (size_t i = 0; i < m.printer_count; i++) {
        printer_free(&m.printers[i]);
    }
    free((void *)m.printers);
    free(m.counts);
    free(m.cut);
    out_free(&m.out);
}
