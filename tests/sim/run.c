/* Running one scenario, step by step, to the end where all is out. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum {
    ROUNDS = 400,          /* within which everything must have happened */
    PAUSE_US = 200 * 1000, /* between two states, where they are paced */
    SMALL_BYTES = 300,     /* of buffered changes, where memory is small */
};

static const int64_t WALL_US = 1700000000000000, HOUR_US = 3600000000; /* by which it may jump */

void sim_fail(struct sim *m, const char *format, ...)
{
    va_list args;
    if (*m->failure) {
        return; /* the first failure says most */
    }
    va_start(args, format);
    vsnprintf(m->failure, sizeof m->failure, format, args);
    va_end(args);
    sim_say(m->trace, "!!! %s\n", m->failure);
}

static int key_of(uint8_t number)
{
    return 1 + number % SIM_KEYS;
}

static void quick(struct database *s, const struct step *step)
{
    int slot = 0;
    while (slot < SIM_SLOTS && s->slots[slot].state != SLOT_FREE) {
        slot++;
    }
    if (slot == SIM_SLOTS || !server_begin(s, slot)) {
        return;
    }
    server_change(s, slot, step->table % s->tables, step->b, key_of(step->c), key_of(step->d));
    server_commit(s, slot);
    server_show(s, slot);
}

/* Steps that happen on the server alone. */
static bool on_server(struct database *s, const struct step *step)
{
    int slot = step->a % SIM_SLOTS;
    switch ((enum step_kind)step->kind) {
    case STEP_BEGIN: server_begin(s, slot); return true;
    case STEP_CHANGE:
        server_change(s, slot, step->table % s->tables, step->b, key_of(step->c), key_of(step->d));
        return true;
    case STEP_COMMIT: server_commit(s, slot); return true;
    case STEP_SHOW: server_show(s, slot); return true;
    case STEP_ABORT: server_abort(s, slot); return true;
    case STEP_ALTER: server_alter(s, step->table % s->tables); return true;
    case STEP_QUICK: quick(s, step); return true;
    case STEP_KEEPALIVE: server_keepalive(s, step->a % 2); return true;
    case STEP_HIDE: s->hides_watermarks = step->a % 4 == 0; return true;
    default: return false;
    }
}

/* The monotonic clock only goes forward, sometimes by leaps; the wall clock is set now and then. */
static void pass_time(struct sim *m, const struct step *step)
{
    m->now_us += (int64_t)(step->a + 1) * 1000 * (step->b % 8 ? 1 : 1000);
    m->server.lag = step->d % 4 * 40;
    m->server.wall_us += step->c % 8 ? (int64_t)step->a * 1000 : ((int64_t)step->d - 128) * HOUR_US;
}

/* The server crashes, and all connections are lost at both ends. */
static void crash(struct sim *m)
{
    server_crash(&m->server);
    for (int i = 0; i < SIM_TABLES * SIM_RANGES; i++) {
        worker_lost(m, &m->workers[i]);
    }
    stream_reconnect(m);
}

static void take_rows(struct sim *m, int worker, bool idle)
{
    worker_deliver(m, worker);
    if (idle) {
        stream_idle(m);
    }
}

static void run_step(struct sim *m, const struct step *step)
{
    int table = step->table % m->server.tables;
    int worker = table * SIM_RANGES + step->a % SIM_RANGES % 4;
    if (on_server(&m->server, step)) {
        return;
    }
    switch ((enum step_kind)step->kind) {
    case STEP_WORK: worker_work(m, &m->workers[worker], step->b); return;
    case STEP_TAKE_ROWS: take_rows(m, worker, step->b % 2); return;
    case STEP_STREAM: stream_deliver(m, 1 + step->a % 16, step->b % 2); return;
    case STEP_SNAPSHOT: stream_snapshot(m); return;
    case STEP_CLOCK: pass_time(m, step); return;
    case STEP_LOOK: stream_look(m); return;
    case STEP_RECONNECT: stream_reconnect(m); return;
    case STEP_LOST: worker_lost(m, &m->workers[worker]); return;
    case STEP_CRASH: crash(m); return;
    case STEP_RESTART: stream_restart(m, step->a); return;
    case STEP_LOSE: stream_lose(m, table); return;
    case STEP_REVIVE: stream_begin(m, table, step->a % 2); return;
    default: return;
    }
}

