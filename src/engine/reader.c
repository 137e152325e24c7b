/*
 * The reader's thread: the replication connection.
 *
 * Messages of the stream, inside CopyData:
 *
 *   w XLogData   Int64 start, Int64 end of WAL, Int64 time, then a message of pgoutput
 *   k Keepalive  Int64 end of WAL, Int64 time, Int8 reply at once
 *   r Status     Int64 written, Int64 flushed, Int64 applied, Int64 time, Int8 reply at once (ours)
 *
 * https://www.postgresql.org/docs/current/protocol-replication.html
 *
 * A lost connection is opened again and continues behind the last commit that was handed on; the
 * server then sends the transaction under way from its beginning, and what was handed on of it is
 * dropped.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "internal.h"
#include "wal/decode.h"

enum {
    ADOPT_BYTES = 32 * 1024,       /* larger messages are kept where libpq put them */
    BUSY_US = 1000,                /* looks that bring something this soon one after the other… */
    BUSY_LOOKS = 8,                /* …so many times mean that there is plenty… */
    NAP_US = 800,                  /* …and that it may gather: see gather() */
    STATUS_US = 10 * 1000 * 1000,  /* at least so often, and thrice within wal_sender_timeout */
    LOOK_US = 1000 * 1000,         /* acknowledgements are looked for so often */
    SILENCE_US = 60 * 1000 * 1000, /* without a sign of life the connection is dead */
    GIVE_UP_US = 5 * 60 * 1000 * 1000,
    BACKOFF_FIRST_US = 200 * 1000,
    BACKOFF_MOST_US = 10 * 1000 * 1000,
    XLOGDATA_HEADER = 25,
};

struct replication {
    struct engine *engine;
    struct pg *pg;
    struct decoder *decoder;
    struct batch *batch; /* being filled; NULL: none */
    bool started;        /* the stream has begun on this connection */
    uint64_t received;   /* end of the WAL that the server has sent */
    uint64_t flushed;    /* as last reported */
    int64_t next_status_us, status_us, last_message_us, last_success_us;
    int64_t last_look_us; /* when the last look at the socket ended, */
    int busy_looks;       /* and how many in a row found something at once */

    /* Where to continue. */
    uint64_t resume_lsn;    /* end of the last commit handed on */
    uint32_t xid;           /* of the transaction under way */
    uint64_t handed;        /* its events handed on */
    uint64_t repeats;       /* after a reconnect: events of it still to be dropped */
    bool first_transaction; /* after a reconnect: the next BEGIN must be that transaction's */
};

struct replication *replication_new(struct engine *engine)
{
    struct replication *r = mem_zero(sizeof *r);
    r->engine = engine;
    r->decoder = decoder_new();
    return r;
}

void replication_free(struct replication **replication)
{
    struct replication *r = *replication;
    *replication = NULL;
    if (r) {
        pg_close(&r->pg);
        decoder_free(&r->decoder);
        batch_free(&r->batch);
        free(r);
    }
}

static bool open_connection(struct replication *r, struct err *err)
{
    const struct engine_config *c = &r->engine->config;
    if (!r->pg) {
        r->pg = pg_open(c->config, PG_REPLICATION, "source-postgres replication",
                        run_stop_fd(c->run), err);
    }
    return r->pg != NULL;
}

bool replication_identify(struct replication *r, struct server_identity *server, uint32_t timeline,
                          uint64_t *timeline_end, struct err *err)
{
    *timeline_end = 0;
    return open_connection(r, err) && server_identify(r->pg, server, err) &&
           (timeline == 0 || timeline == server->timeline ||
            server_timeline_end(r->pg, server->timeline, timeline, timeline_end, err));
}

