/*
 * The reader's thread: messages of the stream to batches of events.
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
#include "base/crash.h"
#include "base/mem.h"
#include "replication.h"

enum {
    BUSY_US = 1000,         /* looks that bring something this soon one after the other… */
    BUSY_LOOKS = 8,         /* …so many times mean that there is plenty… */
    NAP_US = 800,           /* …and that it may gather: see wait_for_more() */
    NAP_LOCAL_US = 200,     /* the buffer of a Unix socket holds few messages */
    HOLD_US = 1000,         /* so long it gathers in all */
    LOOK_US = 1000 * 1000,  /* acknowledgements are looked for so often */
    ASKED_US = 1000 * 1000, /* requests to report this soon one after the other… */
    ASKED_OFTEN = 10,       /* …so many times are not the usual ones */
    SILENT_STATUSES = 3,    /* unanswered reports after which the connection is looked after */
    XLOGDATA_HEADER = 25,
};

/* A server that says nothing is asked for a sign of life with each report. */
static bool status_if_due(struct replication *r, struct err *err)
{
    int64_t now_us = clock_monotonic_us();
    int64_t silence_us = now_us - r->last_message_us;
    if (silence_us > r->status_us * SILENT_STATUSES) {
        r->last_message_us = now_us;
        if (!pg_still_served(r->pg, err)) {
            return false;
        }
    }
    bool due =
        now_us >= r->next_status_us || r->flushed != shared_load(r->engine->config.acknowledged);
    return !due || replication_status(r, silence_us > r->status_us / 2, err);
}

/* Wait for an empty batch, but never so long that the server gives us up. */
static bool have_batch(struct replication *r, struct err *err)
{
    struct engine *e = r->engine;
    while (!r->batch) {
        if (run_stopping(e->config.run)) {
            return err_set(err, ERR_STOPPED, "stopped");
        }
        r->batch = pool_take(e->pools[POOL_READER], BATCH_EVENTS, e->config.run, r->next_status_us);
        r->last_message_us = clock_monotonic_us(); /* it is not the server who is silent */
        if (!r->batch && !status_if_due(r, err)) {
            return false;
        }
        if (r->batch) {
            decoder_forget(r->decoder, &r->batch->past);
        }
    }
    return true;
}

static void hand_over(struct replication *r)
{
    if (r->batch->event_count) {
        crash_point("changes-received");
        wire_leave(r->pg);
        ring_push(r->engine->events, (void **)&r->batch);
    }
    r->handed_over_us = clock_monotonic_us();
}

/* Handing over wakes two threads: while more comes, what has come may wait for it a little. */
static bool may_hold(const struct replication *r)
{
    return clock_monotonic_us() - r->handed_over_us < HOLD_US;
}

static int64_t nap_us(const struct replication *r)
{
    return pg_is_local(r->pg) ? NAP_LOCAL_US : NAP_US;
}

/* After a reconnect the transaction under way comes again: drop what was handed on of it already.
 */