static void set_up(struct sim *m, const struct setup *setup)
{
    static const char *const ranges[] = {"-", "-4 4-", "-3 3-6 6-", "-8 8-"};
    m->setup = (struct capture_setup){
        .tables = 1 + setup->tables % SIM_TABLES,
        .state_type = setup->state_type % 3,
        .look = setup->look,
        .buffered_bytes = setup->small ? SMALL_BYTES : SIZE_MAX,
        .pause_us = setup->paced ? PAUSE_US : 0,
    };
    m->positions = setup->positions || setup->standby;
    server_init(&m->server, setup->wrap ? (UINT64_C(1) << 32) - 8 : 100, m->trace);
    m->server.truncates = !setup->look;
    m->server.standby = setup->standby;
    m->server.wall_us = WALL_US;
    for (int t = 0; t < m->setup.tables; t++) {
        m->kinds[t] = (enum table_kind)(setup->kinds[t] % 4);
        m->setup.ranges[t] = in_ctid_order(m->kinds[t]) ? "-" : ranges[setup->ranges[t] % 4];
        server_add_table(&m->server, m->kinds[t], setup->rows[t] % SIM_KEYS, setup->full[t]);
    }
    memcpy(m->at, m->server.first, sizeof m->at);
}

static void end_transactions(struct sim *m)
{
    for (int slot = 0; slot < SIM_SLOTS; slot++) {
        server_commit(&m->server, slot);
        server_show(&m->server, slot);
    }
    m->server.hides_watermarks = false;
}

static void settle_round(struct sim *m)
{
    m->now_us += PAUSE_US;
    for (int t = 0; t < m->server.tables; t++) {
        stream_begin(m, t, false);
    }
    for (int i = 0; i < SIM_TABLES * SIM_RANGES; i++) {
        worker_work(m, &m->workers[i], 3);
    }
    stream_deliver(m, SIZE_MAX, true);
    if (!*m->failure && merge_wants_snapshot(capture_merge(m->capture))) {
        stream_snapshot(m);
    }
    stream_idle(m);
}

static bool is_settled(const struct sim *m)
{
    bool settled = !merge_backfilling(capture_merge(m->capture));
    for (int i = 0; i < SIM_TABLES * SIM_RANGES; i++) {
        settled &= !m->queues[i].count && !m->workers[i].watermark;
    }
    return settled && m->delivered == m->server.wal_count;
}

/* Let everything happen that is still due. */
static void settle(struct sim *m, bool ends)
{
    sim_say(m->trace, "--- and so it ends:\n");
    end_transactions(m);
    for (int round = 0; round < ROUNDS && !*m->failure && !is_settled(m); round++) {
        settle_round(m);
        if (round % 4 == 0) {
            stream_look(m);
            server_keepalive(&m->server, false);
        }
    }
    if (ends && !*m->failure) {
        char watermark[WATERMARK_TEXT];
        snprintf(watermark, sizeof watermark, "w%d", ++m->chunks);
        merge_finish_at(capture_merge(m->capture), watermark, 0);
        server_watermark(&m->server, m->chunks);
    }
    for (int round = 0; round < 3 && !*m->failure; round++) {
        settle_round(m);
    }
    if (ends && !*m->failure && !merge_finished(capture_merge(m->capture))) {
        sim_fail(m, "its last watermark came by, and it does not end");
    }
}

static void clear(struct sim *m)
{
    for (int i = 0; i < m->kept_count; i++) {
        free(m->kept[i].text);
    }
    for (int t = 0; t < SIM_TABLES; t++) {
        free(m->lines[t]);
    }
    for (int i = 0; i < SIM_TABLES * SIM_RANGES; i++) {
        queued_clear(&m->queues[i]);
    }
    capture_free(&m->capture);
    server_free(&m->server);
}

bool scenario_run(const struct scenario *s, char failure[SIM_FAILURE], FILE *trace)
{
    static struct sim m;
    int i = 0;
    memset(&m, 0, sizeof m);
    m.trace = trace;
    set_up(&m, &s->setup);
    for (; i < s->setup.late && i < s->count; i++) {
        on_server(&m.server, &s->steps[i]);
    }
    stream_start(&m);
    for (; i < s->count && !*m.failure; i++) {
        run_step(&m, &s->steps[i]);
    }
    if (!*m.failure) {
        settle(&m, s->setup.ends);
    }
    if (!*m.failure) {
        consumer_check_end(&m);
    }
    memcpy(failure, m.failure, SIM_FAILURE);
    clear(&m);
    return !*failure;
}
