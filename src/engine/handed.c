/* Decoding messages to events, and the account of which events of the current transaction were
 * handed on to the merger. */
#include <inttypes.h>

#include "replication.h"

/* After a reconnect the transaction under way comes again: drop the events of it that were handed
 * on. */
static bool drop_repeated(struct replication *r, size_t before, struct err *err)
{
    const struct event *event = &r->batch->events[before];
    if (r->first_transaction && event->kind == EVENT_BEGIN) {
        r->first_transaction = false;
        if (event->txn->xid != r->xid || event->txn->final_lsn != r->final_lsn) {
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

static bool is_between_transactions(const struct event *event)
{
    return event->kind == EVENT_MESSAGE && !event->transactional;
}

/* Keep account of what is handed on; events from `before` on are new. */
static bool account(struct replication *r, size_t before, struct err *err)
{
    if (r->batch->event_count == before) {
        return true;
    }
    const struct event *event = &r->batch->events[before];
    if (is_between_transactions(event)) {
        r->resume_lsn = event->lsn;
        return true;
    }
    if (r->repeats) {
        return drop_repeated(r, before, err);
    }
    switch (event->kind) {
    case EVENT_BEGIN:
        r->xid = event->txn->xid;
        r->final_lsn = event->txn->final_lsn;
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

bool replication_decode(struct replication *r, uint64_t lsn, const uint8_t *message, size_t len,
                        struct err *err)
{
    size_t before = r->batch->event_count;
    return decoder_message(r->decoder, r->batch, lsn, message, len, err) && account(r, before, err);
}
