/* Running one scenario, step by step, to the end where all is out. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

void model_fail(struct model *m, const char *format, ...)
{
    va_list args;
    if (*m->failure) {
        return; /* the first tells most */
    }
    va_start(args, format);
    vsnprintf(m->failure, sizeof m->failure, format, args);
    va_end(args);
    model_say(m->trace, "!!! %s\n", m->failure);
}

static int key_of(uint8_t number)
{
    return 1 + number % MODEL_KEYS;
}

static void quick(struct server *s, const struct step *step)
{
    int slot = 0;
    while (slot < MODEL_SLOTS && s->slots[slot].state != SLOT_FREE) {
        slot++;
    }
    if (slot == MODEL_SLOTS || !server_begin(s, slot)) {
        return;
    }
    server_change(s, slot, step->b, key_of(step->c), key_of(step->d));
    server_commit(s, slot);
    server_show(s, slot);
}

/* What happens on the server alone. */
static bool on_server(struct server *s, const struct step *step)
{
    int slot = step->a % MODEL_SLOTS;
    switch ((enum step_kind)step->kind) {
    case STEP_BEGIN: server_begin(s, slot); return true;
    case STEP_CHANGE:
        server_change(s, slot, step->b, key_of(step->c), key_of(step->d));
        return true;
    case STEP_COMMIT: server_commit(s, slot); return true;
    case STEP_SHOW: server_show(s, slot); return true;
    case STEP_ABORT: server_abort(s, slot); return true;
    case STEP_QUICK: quick(s, step); return true;
    case STEP_KEEPALIVE: server_keepalive(s); return true;
    default: return false;
    }
}

/* A snapshot taken just now, with nothing unread since. */
static void give_snapshot(struct model *m)
{
    struct snapshot snapshot;
    char text[256];
    server_snapshot(&m->server, text);
    snapshot_parse(&snapshot, text);
    stream_deliver(m, 0, true);
    merge_snapshot(m->scene.m, &snapshot);
    snapshot_free(&snapshot);
    model_say(m->trace, "    merger: snapshot %s\n", text);
}

static void run_step(struct model *m, const struct step *step)
{
    if (on_server(&m->server, step)) {
        return;
    }
    switch ((enum step_kind)step->kind) {
    case STEP_WORK:
        if (m->ranges) {
            reader_work(m, step->a % m->ranges, step->b);
        }
        return;
    case STEP_TAKE_ROWS:
        if (m->ranges) {
            reader_deliver(m, step->a % m->ranges);
        }
        return;
    case STEP_STREAM: stream_deliver(m, 1 + step->a % 16, step->b % 2); return;
    case STEP_SNAPSHOT: give_snapshot(m); return;
    case STEP_RESTART: stream_restart(m, step->a); return;
    case STEP_REBIRTH: stream_rebirth(m, step->a % 2); return;
    default: return;
    }
}

static void start(struct model *m, const struct setup *setup)
{
    static const char *const ranges[] = {"-", "-4 4-", "-3 3-6 6-", "-8 8-"};
    char snapshot[256];
    server_snapshot(&m->server, snapshot);
    memcpy(m->base_rows, m->server.rows, sizeof m->base_rows);
    m->base_from = m->server.wal_count;
    scene_init(&m->scene, m->ctid_order ? NULL : ranges[setup->ranges & 3],
               m->ctid_order ? snapshot : NULL, setup->table == 1);
    m->scene.row = stream_row;
    m->scene.row_context = m;
    stream_place(m, &m->scene.state);
}

/* Let everything happen that is to happen. */
static void settle(struct model *m)
{
    model_say(m->trace, "--- and so it ends:\n");
    for (int slot = 0; slot < MODEL_SLOTS; slot++) {
        server_commit(&m->server, slot);
        server_show(&m->server, slot);
    }
    server_watermark(&m->server, 0);
    for (int round = 0; round < 200 && !*m->failure; round++) {
        for (int range = 0; range < m->ranges; range++) {
            reader_work(m, range, 3);
        }
        stream_deliver(m, SIZE_MAX, true);
    }
}

static void check_end(struct model *m)
{
    const struct checkpoint *whole = m->scene.whole;
    for (int key = 1; key <= MODEL_KEYS; key++) {
        const struct row *out = &m->out[key], *row = &m->server.rows[key];
        if (out->v != row->v || out->w != row->w) {
            model_fail(m, "key %d ends as %d/%d and should be %d/%d", key, out->v, out->w, row->v,
                       row->w);
        }
    }
    if (checkpoint_stream(whole, "t")->mode != STREAM_ACTIVE) {
        model_fail(m, "all is read, and the stream is not active");
    } else if (whole->unseen_count) {
        model_fail(m, "no chunk will be read, and the checkpoint still names transactions");
    }
}

static void model_free(struct model *m)
{
    while (m->kept_count) {
        checkpoint_free(&m->kept[--m->kept_count].whole);
    }
    for (int i = 0; i < MODEL_RANGES_MOST; i++) {
        reader_clear(&m->readers[i]);
    }
    for (int i = 1; i <= m->chunk_count; i++) {
        snapshot_free(&m->chunks[i].snapshot);
    }
    free(m->chunks);
    scene_free(&m->scene);
    server_free(&m->server);
}

bool scenario_run(const struct scenario *s, char failure[256], FILE *trace)
{
    static struct model m;
    int i = 0;
    memset(&m, 0, sizeof m);
    m.trace = trace;
    m.ctid_order = s->setup.table >= 2;
    server_init(&m.server, s->setup.wrap ? (UINT64_C(1) << 32) - 4 : 100, s->setup.rows, trace);
    m.server.full = s->setup.full;
    m.server.insert_only = s->setup.table == 2;
    memcpy(m.at, m.server.rows, sizeof m.at);
    for (; i < s->setup.late && i < s->count; i++) {
        on_server(&m.server, &s->steps[i]);
    }
    start(&m, &s->setup);
    for (; i < s->count && !*m.failure; i++) {
        run_step(&m, &s->steps[i]);
    }
    if (!*m.failure) {
        settle(&m);
    }
    if (!*m.failure) {
        check_end(&m);
    }
    memcpy(failure, m.failure, sizeof m.failure);
    model_free(&m);
    return !*failure;
}
