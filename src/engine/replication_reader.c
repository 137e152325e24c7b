/*
 * The replication reader's thread: from messages of the stream to batches of events.
 *
 * A lost connection is opened again, and continues after the last commit that was handed on. The
 * server then sends the transaction under way from its beginning, and those of its events that were
 * handed on are dropped.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "replication.h"

enum {
    BUSY_US = 1000,               /* polls that bring something this soon one after the other… */
    BUSY_POLLS = 8,               /* …so many times mean that the server has much to send… */
    GATHER_US = 800,              /* …and that it may gather for so long: see wait_for_more() */
    GATHER_LOCAL_US = 100,        /* the buffer of a Unix socket holds few messages */
    HOLD_US = 1000,               /* no longer does a batch wait for more */
    POLL_US = 1000 * 1000,        /* so often acknowledgements are looked for */
    ASKED_US = 1000 * 1000,       /* requests for a status this soon one after the other… */
    ASKED_OFTEN = 10,             /* …so many times are not the usual ones */
    STALLED_US = 5 * 1000 * 1000, /* so long without room for a batch, the output is not read */
    SILENT_STATUSES = 3,          /* unanswered reports after which the connection is probed */
    XLOGDATA_HEADER = 25,
};

/* Send a standby status when it is due. A server that is silent is asked to answer. */
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
    bool due = now_us >= r->next_status_us || r->flushed != shared_load(r->config->acknowledged);
    return !due || replication_status(r, silence_us > r->status_us / 2, err);
}

/* The server keeps no WAL for the slot beyond its next checkpoint. */
static bool slot_is_ending(const struct replication *r)
{
    return shared_load(&r->config->progress->slot.status) == SLOT_STATUS_UNRESERVED;
}

/*
 * A sender that waits for us to read cannot be ended by the server: its checkpoints, which are to
 * invalidate the slot and to remove WAL, wait for it, too. So we close the connection.
 */
static bool may_stall(const struct replication *r, int64_t since_us, struct err *err)
{
    return !slot_is_ending(r) || clock_monotonic_us() - since_us < STALLED_US ||
           err_set(err, ERR_TRANSIENT,
                   "the output is not read, and the server keeps no WAL for the slot beyond its "
                   "next checkpoint, which must not wait for us");
}

/* Wait for an empty batch until `until_us`. */
static bool take_batch(struct replication *r, int64_t until_us)
{
    struct pool *pool = r->pipeline->pools[POOL_REPLICATION];
    uint64_t *waiting = &r->config->progress->reader_waits;
    bool waits = !pool_free_batches(pool);
    shared_store(waiting, waits);
    r->batch = pool_take(pool, BATCH_EVENTS, r->config->run, until_us);
    shared_store(waiting, waits && !r->batch);
    r->last_message_us = clock_monotonic_us(); /* we did not read meanwhile */
    if (r->batch) {
        decoder_forget(r->decoder, &r->batch->past);
    } else {
        retry_succeeded(&r->retry, r->last_message_us);
    }
    return r->batch != NULL;
}

/* Never wait so long that wal_sender_timeout ends the stream. */
static bool have_batch(struct replication *r, struct err *err)
{
    int64_t since_us = clock_monotonic_us();
    while (!r->batch) {
        if (run_stopping(r->config->run)) {
            return err_set(err, ERR_STOPPED, "stopped");
        }
        int64_t poll_us = clock_monotonic_us() + POLL_US;
        if (!take_batch(r, poll_us < r->next_status_us ? poll_us : r->next_status_us) &&
            !(status_if_due(r, err) && may_stall(r, since_us, err))) {
            return false;
        }
    }
    return true;
}

/* A connection that may_stall closed is not opened before the output is read again. */
static void wait_for_output(struct replication *r)
{
    while (!r->batch && slot_is_ending(r) && !run_stopping(r->config->run)) {
        take_batch(r, clock_monotonic_us() + POLL_US);
    }
}

