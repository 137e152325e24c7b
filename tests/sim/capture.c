/* The connector: decodes, merges and prints what the server sends, and answers the merger's
 * questions. */
#include <stdlib.h>
#include <string.h>

#include "../state_ranges.h"
#include "base/mem.h"
#include "replication.h"
#include "sim.h"
#include "state/state.h"

struct capture {
    struct sim *sim;
    struct merge *merge;
    struct emitter *emitter;
    struct merge_stream streams[SIM_TABLES];
    struct stream_state states[SIM_TABLES];
    struct snapshot bases[SIM_TABLES];
    struct relation *shapes[SIM_TABLES][SIM_COLUMNS + 1]; /* by how many columns they have */
    struct state state;                                   /* that it continues from */
    struct replication r;
    int described[SIM_TABLES + 1]; /* over this connection, with so many columns; 0: not yet */
    struct out message;
    struct err err;
};

struct merge *capture_merge(const struct capture *c)
{
    return c->merge;
}

struct relation *capture_shape(struct capture *c, int table, int columns)
{
    struct relation **shape = &c->shapes[table][columns];
    *shape = *shape ? *shape : wire_shape(table, c->sim->kinds[table], columns);
    return *shape;
}

const struct stream_state *capture_state(const struct capture *c, int table)
{
    return &c->states[table];
}

uint64_t capture_cursor(const struct capture *c)
{
    return c->state.checkpoint ? c->state.checkpoint->cursor : 0;
}

const uint32_t *capture_in_doubt(const struct capture *c, size_t *count)
{
    *count = c->state.checkpoint ? c->state.checkpoint->in_doubt_count : 0;
    return *count ? c->state.checkpoint->in_doubt : NULL;
}

static void begin_state(struct capture *c, int table, const char *ranges, const char *base)
{
    struct stream_state *state = &c->states[table];
    enum table_kind kind = c->sim->kinds[table];
    stream_state_clear(state);
    state->id = mem_format("public.t%d", table);
    state->mode = STREAM_BACKFILL;
    state->snapshot = in_ctid_order(kind) ? mem_string(base) : NULL;
    if (!in_ctid_order(kind)) {
        state->key_columns = mem_zero(2 * sizeof *state->key_columns);
        state->key_columns[0] = mem_string("id");
    }
    state_ranges_parse(state, ranges, SIM_RANGES);
}

/* How a table is captured. */
static void describe(struct capture *c, int table, bool look)
{
    static char id[] = "id", *columns[] = {id, NULL};
    static enum key_order by_number[] = {KEY_INT}, by_server[] = {KEY_SERVER};
    static uint32_t int4[] = {OID_INT4}, numeric[] = {OID_NUMERIC};
    enum table_kind kind = c->sim->kinds[table];
    bool server = kind == BY_SERVER;
    struct merge_stream *s = &c->streams[table];
    *s = (struct merge_stream){.state = &c->states[table],
                               .oid = wire_oid(table),
                               .ctid_order = in_ctid_order(kind),
                               .airbyte_look = look};
    if (kind != CTID_INSERTS) {
        s->key = (struct merge_key){
            1, columns, server ? numeric : int4, server ? by_server : by_number, server, true};
    }
    snapshot_free(&c->bases[table]);
    if (c->states[table].snapshot) {
        snapshot_parse(&c->bases[table], c->states[table].snapshot);
        s->base = &c->bases[table];
    }
}

/* Whether a new run cannot know which rows the backfill in ctid order was to read. */
static bool must_begin_again(const struct sim *sim, int table, const struct stream_state *state)
{
    enum table_kind kind = sim->kinds[table];
    return state->mode == STREAM_BACKFILL && in_ctid_order(kind) &&
           (kind == CTID_UNIQUE || !state->snapshot || sim->server.standby);
}

static bool read_state(struct capture *c, const struct capture_setup *setup, const char *state)
{
    char id[24];
    if (!state) {
        for (int t = 0; t < setup->tables; t++) {
            begin_state(c, t, setup->ranges[t], c->sim->bases[t].text);
        }
        return true;
    }
    if (!state_parse(&c->state, state, strlen(state), NULL, &c->err) || !c->state.checkpoint) {
        sim_fail(c->sim, "a state is refused: %s", c->err.message);
        return false;
    }
    for (int t = 0; t < setup->tables; t++) {
        snprintf(id, sizeof id, "public.t%d", t);
        const struct stream_state *told = checkpoint_stream(c->state.checkpoint, id);
        if (!told) {
            sim_fail(c->sim, "a state says nothing of t%d", t);
            return false;
        }
        if (must_begin_again(c->sim, t, told)) {
            begin_state(c, t, "-", stream_new_base(c->sim, t));
            c->states[t].cursor = c->sim->server.lsn;
        } else {
            stream_state_copy(&c->states[t], told);
        }
    }
    return true;
}

static bool start_merge(struct capture *c, const struct capture_setup *setup, uint64_t start)
{
    const struct merge_stream *streams[SIM_TABLES];
    for (int t = 0; t < setup->tables; t++) {
        describe(c, t, setup->look);
        streams[t] = &c->streams[t];
    }
    struct merge_config config = {
        .streams = streams,
        .stream_count = setup->tables,
        .slot = "our",
        .cursor = start,
        .start = c->state.checkpoint,
        .buffered_bytes = setup->buffered_bytes,
        .emits_skipped_truncates = setup->state_type != STATE_STREAM && !setup->look,
        .hooks = answers_hooks(c->sim),
    };
    c->merge = merge_new(&config, &c->err);
    if (!c->merge) {
        sim_fail(c->sim, "a state does not fit: %s", c->err.message);
        return false;
    }
    merge_pace(c->merge, setup->pause_us);
    return true;
}

