/* The emitter's thread: from batches to lines of JSON. It alone writes to the sink, and it alone
 * returns batches to their pools. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "emitter.h"
#include "row/cursor.h"

enum { OUTPUT_BYTES = 256 * 1024 };

static bool write_sink(void *context, const char *data, size_t len)
{
    struct emitter *m = context;
    const struct sink *sink = &m->config->sink;
    uint64_t *writing_since_us = &m->config->progress->writing_since_us;
    shared_store(writing_since_us, (uint64_t)clock_monotonic_us());
    bool ok = sink->write(sink->context, data, len, &m->err);
    shared_store(writing_since_us, 0);
    return ok;
}

/* Call the sink for something that may take a while. Returns how long it took. */
static uint64_t ask_sink(struct emitter *m, bool (*what)(void *, struct err *))
{
    uint64_t *writing_since_us = &m->config->progress->writing_since_us;
    if (!what || m->out.failed) {
        return 0;
    }
    int64_t begun_us = clock_monotonic_us();
    shared_store(writing_since_us, (uint64_t)begun_us);
    m->out.failed = !what(m->config->sink.context, &m->err);
    shared_store(writing_since_us, 0);
    return (uint64_t)(clock_monotonic_us() - begun_us);
}

/* Where the records of a stream go. */
static struct out *out_of(struct emitter *m, int stream)
{
    const struct sink *sink = &m->config->sink;
    return sink->stream ? sink->stream(sink->context, stream) : &m->out;
}

/* After a stop nothing more is printed: batches are returned unprinted, and no state follows that
 * would cover them. */
static bool stopping(const struct emitter *m)
{
    return run_stopping(m->config->run);
}

static void recycle(void *context, struct batch **batch)
{
    struct emitter *m = context;
    struct batch *done = batch_done(batch);
    if (!done) {
        return;
    }
    for (struct relation *relation = done->past; relation; relation = relation->next) {
        drop_printer(m, relation);
    }
    pool_return(m->pipeline->pools[done->producer], &done);
}

/* Bytes of output so far. */
static uint64_t output_bytes(const struct emitter *m)
{
    return out_total(&m->out) + m->apart;
}

static struct stream_output *output_of(const struct emitter *m, int stream)
{
    return &m->config->progress->outputs[stream];
}

/* Add to a number that only this thread writes. */
static void count(uint64_t *shared, uint64_t more)
{
    shared_store(shared, *shared + more);
}

/* Add the bytes that were printed to `out` since it was at `start`. */
static void count_bytes(struct emitter *m, const struct out *out, uint64_t start, uint64_t *shared)
{
    uint64_t bytes = out_total(out) - start;
    m->apart += out != &m->out ? bytes : 0;
    count(shared, bytes);
}

static uint64_t print_rows(struct emitter *m, struct out *out, struct printer *printer,
                           const struct chunk *chunk)
{
    struct printing_rows rows = {
        .out = out,
        .printer = printer,
        .first = chunk->first_row,
        .cursor = chunk->cursor ? chunk->cursor : m->source.cursor,
        .now_ms = m->now_ms,
        .run = m->config->run,
        .home = recycle,
        .context = m,
    };
    return print_batches(m->printing, &rows, chunk->batches);
}

static void print_chunk(struct emitter *m, struct chunk **chunk)
{
    struct printer *printer = printer_of(m, (*chunk)->relation);
    struct out *out = out_of(m, (*chunk)->stream);
    struct stream_output *output = output_of(m, (*chunk)->stream);
    uint64_t start = out_total(out);
    uint64_t printed = print_rows(m, out, printer, *chunk);
    for (const struct patch *patch = (*chunk)->patches; patch; patch = patch->next) {
        if (!patch->deleted && !stopping(m)) {
            print_patch(out, printer_of(m, patch->relation), patch, m->source.cursor, m->now_ms);
            printed++;
        }
    }
    m->counts[(*chunk)->stream] += printed;
    m->rows += printed;
    count(&output->rows, printed);
    count_bytes(m, out, start, &output->row_bytes);
    chunk_free(chunk);
}

static void say_state(const struct emitter *m, uint64_t cursor)
{
    if (log_shows(m->config->log, LOG_DEBUG)) {
        log_line(m->config->log, LOG_DEBUG, "wrote a state: everything up to %s is in the output",
                 lsn_format(cursor).s);
    }
}