static void hand_over(struct replication *r)
{
    if (r->batch->event_count) {
        crash_point("changes-received");
        wire_leave(r->pg);
        ring_push(r->pipeline->events, (void **)&r->batch);
    }
    r->handed_over_us = clock_monotonic_us();
}

/* Handing over wakes two threads: while more comes, a batch may wait for it a little. */
static bool may_hold(const struct replication *r)
{
    return clock_monotonic_us() - r->handed_over_us < HOLD_US;
}

static int64_t gather_us(const struct replication *r)
{
    return pg_is_local(r->pg) ? GATHER_LOCAL_US : GATHER_US;
}

/* The spool file cannot be written or read: from the next connection on, the server spools. Returns
 * false. */
static bool kept_badly(struct replication *r, struct err *err)
{
    r->spool_failed = err->kind == ERR_TRANSIENT;
    return r->spool_failed && err_suffix(err, "; the server keeps such transactions from now on");
}

static bool take_xlogdata(struct replication *r, const uint8_t *data, size_t len, struct err *err)
{
    uint64_t start = load64(data + 1);
    uint64_t server_end = load64(data + 9);
    r->received = start > r->received ? start : r->received;
    r->server_end = server_end > r->server_end ? server_end : r->server_end;
    bool kept;
    data += XLOGDATA_HEADER;
    len -= XLOGDATA_HEADER;
    if (!streamed_take(r->streamed, start, data, len, &kept, err)) {
        return kept_badly(r, err);
    }
    return kept || replication_decode(r, start, data, len, err);
}

/*
 * We report before the server asks. A server that asks again and again is shutting down, and waits
 * until all that it sent is confirmed. Only the consumer may confirm, so we close the connection.
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

static void store_received(const struct replication *r)
{
    struct progress *p = r->config->progress;
    shared_store(&p->received, r->received);
    shared_store(&p->server_end, r->server_end);
    shared_store(&p->heard_us, (uint64_t)r->last_message_us);
    shared_store(&p->open_transactions, streamed_count(r->streamed));
    shared_store(&p->open_bytes, streamed_bytes(r->streamed));
}

/* All messages that have come. *some: there were any. */
static bool take_all(struct replication *r, bool *some, struct err *err)
{
    struct message message;
    for (*some = false; !streamed_committed(r->streamed) && wire_next(r->pg, &message);
         *some = true) {
        if (!take_message(r, &message, err)) {
            return false;
        }
    }
    if (*some) {
        r->last_message_us = clock_monotonic_us();
        retry_succeeded(&r->retry, r->last_message_us);
        store_received(r);
        replication_connected(r);
    }
    return true;
}

/* Whether the server has much to send: one poll after the other brings something at once. */
static bool is_busy(struct replication *r, bool some)
{
    int64_t now_us = clock_monotonic_us();
    bool soon = now_us - r->last_poll_us < BUSY_US + gather_us(r);
    r->busy_polls = some && soon ? r->busy_polls + 1 : 0;
    r->last_poll_us = now_us;
    return r->busy_polls > BUSY_POLLS;
}

/*
 * The server sends each change by itself, and every packet that finds us waiting wakes us. So while
 * it has much to send, sleep a little and read much at once; else react at once. The sleep is short
 * enough that the socket's buffer does not fill, and the server does not wait.
 */
static bool wait_for_more(struct replication *r, bool busy, struct err *err)
{
    int64_t timeout_us = r->next_status_us - clock_monotonic_us();
    if (busy) {
        nanosleep(&(struct timespec){0, gather_us(r) * 1000}, NULL);
        return true;
    }
    timeout_us = timeout_us < 0 ? 0 : timeout_us > POLL_US ? POLL_US : timeout_us;
    return wire_wait_for(r->pg, timeout_us, err);
}

