/* A replication connection that is lost: whether it is tried again, and until when it was lost. */
#include <string.h>

#include "base/clock.h"
#include "replication.h"
#include "runtime/counter.h"

/* Errors further apart are not the same one again. */
enum { STUCK_PAUSE_US = 60 * 1000 * 1000 };

/* Attempts that fail do not make it lost later. */
static void store_lost(const struct replication *r)
{
    uint64_t *lost_us = &r->config->progress->lost_us;
    if (!shared_load(lost_us)) {
        shared_store(lost_us, (uint64_t)clock_monotonic_us());
    }
}

/* An internal error of the server may pass. One that comes again and again at the same position does
 * not, although messages come before it. */
static bool is_stuck(struct replication *r, int64_t now_us, struct err *err)
{
    int64_t pause_us;
    if (strncmp(err->sqlstate, "XX", 2) != 0) {
        return false;
    }
    if (r->resume_lsn != r->stuck_lsn || now_us - r->stuck_us > STUCK_PAUSE_US) {
        retry_succeeded(&r->stuck, now_us);
        r->stuck_lsn = r->resume_lsn;
    }
    r->stuck_us = now_us;
    return !retry_again(&r->stuck, "replication", now_us, &pause_us, err);
}

bool replication_may_retry(struct replication *r, struct err *err)
{
    int64_t pause_us;
    store_lost(r);
    pg_close(&r->pg);
    int64_t now_us = clock_monotonic_us();
    if (run_stopping(r->config->run) || is_stuck(r, now_us, err) ||
        !retry_again(&r->retry, "replication", now_us, &pause_us, err)) {
        return false;
    }
    shared_store(&r->config->progress->reader_reconnects, ++r->reconnects);
    r->lost_us = r->wait.said ? r->lost_us : clock_monotonic_us();
    r->loss_said |=
        log_wait(&r->wait, LOG_WARN, "replication interrupted, will try again: %s", err->message);
    run_pause(r->config->run, pause_us);
    return true;
}

/* Its end is news where the interruption was. */
void replication_connected(struct replication *r)
{
    shared_store(&r->config->progress->lost_us, 0);
    log_waited(&r->wait);
    if (r->loss_said) {
        r->loss_said = false;
        log_end(r->config->log, LOG_INFO, "replication connected again after %.1f s",
                (double)(r->last_message_us - r->lost_us) / 1e6);
    }
}