/* Thrice within the time after which the server would think us dead. */
static bool read_timeout(struct replication *r, struct err *err)
{
    if (!pg_send(r->pg, "SHOW wal_sender_timeout", err)) {
        return false;
    }
    r->status_us = STATUS_US;
    for (;;) {
        enum pg_step step = pg_next(r->pg, err);
        if (step == PG_DONE) {
            return true;
        }
        if (step != PG_ROWS) {
            return step == PG_OK;
        }
        struct pg_rows *rows = pg_take_rows(r->pg);
        char *unit;
        long number = strtol(pg_rows_value(rows, 0, 0), &unit, 10);
        int64_t us = number * (!strcmp(unit, "ms")  ? 1000
                               : !strcmp(unit, "s") ? 1000000
                                                    : 60000000);
        pg_rows_free(&rows);
        r->status_us = us > 0 && us / 3 < STATUS_US ? us / 3 : STATUS_US;
    }
}

static bool start_stream(struct replication *r, struct err *err)
{
    const struct config *c = r->engine->config.config;
    struct out sql;
    out_init(&sql, 512);
    out_string(&sql, "START_REPLICATION SLOT ");
    pg_quote_identifier(&sql, c->slot);
    out_format(&sql, " LOGICAL %s (proto_version '1', publication_names ",
               lsn_format(r->resume_lsn).s);
    struct out name;
    out_init(&name, 128);
    pg_quote_identifier(&name, c->publication);
    pg_quote_literal(&sql, name.data, name.len);
    out_string(&sql, ")");
    out_free(&name);
    bool ok = pg_send(r->pg, out_text(&sql), err);
    out_free(&sql);
    enum pg_step step = ok ? pg_next(r->pg, err) : PG_FAILED;
    if (step == PG_FAILED) {
        return ok && err->kind != ERR_STOPPED
                   ? err_prefix(err, "starting replication from slot \"%s\": ", c->slot)
                   : false;
    }
    return step == PG_STREAM || err_set(err, ERR_SYSTEM, "the server did not start to stream");
}

static char *put64(char *p, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(p, &value, sizeof value);
    return p + sizeof value;
}

/* The server may forget all WAL up to what the consumer has taken, and nothing more. */
static bool send_status(struct replication *r, bool reply, struct err *err)
{
    char message[34], *p = message;
    int64_t since_2000_us = (clock_wall_ms() - INT64_C(946684800000)) * 1000;
    r->flushed = shared_load(r->engine->config.acknowledged);
    *p++ = 'r';
    p = put64(p, r->received);
    p = put64(p, r->flushed);
    p = put64(p, r->flushed);
    p = put64(p, (uint64_t)since_2000_us);
    *p = reply ? 1 : 0;
    r->next_status_us = clock_monotonic_us() + r->status_us;
    return pg_stream_send(r->pg, message, sizeof message, err);
}

static bool status_if_due(struct replication *r, struct err *err)
{
    int64_t now_us = clock_monotonic_us();
    bool silent = now_us - r->last_message_us > SILENCE_US / 2;
    if (now_us - r->last_message_us > SILENCE_US) {
        return err_set(err, ERR_TRANSIENT, "the server has been silent for %d s",
                       SILENCE_US / 1000000);
    }
    bool due =
        now_us >= r->next_status_us || r->flushed != shared_load(r->engine->config.acknowledged);
    return !due || send_status(r, silent, err);
}

/* Wait for an empty batch, but never so long that the server gives us up. */
static bool have_batch(struct replication *r, struct err *err)
{
    struct engine *e = r->engine;
    while (!r->batch) {
        if (run_stopping(e->config.run)) {
            return err_set(err, ERR_STOPPED, "stopped");
        }
        r->batch = pool_take(e->pools[POOL_READER], BATCH_EVENTS, r->next_status_us);
        r->last_message_us = clock_monotonic_us(); /* it is not the server who is silent */
        if (!r->batch && !status_if_due(r, err)) {
            return false;
        }
    }
    return true;
}

static void hand_over(struct replication *r)
{
    if (r->batch && r->batch->event_count) {
        ring_push(r->engine->events, (void **)&r->batch);
    }
}

/* After a reconnect the transaction under way comes again: drop what was handed on of it already.
 */