struct capture *capture_new(struct sim *sim, const struct capture_setup *setup, const char *state)
{
    struct capture *c = mem_zero(sizeof *c);
    c->sim = sim;
    c->r.decoder = decoder_new();
    c->r.batch = batch_new(0);
    batch_reset(c->r.batch, BATCH_EVENTS);
    out_init(&c->message, 256);
    bool ok = read_state(c, setup, state);
    uint64_t start = state ? capture_cursor(c) : SIM_FIRST_LSN;
    if (!ok || !start_merge(c, setup, start)) {
        capture_free(&c);
        return NULL;
    }
    c->r.resume_lsn = start;
    c->emitter = emitter_new(sim, setup, start);
    return c;
}

void capture_free(struct capture **capture)
{
    struct capture *c = *capture;
    *capture = NULL;
    if (!c) {
        return;
    }
    merge_free(&c->merge);
    emitter_free(&c->emitter);
    batch_free(&c->r.batch);
    decoder_free(&c->r.decoder);
    for (int t = 0; t < SIM_TABLES; t++) {
        for (int i = 0; i <= SIM_COLUMNS; i++) {
            relation_free(&c->shapes[t][i]);
        }
        stream_state_clear(&c->states[t]);
        snapshot_free(&c->bases[t]);
    }
    state_clear(&c->state);
    out_free(&c->message);
    free(c);
}

static void send_home(struct batch **batch)
{
    struct batch *home = batch_done(batch);
    batch_free(&home);
}

static void send_done_home(struct capture *c)
{
    for (struct batch *done = merge_take_done(c->merge), *next; done; done = next) {
        next = done->next;
        batch_free(&done);
    }
}

static void decode(struct capture *c, const struct wal_event *e)
{
    const uint8_t *message = arena_copy(&c->r.batch->arena, c->message.data, c->message.len);
    if (!replication_decode(&c->r, e->lsn, message, c->message.len, &c->err)) {
        sim_fail(c->sim, "a message is refused: %s", c->err.message);
    }
    c->message.len = 0;
}

/* Take a keepalive as the replication reader does. */
static void take_keepalive(struct capture *c, const struct wal_event *e)
{
    if (!decoder_in_transaction(c->r.decoder) && !c->r.repeats) {
        struct event *event = batch_event(c->r.batch);
        event->kind = EVENT_POSITION;
        event->lsn = e->lsn;
        c->r.resume_lsn = e->lsn > c->r.resume_lsn ? e->lsn : c->r.resume_lsn;
    }
}

void capture_receive(struct capture *c, const struct wal_event *e)
{
    int table = e->kind == WAL_WATERMARK ? SIM_TABLES : e->table;
    if (e->kind == WAL_KEEPALIVE) {
        take_keepalive(c, e);
        return;
    }
    if (e->unpublished) {
        return;
    }
    if (e->kind != WAL_BEGIN && e->kind != WAL_COMMIT && c->described[table] != e->columns) {
        c->described[table] = e->columns;
        wire_relation(&c->message, &c->sim->server, table, e->columns);
        decode(c, e);
    }
    wire_message(&c->message, &c->sim->server, e);
    decode(c, e);
}

void capture_merges(struct capture *c)
{
    struct batch *batch = c->r.batch;
    answers_give(c->sim, c->merge, batch);
    if (!merge_events(c->merge, batch, c->sim->now_us, &c->err)) {
        sim_fail(c->sim, "changes are refused: %s", c->err.message);
    }
    send_done_home(c);
    emitter_print(c->emitter, batch);
    for (struct relation *past = batch->past; past; past = past->next) {
        emitter_forget(c->emitter, past);
    }
    decoder_forget(c->r.decoder, &batch->past);
    batch_reset(batch, BATCH_EVENTS);
}

/* As replication_begin() does once it is connected. */
uint64_t capture_reconnect(struct capture *c)
{
    decoder_restart(c->r.decoder);
    memset(c->described, 0, sizeof c->described);
    c->r.repeats = c->r.handed;
    c->r.first_transaction = c->r.handed > 0;
    return c->r.resume_lsn;
}

void capture_rows(struct capture *c, struct batch **batch)
{
    answers_give(c->sim, c->merge, *batch);
    if (!merge_rows(c->merge, batch, &c->err)) {
        sim_fail(c->sim, "rows are refused: %s", c->err.message);
    }
    if (*batch) {
        send_home(batch);
    }
    send_done_home(c);
}

void capture_idle(struct capture *c)
{
    if (c->sim->now_us < merge_deadline_us(c->merge)) {
        return;
    }
    struct batch *batch = batch_new(0);
    batch_reset(batch, BATCH_EVENTS);
    merge_idle(c->merge, batch, c->sim->now_us);
    emitter_print(c->emitter, batch);
    batch_free(&batch);
}

void capture_lose(struct capture *c, int table)
{
    merge_lose(c->merge, table);
    send_done_home(c);
}

void capture_begin(struct capture *c, int table, const char *base, uint64_t not_before)
{
    bool look = c->streams[table].airbyte_look;
    begin_state(c, table, "-", base);
    describe(c, table, look);
    if (!merge_begin(c->merge, table, &c->streams[table], not_before, &c->err)) {
        sim_fail(c->sim, "t%d cannot begin again: %s", table, c->err.message);
    }
}