/* Messages that make no event, such as those sent again after a reconnect, must not fill memory. */
static void forget_repeated(struct replication *r)
{
    if (!r->batch->event_count && batch_bytes(r->batch) >= BATCH_BYTES) {
        wire_leave(r->pg);
        batch_reset(r->batch, BATCH_EVENTS);
    }
}

/* A batch of a transaction that was spooled until its commit. */
static bool give_out(struct replication *r, struct err *err)
{
    const uint8_t *message;
    uint64_t lsn;
    size_t len;
    while (streamed_committed(r->streamed) && batch_bytes(r->batch) < BATCH_BYTES) {
        if (!streamed_next(r->streamed, &r->batch->arena, &lsn, &message, &len, err)) {
            return kept_badly(r, err);
        }
        if (!replication_decode(r, lsn, message, len, err)) {
            return false;
        }
    }
    crash_point("transaction-given-out");
    r->last_message_us = clock_monotonic_us();
    store_received(r);
    forget_repeated(r);
    hand_over(r);
    streamed_release(r->streamed);
    return true;
}

/* Read once. If that filled all its room, there is more: do not wait, and do not hand over yet.
 * Nothing is read while a spooled transaction is given out, which comes first. */
static bool poll_server(struct replication *r, struct err *err)
{
    bool some, busy = false;
    size_t count;
    if (!have_batch(r, err)) {
        return false;
    }
    if (streamed_committed(r->streamed)) {
        return give_out(r, err) && status_if_due(r, err);
    }
    if (!wire_take(r->pg, &r->batch->arena, &count, err) || !take_all(r, &some, err)) {
        return false;
    }
    if (some) {
        forget_repeated(r);
    }
    bool more = streamed_committed(r->streamed) || wire_has_more(r->pg);
    if (!more) {
        busy = is_busy(r, some);
    }
    if (batch_bytes(r->batch) >= BATCH_BYTES || (!more && !(busy && may_hold(r)))) {
        hand_over(r);
    }
    return status_if_due(r, err) && (more || wait_for_more(r, busy, err));
}

/* Whether the session is to be begun again, and can be: between two transactions, and past the
 * position that is wanted. */
static bool is_to_renew(const struct replication *r)
{
    uint64_t wanted = shared_load(&r->pipeline->renewal.wanted);
    return wanted > shared_load(&r->pipeline->renewal.begun) && r->resume_lsn >= wanted &&
           !r->handed && !r->repeats && !streamed_committed(r->streamed);
}

/* Until the run stops, or the session is to be begun again. */
static bool stream(struct replication *r, struct err *err)
{
    while (!run_stopping(r->config->run) && !is_to_renew(r)) {
        if (!poll_server(r, err)) {
            return false;
        }
    }
    return true;
}

/*
 * "Undefined object": the server looks objects up as they were when a change was written. The only
 * one that we name is the publication, so it did not exist then, whether it does now or not.
 */
static bool explain(struct replication *r, struct err *err)
{
    const struct config *c = r->config->config;
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

static void renew(struct replication *r)
{
    log_line(r->config->log, LOG_DEBUG, "replication begins again at %s: a table was published",
             lsn_format(r->resume_lsn).s);
    if (r->batch) {
        hand_over(r);
    }
    pg_close(&r->pg);
}

void replication_main(void *context)
{
    struct replication *r = context;
    struct err err = {0};
    r->resume_lsn = r->received = r->start->lsn;
    r->wait.log = r->config->log;
    retry_succeeded(&r->retry, clock_monotonic_us());
    for (bool again = false;; again = true) {
        if (replication_begin(r, again, &err) && (stream(r, &err) || explain(r, &err))) {
            if (run_stopping(r->config->run)) {
                break;
            }
            renew(r);
            continue;
        }
        if (r->pg && r->batch && err.kind == ERR_TRANSIENT) {
            hand_over(r); /* whole messages need not wait for the server to come back */
        }
        if (!replication_may_retry(r, &err)) {
            run_fail(r->config->run, &err);
            break;
        }
        wait_for_output(r);
    }
    pg_close(&r->pg);
}