static bool drop_repeated(struct replication *r, size_t before, struct err *err)
{
    const struct event *event = &r->batch->events[before];
    if (r->first_transaction && event->kind == EVENT_BEGIN) {
        r->first_transaction = false;
        if (event->txn->xid != r->xid) {
            return err_set(
                err, ERR_SYSTEM,
                "after the connection was lost the server did not send transaction %" PRIu32
                " again, of which a part was captured: the server has lost what it had "
                "committed; drop the slot and capture the tables anew without state",
                r->xid);
        }
    }
    if (event->kind != EVENT_RELATION) {
        size_t count = r->batch->event_count - before;
        r->repeats -= count < r->repeats ? count : r->repeats;
        r->batch->event_count = before;
    }
    return true;
}

/* Keep account of what is handed on; events from `before` on are new. */
static bool account(struct replication *r, size_t before, struct err *err)
{
    if (r->batch->event_count == before) {
        return true;
    }
    const struct event *event = &r->batch->events[before];
    if (r->repeats) {
        return drop_repeated(r, before, err);
    }
    switch (event->kind) {
    case EVENT_BEGIN:
        r->xid = event->txn->xid;
        r->handed = 1;
        return true;
    case EVENT_COMMIT:
        r->resume_lsn = event->lsn;
        r->handed = 0;
        return true;
    case EVENT_RELATION: return true;
    default: r->handed += r->batch->event_count - before; return true;
    }
}

static bool take_xlogdata(struct replication *r, char *data, size_t len, struct err *err)
{
    struct arena *arena = &r->batch->arena;
    uint64_t start = load64(data + 1);
    const uint8_t *message;
    size_t before = r->batch->event_count;
    if (len >= ADOPT_BYTES) {
        arena_adopt(arena, data, len, pg_free_data);
        message = (const uint8_t *)data + XLOGDATA_HEADER;
    } else {
        message = arena_copy(arena, data + XLOGDATA_HEADER, len - XLOGDATA_HEADER);
        pg_free_data(data);
    }
    r->received = start > r->received ? start : r->received;
    return decoder_message(r->decoder, r->batch, start, message, len - XLOGDATA_HEADER, err) &&
           account(r, before, err);
}

static bool take_keepalive(struct replication *r, char *data, size_t len, struct err *err)
{
    uint64_t end = load64(data + 1);
    bool reply = len > 17 && data[17];
    pg_free_data(data);
    r->received = end > r->received ? end : r->received;
    if (!decoder_in_transaction(r->decoder) && !r->repeats) {
        struct event *event = batch_event(r->batch);
        event->kind = EVENT_POSITION;
        event->lsn = end;
    }
    return !reply || send_status(r, false, err);
}

static bool take_message(struct replication *r, char *data, size_t len, struct err *err)
{
    r->last_message_us = r->last_success_us = clock_monotonic_us();
    if (data[0] == 'w' && len > XLOGDATA_HEADER) {
        return take_xlogdata(r, data, len, err);
    }
    if (data[0] == 'k' && len >= 17) {
        return take_keepalive(r, data, len, err);
    }
    pg_free_data(data);
    return true;
}

/* All that libpq has taken in. *bytes tells how much that was. */
static bool take_all(struct replication *r, size_t *bytes, struct err *err)
{
    char *data;
    int len;
    *bytes = 0;
    for (;;) {
        if (!have_batch(r, err)) {
            return false;
        }
        len = pg_stream_next(r->pg, &data, err);
        if (len <= 0) {
            return len == 0;
        }
        *bytes += (size_t)len;
        if (!take_message(r, data, (size_t)len, err)) {
            return false;
        }
        if (batch_bytes(r->batch) >= BATCH_BYTES) {
            hand_over(r);
        }
    }
}

/*
 * The server sends each change by itself, and every packet that finds us asleep wakes us: so while
 * there is plenty, sleep a little and take it in big gulps; when there is not, react at once. Never
 * so long that the receive buffer fills.
 */
