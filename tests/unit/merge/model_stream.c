/* The stream on its way to the merger, and the consumer's falls back to a checkpoint. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model.h"

static const char *row_text(char text[48], int key, const struct row *row, bool unchanged)
{
    if (unchanged) {
        sprintf(text, "%d,%d,^", key, row->v);
    } else {
        sprintf(text, "%d,%d,%d", key, row->v, row->w);
    }
    return text;
}

/* Under DEFAULT identity a moved row's unchanged value is looked up, and may be a newer one until
 * what made it newer has come by. */
static void note_lack(struct model *m, const struct wal_event *e)
{
    if (e->unchanged && !m->server.full) {
        m->may_lack[e->row.w] = true;
    }
}

bool stream_row(void *context, int key, uint32_t xid, char text[64])
{
    struct model *m = context;
    for (int slot = 0; slot < MODEL_SLOTS; slot++) {
        if ((uint32_t)m->server.slots[slot].xid == xid) {
            server_show(&m->server, slot); /* it is waited for */
        }
    }
    const struct row *row = &m->server.rows[key];
    sprintf(text, "%d,%d,%d", key, row->v, row->w);
    return row->v != 0;
}

static void feed_update(struct model *m, const struct wal_event *e)
{
    char old[48], row[48];
    int from = e->kind == WAL_MOVE ? e->from : e->key;
    row_text(row, e->key, &e->row, e->unchanged);
    if (m->server.full) {
        wal_update_full(&m->scene, row_text(old, from, &e->old, false), row);
    } else if (e->kind == WAL_MOVE) {
        note_lack(m, e);
        wal_move(&m->scene, from, row);
    } else {
        wal_update(&m->scene, row);
    }
    m->at[from] = (struct row){0, 0};
    m->at[e->key] = e->row;
}

static void feed_change(struct model *m, const struct wal_event *e)
{
    char row[48];
    switch (e->kind) {
    case WAL_INSERT:
        wal_insert(&m->scene, row_text(row, e->key, &e->row, false));
        m->at[e->key] = e->row;
        return;
    case WAL_UPDATE:
    case WAL_MOVE: feed_update(m, e); return;
    case WAL_DELETE:
        wal_delete(&m->scene, e->key);
        m->at[e->key] = (struct row){0, 0};
        return;
    case WAL_TRUNCATE:
        wal_truncate(&m->scene);
        memset(m->at, 0, sizeof m->at);
        return;
    default: return;
    }
}

static void release(struct model *m, int number)
{
    for (int key = 1; number && key <= MODEL_KEYS; key++) {
        m->place[key] = m->place[key] == number ? PLACE_OUT : m->place[key];
    }
}

static void feed(struct model *m, const struct wal_event *e)
{
    char watermark[16];
    m->scene.lsn = e->lsn;
    switch (e->kind) {
    case WAL_BEGIN:
        model_say(m->trace, "    merger: stream of %llu\n", (unsigned long long)e->xid);
        wal_begin(&m->scene, (uint32_t)e->xid);
        return;
    case WAL_WATERMARK:
        sprintf(watermark, "w%d", e->watermark);
        wal_watermark(&m->scene, "our", watermark);
        m->came_by = e->watermark;
        return;
    case WAL_COMMIT:
        wal_end(&m->scene);
        release(m, m->came_by);
        m->came_by = 0;
        return;
    case WAL_KEEPALIVE: wal_position(&m->scene, e->lsn); return;
    default: feed_change(m, e); return;
    }
}

static void drop(struct model *m, int at)
{
    checkpoint_free(&m->kept[at].whole);
    m->kept_count--;
    memmove(&m->kept[at], &m->kept[at + 1], (size_t)(m->kept_count - at) * sizeof *m->kept);
}

static void keep(struct model *m)
{
    if (m->kept_count == MODEL_KEPT) {
        drop(m, 0);
    }
    struct kept *kept = &m->kept[m->kept_count++];
    *kept = (struct kept){.whole = checkpoint_new(0), .delivered = m->delivered};
    checkpoint_apply(kept->whole, m->scene.whole);
    memcpy(kept->out, m->out, sizeof m->out);
    memcpy(kept->at, m->at, sizeof m->at);
    memcpy(kept->base_rows, m->base_rows, sizeof m->base_rows);
    kept->base_from = m->base_from;
    char *base = snapshot_text(&m->scene.base);
    strcpy(kept->base, base);
    free(base);
}

static void merge(struct model *m)
{
    enum wal_kind last = m->server.wal[m->delivered - 1].kind;
    if (!wal_flush(&m->scene)) {
        model_fail(m, "changes refused: %s", m->scene.err.message);
        return;
    }
    if (last == WAL_KEEPALIVE) {
        scene_quiet(&m->scene);
    }
    check_records(m);
    if ((last == WAL_COMMIT || last == WAL_KEEPALIVE) && m->scene.whole) {
        check_out(m);
        keep(m);
    }
}