static void print_checkpoint(struct emitter *m, struct checkpoint **checkpoint)
{
    const struct codec *codec = &m->config->codec;
    struct capture_identity identity = m->start->identity;
    identity.timeline = (uint32_t)shared_load(&m->pipeline->timeline);
    crash_point("state-due");
    m->checkpoints++;
    uint64_t start = output_bytes(m);
    codec->checkpoint(codec->context, &m->out, &identity, *checkpoint, m->counts);
    m->state_end = output_bytes(m);
    m->pipeline->state_written = true;
    shared_store(&m->pipeline->written_since, 0);
    shared_store(&m->pipeline->state_bytes, m->state_end - start);
    memset(m->counts, 0, ((size_t)m->config->catalog->room + 1) * sizeof *m->counts);
    crash_point("state-printed");
    out_flush(&m->out);
    crash_point("state-written");
    say_state(m, (*checkpoint)->cursor);
    checkpoint_free(checkpoint);
    shared_store(&m->pipeline->commit_us, ask_sink(m, m->config->sink.commit));
}

/* Print what a commit or a position releases: chunks, then the checkpoint that covers them. */
static void print_released(struct emitter *m, struct event *e)
{
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
    struct printer *printer = printer_of(m, e->relation);
    struct out *out = out_of(m, e->relation->stream);
    uint64_t start = out_total(out);
    int printed = print_change(out, printer, e, &m->source, m->now_ms);
    m->counts[e->relation->stream] += (uint64_t)printed;
    m->changes += (uint64_t)printed;
    count(&output_of(m, e->relation->stream)->changes, (uint64_t)printed);
    count_bytes(m, out, start, &output_of(m, e->relation->stream)->change_bytes);
    crash_point("change-printed");
}

/* A TRUNCATE of a partition is not printed: the table may have rows in others. */
static bool prints_truncate(const struct emitter *m, const struct relation *relation)
{
    const struct engine_config *c = m->config;
    return c->config->emit_truncates && !relation->partition &&
           !c->catalog->streams[relation->stream].airbyte_look;
}

static void count_extras(struct emitter *m, int printed)
{
    m->counts[m->config->catalog->room] += (uint64_t)printed;
}

static void print_message_event(struct emitter *m, const struct event *e)
{
    if (!stopping(m) && extras_wants(&m->extras, e)) {
        extras_print_message(&m->extras, &m->out, e, &m->source, m->now_ms);
        count_extras(m, 1);
        crash_point("change-printed");
    }
    if (!e->transactional) {
        m->position = e->lsn;
    }
    source_follow(&m->source, e);
}

/* The source follows an event before it is printed; print_message_event() does it after. */
static void print_event(struct emitter *m, struct event *e)
{
    if (e->kind == EVENT_MESSAGE) {
        print_message_event(m, e);
        return;
    }
    source_follow(&m->source, e);
    switch (e->kind) {
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_MOVE:
    case EVENT_DELETE: print_one(m, e); return;
    case EVENT_TRUNCATE:
        if (prints_truncate(m, e->relation)) {
            print_one(m, e);
        }
        return;
    case EVENT_BEGIN: m->caught_up = false; return;
    case EVENT_COMMIT:
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
    case EVENT_MESSAGE:
    case EVENT_SKIP:
    case EVENT_RELATION: return;
    }
}

static void store_printed(struct emitter *m)
{
    struct progress *p = m->config->progress;
    shared_store(&p->rows, m->rows);
    shared_store(&p->changes, m->changes);
    shared_store(&p->bytes, output_bytes(m));
    shared_store(&p->cursor, m->source.previous_commit);
    shared_store(&p->position, m->position);
    shared_store(&p->transactions, m->transactions);
    shared_store(&p->checkpoints, m->checkpoints);
    shared_store(&m->pipeline->written_since, output_bytes(m) - m->state_end);
    shared_store(&p->commit_us, m->caught_up ? 0 : (uint64_t)m->source.txn.commit_us);
}

/* Note when the heartbeat that was written to the WAL last is back. */
static void note_heartbeat(const struct emitter *m)
{
    struct heartbeat_progress *h = &m->config->progress->heartbeat;
    uint64_t lsn = shared_load(&h->lsn);
    if (lsn != h->back_lsn && m->position >= lsn) {
        shared_store(&h->lag_us, (uint64_t)clock_monotonic_us() - shared_load(&h->sent_us));
        shared_store(&h->back_lsn, lsn);
    }
}

