/* The emitter's part: prints the events left in each batch as the codec's lines, in the same
 * order. */
#include <stdlib.h>
#include <string.h>

#include "airbyte/airbyte.h"
#include "base/mem.h"
#include "row/cursor.h"
#include "sim.h"

struct emitter {
    struct sim *sim;
    bool look;
    int tables;
    struct config config;
    struct catalog catalog;
    struct catalog_stream streams[SIM_TABLES];
    struct stream_progress told[SIM_TABLES];
    struct progress progress;
    struct airbyte_read *read;
    struct codec codec;
    struct source source;
    struct out out;
    uint64_t counts[SIM_TABLES + 1];
    struct printer **printers;
    size_t printer_count, printer_cap;
};

struct emitter *emitter_new(struct sim *sim, const struct capture_setup *setup, uint64_t start)
{
    struct emitter *m = mem_zero(sizeof *m);
    m->sim = sim;
    m->look = setup->look;
    m->tables = setup->tables;
    m->config.state_type = (enum state_type)setup->state_type;
    for (int t = 0; t < setup->tables; t++) {
        m->streams[t] = (struct catalog_stream){.schema = mem_string("public"),
                                                .table = mem_format("t%d", t),
                                                .airbyte_look = setup->look};
        m->told[t].row_estimate = -1;
    }
    m->catalog = (struct catalog){
        .streams = m->streams, .count = setup->tables, .room = setup->tables, .tail = true};
    m->progress.streams = m->told;
    m->read = airbyte_read_new(&m->config, &m->catalog, &m->progress);
    m->codec = airbyte_codec(m->read);
    m->source.previous_commit = start;
    out_init(&m->out, 4096);
    return m;
}

void emitter_free(struct emitter **emitter)
{
    struct emitter *m = *emitter;
    *emitter = NULL;
    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->printer_count; i++) {
        printer_free(&m->printers[i]);
    }
    free((void *)m->printers);
    airbyte_read_free(&m->read);
    for (int t = 0; t < m->tables; t++) {
        free(m->streams[t].schema);
        free(m->streams[t].table);
    }
    out_free(&m->out);
    free(m);
}

/* The consumer gets what was printed. */
static void hand_over(struct emitter *m)
{
    const char *line = m->out.data, *end = line + m->out.len;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline) {
            sim_fail(m->sim, "a line has no end");
            break;
        }
        consumer_line(m->sim, line, (size_t)(newline - line));
        line = newline + 1;
    }
    m->out.len = 0;
}

static struct printer *printer_of(struct emitter *m, struct relation *relation)
{
    if (!relation->printer) {
        struct frame frame = {0};
        m->codec.frame(m->codec.context, relation->stream, &frame);
        relation->printer =
            printer_new(relation, &frame, "public", m->streams[relation->stream].table);
        m->printers = mem_grow_array((void *)m->printers, &m->printer_cap, m->printer_count + 1,
                                     sizeof *m->printers);
        m->printers[m->printer_count++] = relation->printer;
    }
    return relation->printer;
}

void emitter_forget(struct emitter *m, struct relation *relation)
{
    for (size_t i = 0; relation->printer && i < m->printer_count; i++) {
        if (m->printers[i] == relation->printer) {
            printer_free(&m->printers[i]);
            m->printers[i] = m->printers[--m->printer_count];
            relation->printer = NULL;
        }
    }
}

static int64_t now_ms(const struct emitter *m)
{
    return m->sim->server.wall_us / 1000;
}

static void print_rows(struct emitter *m, const struct chunk *chunk, uint64_t cursor)
{
    struct printer *printer = printer_of(m, chunk->relation);
    uint64_t n = chunk->first_row;
    for (struct batch *b = chunk->batches; b; b = b->next) {
        for (size_t i = 0; i < b->row_count; i++) {
            if (b->rows[i]) {
                print_row(&m->out, printer, b->rows[i], n++, cursor, now_ms(m));
            }
        }
    }
    m->counts[chunk->stream] += n - chunk->first_row;
}

static void print_chunk(struct emitter *m, struct chunk *chunk)
{
    print_rows(m, chunk, chunk->cursor ? chunk->cursor : m->source.cursor);
    for (const struct patch *patch = chunk->patches; patch; patch = patch->next) {
        if (!patch->deleted) {
            print_patch(&m->out, printer_of(m, patch->relation), patch, m->source.cursor,
                        now_ms(m));
            m->counts[chunk->stream]++;
        }
    }
}

static void send_home(struct batch *batches)
{
    while (batches) {
        struct batch *next = batches->next, *home = batch_done(&batches);
        batch_free(&home);
        batches = next;
    }
}

static void print_released(struct emitter *m, struct event *e)
{
    static struct capture_identity identity = {.timeline = 1};
    char system_identifier[] = "7300000000000000000", slot[] = "flow_slot", database[] = "postgres";
    identity.system_identifier = system_identifier;
    identity.slot = slot;
    identity.database = database;
    while (e->chunk) {
        struct chunk *chunk = e->chunk;
        e->chunk = chunk->next;
        print_chunk(m, chunk);
        send_home(chunk->batches);
        chunk_free(&chunk);
    }
    if (e->checkpoint) {
        m->codec.checkpoint(m->codec.context, &m->out, &identity, e->checkpoint, m->counts);
        memset(m->counts, 0, sizeof m->counts);
        checkpoint_free(&e->checkpoint);
    }
}

static void print_one(struct emitter *m, const struct event *e)
{
    int printed = print_change(&m->out, printer_of(m, e->relation), e, &m->source, now_ms(m));
    m->counts[e->relation->stream] += (uint64_t)printed;
}

static void print_event(struct emitter *m, struct event *e)
{
    source_follow(&m->source, e);
    switch (e->kind) {
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_MOVE:
    case EVENT_DELETE: print_one(m, e); return;
    case EVENT_TRUNCATE:
        if (!m->look) {
            print_one(m, e);
        }
        return;
    case EVENT_COMMIT:
    case EVENT_POSITION:
        hand_over(m);
        consumer_passed(m->sim, e->lsn);
        print_released(m, e);
        hand_over(m);
        consumer_check(m->sim);
        return;
    case EVENT_BEGIN:
    case EVENT_SKIP:
    case EVENT_MESSAGE:
    case EVENT_END:
    case EVENT_RELATION: return;
    }
}

void emitter_print(struct emitter *m, struct batch *batch)
{
    m->source.cursor = batch->cursor;
    for (size_t i = 0; i < batch->event_count; i++) {
        print_event(m, &batch->events[i]);
    }
    hand_over(m);
}