void stream_deliver(struct model *m, size_t count, bool all_rows)
{
    const struct server *s = &m->server;
    if (count > s->wal_count - m->delivered) {
        count = s->wal_count - m->delivered;
    }
    for (int range = 0; range < m->ranges && all_rows; range++) {
        while (reader_deliver(m, range)) {
        }
    }
    for (size_t i = 0; i < count; i++) {
        reader_deliver_watermark(m, s->wal[m->delivered + i].watermark);
    }
    for (size_t i = 0; i < count; i++) {
        feed(m, &s->wal[m->delivered++]);
    }
    if (count && !*m->failure) {
        merge(m);
    }
}

/* What the new process finds in its state: ranges to read, all the rest out. */
void stream_place(struct model *m, const struct stream_state *state)
{
    for (int key = 1; key <= MODEL_KEYS; key++) {
        m->place[key] = PLACE_OUT;
    }
    m->ranges = state->range_count;
    for (int i = 0; i < m->ranges; i++) {
        const struct range_state *range = &state->ranges[i];
        struct reader *r = &m->readers[i];
        *r = (struct reader){.until = MODEL_KEYS};
        r->after = range->scanned ? model_number(range->scanned->columns[0].text) : 0;
        r->until = range->until ? model_number(range->until->columns[0].text) : MODEL_KEYS;
        for (int key = r->after + 1; key <= r->until; key++) {
            m->place[key] = PLACE_AHEAD;
        }
    }
}

bool stream_gated(const struct model *m)
{
    struct snapshot snapshot;
    char text[256];
    bool gated = false;
    server_snapshot(&m->server, text);
    snapshot_parse(&snapshot, text);
    for (size_t i = 0; i < m->gate_count; i++) {
        gated |= !snapshot_sees(&snapshot, m->gate[i]);
    }
    snapshot_free(&snapshot);
    return gated;
}

/* What writes now must be visible before a chunk is read: what it did before is skipped. */
static void fence(struct model *m)
{
    for (int slot = 0; slot < MODEL_SLOTS; slot++) {
        if (m->server.slots[slot].state != SLOT_FREE) {
            m->gate[m->gate_count++] = (uint32_t)m->server.slots[slot].xid;
        }
    }
}

static bool is_written(const struct server *s)
{
    bool written = false;
    for (int slot = 0; slot < MODEL_SLOTS; slot++) {
        written |= s->slots[slot].state != SLOT_FREE;
    }
    return written;
}

static void take_base(struct model *m)
{
    char snapshot[256];
    server_snapshot(&m->server, snapshot);
    snapshot_free(&m->scene.base);
    snapshot_parse(&m->scene.base, snapshot);
    memcpy(m->base_rows, m->server.rows, sizeof m->base_rows);
    m->base_from = m->server.wal_count;
    m->resumed = false;
}

/* The table begins again: the consumer forgets it, and gets its rows once more. */
void stream_rebirth(struct model *m, bool skip_all)
{
    if (m->ctid_order && is_written(&m->server)) {
        return; /* the base waits for that */
    }
    for (int i = 0; i < MODEL_RANGES_MOST; i++) {
        reader_clear(&m->readers[i]);
    }
    m->server.reading = 0;
    m->came_by = 0;
    m->gate_count = 0;
    fence(m);
    if (m->ctid_order) {
        take_base(m);
    }
    bool inside = m->delivered && m->server.wal[m->delivered - 1].kind != WAL_COMMIT &&
                  m->server.wal[m->delivered - 1].kind != WAL_KEEPALIVE;
    model_say(m->trace, "*** the table begins again%s\n", inside ? ", in a transaction" : "");
    scene_rebirth(&m->scene, skip_all || m->ctid_order ? m->server.lsn + 1 : 0);
    memset(m->out, 0, sizeof m->out);
    stream_place(m, &m->scene.state);
}

void stream_restart(struct model *m, int which)
{
    if (!m->kept_count || (m->ctid_order && !m->server.insert_only)) {
        return; /* a new run cannot tell which rows such a table's backfill was to read */
    }
    which %= m->kept_count;
    while (m->kept_count > which + 1) {
        drop(m, m->kept_count - 1);
    }
    const struct kept *kept = &m->kept[which];
    for (int i = 0; i < MODEL_RANGES_MOST; i++) {
        reader_clear(&m->readers[i]);
    }
    m->server.reading = 0;
    checkpoint_free(&m->scene.whole);
    m->scene.whole = checkpoint_new(0);
    checkpoint_apply(m->scene.whole, kept->whole);
    memcpy(m->out, kept->out, sizeof m->out);
    memcpy(m->at, kept->at, sizeof m->at);
    memcpy(m->base_rows, kept->base_rows, sizeof m->base_rows);
    m->base_from = kept->base_from;
    m->resumed = true;
    snapshot_free(&m->scene.base);
    snapshot_parse(&m->scene.base, kept->base);
    m->delivered = kept->delivered;
    m->came_by = 0;
    m->gate_count = kept->whole->unseen_count;
    for (size_t i = 0; i < m->gate_count; i++) {
        m->gate[i] = kept->whole->unseen[i];
    }
    model_say(m->trace, "*** restart at %llu, ranges \"%s\", %zu unseen\n",
              (unsigned long long)kept->whole->cursor, saved(&m->scene), m->gate_count);
    if (!checkpoint_stream(kept->whole, "t")->backfilled) {
        fence(m);
    }
    scene_resume(&m->scene);
    stream_place(m, checkpoint_stream(kept->whole, "t"));
}
