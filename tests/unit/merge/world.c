/* The database's side of the model: transactions, snapshots, restarts, and the final comparison. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "world_workers.h"

static void fail(struct world *w, const char *what)
{
    if (!w->failure[0]) {
        snprintf(w->failure, sizeof w->failure, "%.199s", what);
    }
}

/* The row as the transaction that may write it sees it. */
static struct row row_of(const struct world *w, const struct tx *tx, int key)
{
    struct row row = w->rows[key];
    for (int i = 0; i < tx->change_count; i++) {
        const struct tx_change *c = &tx->changes[i];
        if (c->kind == 'm' && c->from == key) {
            row.present = false;
        }
        if (c->key == key) {
            row = c->row;
        }
    }
    return row;
}

static struct tx *new_tx(struct world *w)
{
    struct tx *tx = &w->txns[w->tx_count++];
    *tx = (struct tx){.xid = w->next_xid++};
    return tx;
}

static struct tx *active_tx(struct world *w, uint8_t choice)
{
    int active[4], count = 0;
    for (int i = 0; i < w->tx_count && count < 4; i++) {
        if (w->txns[i].state == TX_ACTIVE) {
            active[count++] = i;
        }
    }
    return count ? &w->txns[active[choice % count]] : NULL;
}

static int count_active(const struct world *w)
{
    int count = 0;
    for (int i = 0; i < w->tx_count; i++) {
        count += w->txns[i].state == TX_ACTIVE;
    }
    return count;
}

static bool lockable(const struct world *w, const struct tx *tx, int key)
{
    return w->lock[key] < 0 || &w->txns[w->lock[key]] == tx;
}

static void write_row(struct world *w, struct tx *tx, uint8_t a, uint8_t b)
{
    int key = a % WORLD_KEYS, to = b % WORLD_KEYS, me = (int)(tx - w->txns);
    struct row old = row_of(w, tx, key);
    if (!lockable(w, tx, key) || tx->change_count == WORLD_CHANGES) {
        return;
    }
    struct tx_change c = {.key = key, .row = {true, w->next_version, w->next_version}};
    if (!old.present) {
        c.kind = 'c';
    } else if (b < 80) {
        c.kind = 'u';
        c.keeps_w = b < 40;
        c.row.w = c.keeps_w ? old.w : c.row.w;
    } else if (b < 160 && to != key && lockable(w, tx, to) && !row_of(w, tx, to).present) {
        c.kind = 'm';
        c.from = key;
        c.key = to;
        w->lock[to] = me;
    } else {
        c.kind = 'd';
        c.row.present = false;
    }
    w->next_version++;
    w->lock[key] = me;
    tx->changes[tx->change_count++] = c;
    out_format(&w->story, "xid %u: %c %d%s v=%d\n", tx->xid, c.kind, c.key,
               c.kind == 'm' ? " (moved)" : "", c.row.v);
}

static void log_tx(struct world *w, struct tx *tx)
{
    tx->state = TX_LOGGED;
    tx->lsn = 2000 + (uint64_t)w->wal_count * 1000;
    w->wal[w->wal_count++] = (int)(tx - w->txns);
}

static void end_tx(struct world *w, struct tx *tx, bool committed)
{
    for (int i = 0; i < tx->change_count && committed; i++) {
        const struct tx_change *c = &tx->changes[i];
        if (c->kind == 'm') {
            w->rows[c->from].present = false;
        }
        w->rows[c->key] = c->row;
    }
    for (int k = 0; k < WORLD_KEYS; k++) {
        w->lock[k] = w->lock[k] == tx - w->txns ? -1 : w->lock[k];
    }
    tx->state = TX_ENDED;
}

void world_write_watermark(struct world *w, const char *watermark)
{
    struct tx *tx = new_tx(w);
    snprintf(tx->watermark, sizeof tx->watermark, "%s", watermark);
    log_tx(w, tx);
    end_tx(w, tx, true);
}