static bool drop_repeated(struct replication *r, size_t before, struct err *err)
{
    const struct event *event = &r->batch->events[before];
    if (r->first_transaction && event->kind == EVENT_BEGIN) {
        r->first_transaction = false;
        if (event->txn->xid != r->xid) {
            err_set(err, ERR_SYSTEM,
                    "after the connection was lost the server did not send transaction %" PRIu32
                    " again, of which a part was captured: the server has lost what it had "
                    "committed; drop the slot, and begin the capture again",
                    r->xid);
            return err_remedy(err, REMEDY_BEGIN_AGAIN);
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

static bool take_xlogdata(struct replication *r, const uint8_t *data, size_t len, struct err *err)
{
    uint64_t start = load64(data + 1);
    size_t before = r->batch->event_count;
    uint64_t server_end = load64(data + 9);
    r->received = start > r->received ? start : r->received;
    r->server_end = server_end > r->server_end ? server_end : r->server_end;
    return decoder_message(r->decoder, r->batch, start, data + XLOGDATA_HEADER,
                           len - XLOGDATA_HEADER, err) &&
           account(r, before, err);
}

/*
 * We report before the server asks. One that asks again and again is shutting down, and waits until
 * all that it sent is confirmed, which only the consumer may do: so it is let go.
 */
static bool still_serving(struct replication *r, struct err *err)
{
    int64_t now_us = clock_monotonic_us();
    r->asked = now_us - r->last_asked_us < ASKED_US ? r->asked + 1 : 1;
    r->last_asked_us = now_us;
    if (r->asked < ASKED_OFTEN) {
        return true;
    }
    r->asked = 0;
    return replication_probe(r, err);
}

static bool take_keepalive(struct replication *r, const uint8_t *data, size_t len, struct err *err)
{
    uint64_t end = load64(data + 1);
    bool reply = len > 17 && data[17];
    r->received = end > r->received ? end : r->received;
    r->server_end = end > r->server_end ? end : r->server_end;
    if (!decoder_in_transaction(r->decoder) && !r->repeats) {
        struct event *event = batch_event(r->batch);
        event->kind = EVENT_POSITION;
        event->lsn = end;
        r->resume_lsn = end > r->resume_lsn ? end : r->resume_lsn;
    }
    return !reply || (replication_status(r, false, err) && still_serving(r, err));
}

static bool take_message(struct replication *r, const struct message *m, struct err *err)
{
    if (m->type == WIRE_ERROR) {
        return wire_fail(r->pg, m, err);
    }
    if (m->type != WIRE_DATA) {
        return err_set(err, ERR_TRANSIENT, "the server ended the replication stream");
    }
    if (m->len > XLOGDATA_HEADER && *m->body == 'w') {
        return take_xlogdata(r, m->body, m->len, err);
    }
    return m->len < 17 || *m->body != 'k' || take_keepalive(r, m->body, m->len, err);
}

static void show_progress(const struct replication *r)
{
    struct progress *p = r->engine->config.progress;
    shared_store(&p->received, r->received);
    shared_store(&p->server_end, r->server_end);
    shared_store(&p->heard_us, (uint64_t)r->last_message_us);
}

/* All that has been taken in. *some: whether that was anything. */
static bool take_all(struct replication *r, bool *some, struct err *err)
{
    struct message message;
    for (*some = false; wire_next(r->pg, &message); *some = true) {
        if (!take_message(r, &message, err)) {
            return false;
        }
    }
    if (*some) {
        r->last_message_us = clock_monotonic_us();
        retry_succeeded(&r->retry, r->last_message_us);
        show_progress(r);
        log_waited(&r->wait);
    }
    return true;
}

/* Whether there is plenty, of what one look after the other brings at once. */
static bool is_busy(struct replication *r, bool some)
{
    int64_t now_us = clock_monotonic_us();
    bool soon = now_us - r->last_look_us < BUSY_US + nap_us(r);
    r->busy_looks = some && soon ? r->busy_looks + 1 : 0;
    r->last_look_us = now_us;
    return r->busy_looks > BUSY_LOOKS;
}

/*
 * The server sends each change by itself, and every packet that finds us asleep wakes us: so while
 * there is plenty, sleep a little and take it in big gulps; when there is not, react at once. Never
 * so long that the buffer between us fills, and the server has to wait.
 */
static bool wait_for_more(struct replication *r, bool busy, struct err *err)
{
    int64_t timeout_us = r->next_status_us - clock_monotonic_us();
    if (busy) {
        nanosleep(&(struct timespec){0, nap_us(r) * 1000}, NULL);
        return true;
    }
    timeout_us = timeout_us < 0 ? 0 : timeout_us > LOOK_US ? LOOK_US : timeout_us;
    return wire_wait(r->pg, timeout_us, err);
}

/* Messages of which nothing is kept, such as what is sent again after a reconnect, must not fill the
 * memory. */
static void forget_repeated(struct replication *r)
{
    if (!r->batch->event_count && batch_bytes(r->batch) >= BATCH_BYTES) {
        wire_leave(r->pg);
        batch_reset(r->batch, BATCH_EVENTS);
    }
}

/* A look that filled all its room has left more behind: no need to wait, nor to hand over yet. */
static bool look(struct replication *r, struct err *err)
{
    bool some, busy = false;
    size_t count;
    if (!have_batch(r, err) || !wire_take(r->pg, &r->batch->arena, &count, err) ||
        !take_all(r, &some, err)) {
        return false;
    }
    if (some) {
        forget_repeated(r);
    }
    bool more = wire_has_more(r->pg);
    if (!more) {
        busy = is_busy(r, some);
    }
    if (batch_bytes(r->batch) >= BATCH_BYTES || (!more && !(busy && may_hold(r)))) {
        hand_over(r);
    }
    return status_if_due(r, err) && (more || wait_for_more(r, busy, err));
}

static bool stream(struct replication *r, struct err *err)
{
    while (!run_stopping(r->engine->config.run)) {
        if (!look(r, err)) {
            return false;
        }
    }
    return true;
}

/* Whether to connect again. */
static bool may_retry(struct replication *r, struct err *err)
{
    int64_t pause_us;
    if (r->pg && r->batch && err->kind == ERR_TRANSIENT) {
        hand_over(r); /* what is whole need not wait for the server to come back */
    }
    pg_close(&r->pg);
    if (run_stopping(r->engine->config.run) ||
        !retry_again(&r->retry, "replication", clock_monotonic_us(), &pause_us, err)) {
        return false;
    }
    shared_store(&r->engine->config.progress->reader_reconnects, ++r->reconnects);
    log_wait(&r->wait, LOG_WARN, "replication interrupted, will try again: %s", err->message);
    run_pause(r->engine->config.run, pause_us);
    return true;
}

/*
 * The server looks objects up as they were when a change was written. Only the publication is named
 * by us: it was not there then, and has been created since or will not be.
 */
static bool explain(struct replication *r, struct err *err)
{
    const struct config *c = r->engine->config.config;
    if (!r->pg || err->kind != ERR_CONFIG || strcmp(pg_sqlstate(r->pg), "42704") != 0) {
        return false;
    }
    char *detail = mem_string(err->message);
    err_set(err, ERR_CONFIG,
            "publication \"%s\" did not exist when changes that are still to be captured were "
            "written, so that they cannot be read: run SELECT pg_drop_replication_slot('%s'), and "
            "begin the capture again",
            c->publication, c->slot);
    err_detail(err, "%s", detail);
    err_remedy(err, REMEDY_BEGIN_AGAIN);
    free(detail);
    return false;
}

void reader_main(void *context)
{
    struct engine *e = context;
    struct replication *r = e->replication;
    struct err err = {0};
    r->resume_lsn = r->received = e->start_lsn;
    r->wait.log = e->config.log;
    retry_succeeded(&r->retry, clock_monotonic_us());
    for (bool again = false;; again = true) {
        if (replication_begin(r, again, &err) && (stream(r, &err) || explain(r, &err))) {
            break;
        }
        if (!may_retry(r, &err)) {
            run_fail(e->config.run, &err);
            break;
        }
    }
    pg_close(&r->pg);
}