static bool gather(struct replication *r, size_t bytes, struct err *err)
{
    int64_t now_us = clock_monotonic_us();
    int64_t timeout_us = r->next_status_us - now_us;
    bool busy = bytes && now_us - r->last_look_us < BUSY_US + NAP_US;
    r->busy_looks = busy ? r->busy_looks + 1 : 0;
    r->last_look_us = now_us;
    if (r->busy_looks > BUSY_LOOKS) {
        nanosleep(&(struct timespec){0, NAP_US * 1000}, NULL);
        timeout_us = 0;
    }
    timeout_us = timeout_us < 0 ? 0 : timeout_us > LOOK_US ? LOOK_US : timeout_us;
    return pg_stream_wait(r->pg, timeout_us, err);
}

static bool stream(struct replication *r, struct err *err)
{
    size_t bytes;
    while (!run_stopping(r->engine->config.run)) {
        if (!take_all(r, &bytes, err)) {
            return false;
        }
        hand_over(r);
        if (!status_if_due(r, err) || !gather(r, bytes, err)) {
            return false;
        }
    }
    return true;
}

/* Nothing may have changed behind a connection that was opened again. */
static bool verify_again(struct replication *r, struct err *err)
{
    struct engine *e = r->engine;
    struct server_identity server;
    struct slot slot = {0};
    uint64_t timeline_end;
    struct slot_claim claim = {e->identity.system_identifier, e->identity.timeline,
                               e->identity.slot, e->identity.database, r->resume_lsn};
    struct pg *sql =
        pg_open(e->config.config, PG_SQL, "source-postgres", run_stop_fd(e->config.run), err);
    bool ok = sql && slot_read(sql, e->config.config->slot, &slot, err) &&
              replication_identify(r, &server, e->identity.timeline, &timeline_end, err) &&
              slot_verify(&claim, &slot, e->config.config->slot, e->config.config->database,
                          &server, timeline_end, err);
    slot_clear(&slot);
    pg_close(&sql);
    return ok;
}

static bool begin_stream(struct replication *r, bool again, struct err *err)
{
    if ((again && !verify_again(r, err)) || !open_connection(r, err) || !read_timeout(r, err) ||
        !start_stream(r, err)) {
        return false;
    }
    decoder_restart(r->decoder);
    r->repeats = r->handed;
    r->first_transaction = r->handed > 0;
    r->last_message_us = clock_monotonic_us();
    return send_status(r, false, err);
}

static void pause_for(struct replication *r, int64_t us)
{
    struct bell *bell = pool_bell(r->engine->pools[POOL_READER]);
    int64_t deadline_us = clock_monotonic_us() + us;
    while (!run_stopping(r->engine->config.run) && clock_monotonic_us() < deadline_us) {
        bell_wait(bell, bell_count(bell), deadline_us);
    }
}

/* Whether to connect again. */
static bool may_retry(struct replication *r, int64_t *backoff_us, struct err *err)
{
    int64_t now_us = clock_monotonic_us();
    pg_close(&r->pg);
    if (err->kind != ERR_TRANSIENT || run_stopping(r->engine->config.run)) {
        return false;
    }
    if (now_us - r->last_success_us > GIVE_UP_US) {
        return err_prefix(err, "replication gave up after 5 minutes of trying: ");
    }
    *backoff_us = now_us - r->last_success_us < BACKOFF_FIRST_US ? BACKOFF_FIRST_US : *backoff_us;
    log_line(r->engine->config.log, LOG_WARN, "replication interrupted, will try again: %s",
             err->message);
    pause_for(r, *backoff_us);
    *backoff_us = *backoff_us * 2 > BACKOFF_MOST_US ? BACKOFF_MOST_US : *backoff_us * 2;
    return true;
}

void reader_main(void *context)
{
    struct engine *e = context;
    struct replication *r = e->replication;
    struct err err = {0};
    int64_t backoff_us = BACKOFF_FIRST_US;
    r->resume_lsn = r->received = e->start_lsn;
    r->last_success_us = clock_monotonic_us();
    for (bool again = false;; again = true) {
        if (begin_stream(r, again, &err) && stream(r, &err)) {
            break;
        }
        if (!may_retry(r, &backoff_us, &err)) {
            run_fail(e->config.run, &err);
            break;
        }
    }
    pg_close(&r->pg);
}