/* "xmin:xmax:xip,…": running is what has not ended, be it in the WAL or not. */
void world_snapshot(const struct world *w, char *text, size_t size)
{
    uint32_t xmin = 0, xmax = 3;
    int len = 0;
    char xip[400] = "";
    for (int i = 0; i < w->tx_count; i++) {
        xmax = w->txns[i].state == TX_ENDED && w->txns[i].xid >= xmax ? w->txns[i].xid + 1 : xmax;
    }
    for (int i = 0; i < w->tx_count; i++) {
        const struct tx *tx = &w->txns[i];
        if (tx->state != TX_ENDED && tx->xid < xmax) {
            xmin = xmin ? xmin : tx->xid;
            len += snprintf(xip + len, sizeof xip - (size_t)len, "%s%u", len ? "," : "", tx->xid);
        }
    }
    snprintf(text, size, "%u:%u:%s", xmin ? xmin : xmax, xmax, xip);
}

static void feed_change(struct scene *s, const struct tx_change *c)
{
    char row[64];
    if (c->keeps_w) {
        snprintf(row, sizeof row, "%d,%d,^", c->key, c->row.v);
    } else {
        snprintf(row, sizeof row, "%d,%d,%d", c->key, c->row.v, c->row.w);
    }
    switch (c->kind) {
    case 'c': wal_insert(s, row); return;
    case 'u': wal_update(s, row); return;
    case 'm': wal_move(s, c->from, row); return;
    default: wal_delete(s, c->key); return;
    }
}

/* The next transaction of the stream; what workers have handed over is taken first, as the merger's
 * thread does. */
static void stream_one(struct world *w)
{
    struct scene *s = &w->scene;
    const struct tx *tx = &w->txns[w->wal[w->wal_next++]];
    world_take_queue(w);
    s->lsn = tx->lsn;
    s->now_us++;
    wal_begin(s, tx->xid);
    for (int i = 0; i < tx->change_count; i++) {
        feed_change(s, &tx->changes[i]);
    }
    if (tx->watermark[0]) {
        wal_watermark(s, "our", tx->watermark);
    }
    wal_end(s);
    out_format(&w->story, "stream: xid %u\n", tx->xid);
    if (!wal_flush(s)) {
        fail(w, s->err.message);
    }
}

static void end_one(struct world *w, uint8_t choice)
{
    for (int i = 0; i < w->tx_count; i++) {
        struct tx *tx = &w->txns[(i + choice) % w->tx_count];
        if (tx->state == TX_LOGGED) {
            out_format(&w->story, "xid %u is visible\n", tx->xid);
            end_tx(w, tx, true);
            return;
        }
    }
}

static void commit_one(struct world *w, uint8_t choice)
{
    struct tx *tx = active_tx(w, choice);
    if (tx && choice < 230) {
        out_format(&w->story, "xid %u commits\n", tx->xid);
        log_tx(w, tx);
    } else if (tx) {
        out_format(&w->story, "xid %u aborts\n", tx->xid);
        end_tx(w, tx, false);
    }
}

static bool is_unseen(const struct checkpoint *c, uint32_t xid)
{
    for (size_t i = 0; i < c->unseen_count; i++) {
        if (c->unseen[i] == xid) {
            return true;
        }
    }
    return false;
}

/* A new process: nothing after the last checkpoint happened, and what that calls unseen is waited
 * for. */
static void restart(struct world *w)
{
    struct scene *s = &w->scene;
    if (!s->whole) {
        return;
    }
    out_format(&w->story, "restart\n");
    w->restarts++;
    world_drop_queue(w);
    while (s->record_count && s->records[s->record_count - 1].op != '@') {
        s->record_count--;
    }
    for (int i = 0; i < w->tx_count; i++) {
        if (w->txns[i].state == TX_LOGGED && is_unseen(s->whole, w->txns[i].xid)) {
            end_tx(w, &w->txns[i], true);
        }
    }
    scene_resume(s);
    for (w->wal_next = 0;
         w->wal_next < w->wal_count && w->txns[w->wal[w->wal_next]].lsn < s->whole->cursor;) {
        w->wal_next++;
    }
    world_place_workers(w);
}

/* The merger asks for a snapshot when much is kept; here, whenever the tape says so. */
static void give_snapshot(struct world *w)
{
    char text[500];
    struct snapshot snapshot;
    world_snapshot(w, text, sizeof text);
    world_take_queue(w);
    if (snapshot_parse(&snapshot, text)) {
        merge_snapshot(w->scene.m, &snapshot);
        snapshot_free(&snapshot);
    }
}