static void print_logs(struct emitter *m)
{
    enum log_level level;
    char *line;
    const struct codec *codec = &m->config->codec;
    while (codec->log && (line = log_take(m->config->log, &level))) {
        codec->log(codec->context, &m->out, level, line);
        free(line);
    }
}

/* How many records the event will be; *stream: of which stream, -1: it is a message. */
static uint64_t records_of(const struct emitter *m, const struct event *e, int *stream)
{
    *stream = -1;
    switch (e->kind) {
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_DELETE: *stream = e->relation->stream; return 1;
    case EVENT_MOVE: *stream = e->relation->stream; return 2;
    case EVENT_TRUNCATE: *stream = e->relation->stream; return prints_truncate(m, e->relation);
    case EVENT_MESSAGE: return e->transactional && extras_wants(&m->extras, e);
    default: return 0;
    }
}

/* Print an event, and before or after it the record of its transaction's beginning or end. */
static void print_bound_event(struct emitter *m, struct event *e)
{
    int stream, printed = 0;
    uint64_t records = records_of(m, e, &stream);
    if (records && !stopping(m)) {
        printed = extras_count(&m->extras, &m->out, stream, records, &m->source, m->now_ms);
    } else if (e->kind == EVENT_COMMIT && !stopping(m)) {
        printed = extras_commit(&m->extras, &m->out, e->lsn, &m->source, m->now_ms);
    }
    count_extras(m, printed);
    print_event(m, e);
}

static void print_events(struct emitter *m, struct batch *batch)
{
    bool bound = extras_has_transactions(&m->extras);
    m->source.cursor = batch->cursor;
    for (size_t i = 0; !bound && i < batch->event_count; i++) {
        print_event(m, &batch->events[i]);
    }
    for (size_t i = 0; bound && i < batch->event_count; i++) {
        print_bound_event(m, &batch->events[i]);
    }
    store_printed(m);
}

static void print_batch(struct emitter *m, struct batch **batch)
{
    m->now_ms = clock_wall_ms();
    if ((*batch)->kind == BATCH_EVENTS) {
        print_events(m, *batch);
    }
    recycle(m, batch);
}

/* Until the end, a stop, or a failure of the sink. Output ends with a whole line. */
static void emit(struct emitter *m)
{
    struct pipeline *pipeline = m->pipeline;
    struct progress *p = m->config->progress;
    while (!m->ended && !m->out.failed && !stopping(m)) {
        uint32_t seen = bell_count(&pipeline->emitter_bell);
        struct batch *batch = ring_pop(pipeline->output);
        shared_store(&p->output_depth, ring_count(pipeline->output));
        print_logs(m);
        note_heartbeat(m);
        if (batch) {
            print_batch(m, &batch);
        } else if (m->out.len) {
            out_flush(&m->out);
        } else {
            ask_sink(m, m->config->sink.idle);
            bell_wait(&pipeline->emitter_bell, seen, clock_monotonic_us() + 1000 * 1000);
        }
    }
}

static void clear(struct emitter *m)
{
    drop_printers(m);
    extras_clear(&m->extras);
    free(m->counts);
    free(m->cut);
    out_free(&m->out);
}

void emitter_main(void *context)
{
    struct emitter *m = context;
    const struct codec *codec = &m->config->codec;
    size_t room = (size_t)m->config->catalog->room;
    m->counts = mem_zero((room + 1) * sizeof *m->counts);
    m->cut = mem_zero(room * sizeof *m->cut);
    extras_init(&m->extras, m->config);
    m->source.previous_commit = m->position = m->start->lsn;
    out_init(&m->out, OUTPUT_BYTES);
    out_sink(&m->out, write_sink, m);
    emitter_begin(m, m->start->streams);
    emit(m);
    if (codec->end) {
        codec->end(codec->context, &m->out, m->ended);
    }
    print_logs(m);
    if (out_flush(&m->out)) {
        ask_sink(m, m->config->sink.idle);
    }
    if (!m->out.failed) {
        m->pipeline->complete = m->ended;
        run_stop(m->config->run);
    } else {
        run_fail(m->config->run, &m->err);
    }
    clear(m);
}
