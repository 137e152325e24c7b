/* The stream on its way to the merger; and how the capture ends and continues. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

bool stream_row(struct sim *m, int table, int key, uint32_t xid, struct row *row)
{
    for (int slot = 0; slot < SIM_SLOTS; slot++) {
        if ((uint32_t)m->server.slots[slot].xid == xid) {
            server_show(&m->server, slot); /* the look-up waits for it */
        }
    }
    *row = m->server.table[table].rows[key];
    return row->v != 0;
}

/* Under DEFAULT identity a moved row's unchanged value is looked up, and may be a newer one until
 * the change that made it newer has arrived. */
static void note_lack(struct sim *m, const struct wal_event *e)
{
    if (e->unchanged && !m->server.table[e->table].full) {
        m->may_lack[e->row.w] = true;
    }
}

static void receive(struct sim *m, const struct wal_event *e)
{
    if (e->kind == WAL_BEGIN) {
        sim_say(m->trace, "    merger: stream of %llu\n", (unsigned long long)e->xid);
    }
    if (e->kind == WAL_MOVE) {
        note_lack(m, e);
    }
    capture_receive(m->capture, e);
}

static void deliver_rows(struct sim *m)
{
    for (int i = 0; i < SIM_TABLES * SIM_RANGES; i++) {
        while (worker_deliver(m, i)) {
        }
    }
}

void stream_deliver(struct sim *m, size_t count, bool all_rows)
{
    const struct database *s = &m->server;
    size_t left = s->wal_count - m->delivered;
    if (all_rows) {
        deliver_rows(m);
    }
    if (merge_stalled(capture_merge(m->capture)) || merge_finished(capture_merge(m->capture))) {
        return;
    }
    count = count < left ? count : left;
    for (size_t i = 0; i < count; i++) {
        worker_deliver_watermark(m, s->wal[m->delivered + i].watermark);
    }
    for (size_t i = 0; i < count && !*m->failure; i++) {
        receive(m, &s->wal[m->delivered++]);
    }
    if (count && !*m->failure) {
        capture_merges(m->capture);
    }
}

void stream_idle(struct sim *m)
{
    capture_idle(m->capture);
}

/* Give the merger a snapshot taken just now, with no rows left unread. */
void stream_snapshot(struct sim *m)
{
    struct snapshot snapshot;
    char text[256];
    server_snapshot(&m->server, text);
    snapshot_parse(&snapshot, text);
    deliver_rows(m);
    merge_snapshot(capture_merge(m->capture), &snapshot);
    snapshot_free(&snapshot);
    sim_say(m->trace, "    merger: snapshot %s\n", text);
}

void stream_reconnect(struct sim *m)
{
    uint64_t lsn = capture_reconnect(m->capture);
    m->delivered = server_start(&m->server, lsn);
    sim_say(m->trace, "the stream breaks off, and goes on from %llu\n", (unsigned long long)lsn);
}

/* The stream has passed all that a look saw: chunks whose watermarks have not arrived get
 * another. */
void stream_look(struct sim *m)
{
    char watermark[WATERMARK_TEXT];
    int stream;
    stream_deliver(m, SIZE_MAX, true);
    if (*m->failure || m->delivered < m->server.wal_count) {
        return;
    }
    merge_look(capture_merge(m->capture));
    snprintf(watermark, sizeof watermark, "w%d", m->chunks + 1);
    if (merge_wait_again(capture_merge(m->capture), watermark, &stream)) {
        server_watermark(&m->server, ++m->chunks);
    }
}

bool stream_gated(const struct sim *m)
{
    struct snapshot snapshot;
    char text[256];
    bool gated = false;
    server_snapshot(&m->server, text);
    snapshot_parse(&snapshot, text);
    for (size_t i = 0; i < m->gate_count; i++) {
        gated |= !snapshot_sees(&snapshot, m->gate[i], 0);
    }
    snapshot_free(&snapshot);
    return gated;
}

static void wait_for(struct sim *m, uint32_t xid)
{
    if (m->gate_count < SIM_GATE) {
        m->gate[m->gate_count++] = xid;
    }
}

/* Wait until the transactions that write now are visible: their earlier changes are skipped. */
static void fence(struct sim *m)
{
    for (int slot = 0; slot < SIM_SLOTS; slot++) {
        if (m->server.slots[slot].state != SLOT_FREE) {
            wait_for(m, (uint32_t)m->server.slots[slot].xid);
        }
    }
}

static int number_of(const struct key *key, int otherwise)
{
    return key ? atoi(key->columns[0].text) : otherwise;
}