static void step(struct world *w, uint8_t what, uint8_t a, uint8_t b)
{
    what %= 32;
    if (what < 9) {
        struct tx *tx = count_active(w) < 3 && a % 3 == 0 ? new_tx(w) : active_tx(w, a);
        if (tx) {
            write_row(w, tx, b, (uint8_t)(a * 37 + b * 11));
        }
    } else if (what < 14) {
        commit_one(w, a);
    } else if (what < 17) {
        end_one(w, a);
    } else if (what < 22) {
        if (w->wal_next < w->wal_count) {
            stream_one(w);
        }
    } else if (what < 29) {
        world_work(w, a, b);
    } else if (what < 30) {
        give_snapshot(w);
    } else if (what < 31) {
        world_take_queue(w);
    } else if (a < 90) {
        restart(w);
    }
}

/* Everything comes to its end, in whatever order is nearest. */
static void come_to_rest(struct world *w)
{
    out_string(&w->story, "rest\n");
    while (active_tx(w, 0)) {
        commit_one(w, 0);
    }
    for (int i = 0; i < w->tx_count; i++) {
        if (w->txns[i].state == TX_LOGGED) {
            end_tx(w, &w->txns[i], true);
        }
    }
    for (int round = 0; round < 60 && !w->failure[0]; round++) {
        for (int r = 0; r < w->worker_count * 4; r++) {
            world_work(w, (uint8_t)r, 1);
        }
        while (w->wal_next < w->wal_count && !w->failure[0]) {
            stream_one(w);
        }
    }
}

/* One record after the other, as a consumer takes them. */
static void consume(struct world *w, struct row *rows, int *newest, const struct record *r)
{
    struct row *row = &rows[r->id];
    bool creates = r->op == 'r' || r->op == 'p' || r->op == 'c';
    if (creates == row->present) {
        fail(w,
             creates ? "a row is created twice" : "a row is changed or deleted that is not there");
    }
    row->present = r->op != 'd';
    if (r->op == 'd') {
        return;
    }
    row->v = atoi(r->v);
    if (strcmp(r->w, "^") != 0) {
        row->w = atoi(r->w + (*r->w == '#'));
    } else if (creates) {
        fail(w, "a create lacks a value");
    }
    if (row->v <= *newest) {
        fail(w, "an old version follows a newer one");
    }
    *newest = row->v;
}

static void compare(struct world *w)
{
    struct row rows[WORLD_KEYS] = {0};
    int newest[WORLD_KEYS] = {0};
    const struct scene *s = &w->scene;
    for (size_t i = 0; i < s->record_count && !w->failure[0]; i++) {
        if (s->records[i].op != '@') {
            consume(w, rows, &newest[s->records[i].id], &s->records[i]);
        }
    }
    if (merge_backfilling(s->m)) {
        fail(w, "the backfill does not end");
    }
    for (int k = 0; k < WORLD_KEYS; k++) {
        const struct row *is = &rows[k], *should = &w->rows[k];
        if (is->present != should->present ||
            (is->present && (is->v != should->v || is->w != should->w))) {
            fail(w, "the records do not add up to the table");
        }
    }
}

static void begin(struct world *w, uint8_t shape)
{
    static const char *const ranges[] = {"-", "-4 4-", "-2 2-5 5-"};
    *w = (struct world){.next_xid = 10, .next_version = 1};
    out_init(&w->story, 1024);
    scene_init(&w->scene, ranges[shape % 3], NULL, shape & 64);
    w->scene.config.checkpoint_interval_us = shape & 128 ? 3 : 0;
    for (int k = 0; k < WORLD_KEYS; k++) {
        w->lock[k] = -1;
        w->rows[k] = (struct row){(shape >> 2 & 7) > k % 8, w->next_version, w->next_version};
        w->next_version++;
    }
    world_place_workers(w);
}

bool world_run(struct world *w, const uint8_t *tape, size_t len)
{
    begin(w, len ? tape[0] : 0);
    for (size_t i = 1; i + 2 < len && !w->failure[0]; i += 3) {
        step(w, tape[i], tape[i + 1], tape[i + 2]);
    }
    if (!w->failure[0]) {
        come_to_rest(w);
    }
    if (!w->failure[0]) {
        compare(w);
    }
    return !w->failure[0];
}

void world_free(struct world *w)
{
    world_drop_queue(w);
    scene_free(&w->scene);
    out_free(&w->story);
}