/* A worker for each range that is still to be read. */
static void place_workers(struct sim *m, int table)
{
    const struct stream_state *state = capture_state(m->capture, table);
    for (int r = 0; state->mode == STREAM_BACKFILL && r < state->range_count; r++) {
        const struct range_state *range = &state->ranges[r];
        struct worker *w = &m->workers[table * SIM_RANGES + r];
        *w = (struct worker){.table = table, .range = r};
        w->life = merge_life(capture_merge(m->capture), table);
        w->after = number_of(range->scanned, 0);
        w->until = number_of(range->until, SIM_KEYS);
    }
}

static void dismiss(struct sim *m, int table)
{
    for (int r = 0; r < SIM_RANGES; r++) {
        m->workers[table * SIM_RANGES + r] = (struct worker){.done = true};
    }
    m->server.table[table].reading = 0;
}

/* The rows that the backfill of a table in ctid order is to read. */
static void take_base(struct sim *m, int table)
{
    struct base *base = &m->bases[table];
    m->server.lag = 0; /* it is taken while no transaction runs */
    server_snapshot(&m->server, base->text);
    memcpy(base->rows, m->server.table[table].rows, sizeof base->rows);
    base->from = m->server.wal_count;
    base->emptied = m->server.table[table].emptied;
    m->resumed[table] = false;
}

void stream_start(struct sim *m)
{
    for (int t = 0; t < SIM_TABLES; t++) {
        take_base(m, t);
        dismiss(m, t);
    }
    m->capture = capture_new(m, &m->setup, NULL);
    for (int t = 0; m->capture && t < m->server.tables; t++) {
        place_workers(m, t);
    }
}

void stream_lose(struct sim *m, int table)
{
    if (merge_is_lost(capture_merge(m->capture), table)) {
        return;
    }
    sim_say(m->trace, "*** t%d is lost\n", table);
    dismiss(m, table);
    capture_lose(m->capture, table);
    consumer_forget(m, table);
}

/* A lost table begins again: the consumer gets its rows once more. */
void stream_begin(struct sim *m, int table, bool skip_all)
{
    bool ctid_order = in_ctid_order(m->kinds[table]);
    if (!merge_is_lost(capture_merge(m->capture), table) ||
        (ctid_order && server_writing(&m->server, table))) {
        return; /* the base waits for that */
    }
    fence(m);
    take_base(m, table);
    sim_say(m->trace, "*** t%d begins again\n", table);
    capture_begin(m->capture, table, m->bases[table].text,
                  skip_all || ctid_order ? m->server.lsn : 0);
    place_workers(m, table);
}

static void forget_run(struct sim *m)
{
    for (int i = 0; i < SIM_TABLES * SIM_RANGES; i++) {
        queued_clear(&m->queues[i]);
    }
    for (int t = 0; t < m->server.tables; t++) {
        dismiss(m, t);
    }
    capture_free(&m->capture);
    m->gate_count = 0;
}

/* The tables as of the state's cursor. */
static void replay(struct sim *m, uint64_t cursor)
{
    m->delivered = m->passed = server_start(&m->server, cursor);
    m->passed_lsn = cursor;
    memcpy(m->at, m->server.first, sizeof m->at);
    for (size_t i = 0; i < m->passed; i++) {
        wal_replay(&m->server.wal[i], m->at);
    }
}

/* The base of a table that begins again with a new run, which first waits for transactions that
 * write to it. */
const char *stream_new_base(struct sim *m, int table)
{
    for (int slot = 0; slot < SIM_SLOTS && server_writing(&m->server, table); slot++) {
        server_commit(&m->server, slot);
        server_show(&m->server, slot);
    }
    sim_say(m->trace, "*** t%d begins again\n", table);
    take_base(m, table);
    consumer_forget(m, table);
    return m->bases[table].text;
}

static void resume_table(struct sim *m, int table)
{
    const struct stream_state *state = capture_state(m->capture, table);
    m->ahead_lsn[table] = state->cursor;
    if (state->mode == STREAM_BACKFILL && !state->backfilled) {
        fence(m);
    }
    place_workers(m, table);
}

void stream_restart(struct sim *m, int which)
{
    size_t in_doubt;
    if (!m->kept_count) {
        return;
    }
    which %= m->kept_count;
    while (m->kept_count > which + 1) {
        free(m->kept[--m->kept_count].text);
    }
    const struct kept *kept = &m->kept[which];
    sim_say(m->trace, "*** restart from %s\n", kept->text);
    forget_run(m);
    consumer_fall_back(m, kept);
    memcpy(m->bases, kept->bases, sizeof m->bases);
    memset(m->resumed, true, sizeof m->resumed);
    m->capture = capture_new(m, &m->setup, kept->text);
    if (!m->capture) {
        return;
    }
    replay(m, capture_cursor(m->capture));
    const uint32_t *xids = capture_in_doubt(m->capture, &in_doubt);
    for (size_t i = 0; i < in_doubt; i++) {
        wait_for(m, xids[i]);
    }
    for (int t = 0; t < m->server.tables; t++) {
        resume_table(m, t);
    }
}
