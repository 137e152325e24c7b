/*
 * A heartbeat: a few bytes are written to the WAL, and when all up to there is printed, it is back.
 * It needs no table, and need not be in the stream: the stream's position passes it.
 */
#include "base/clock.h"
#include "base/lsn.h"
#include "runtime/counter.h"
#include "service.h"

/*
 * It is flushed at once, as a commit is; else the WAL writer would take its time. Until PostgreSQL
 * 17 only a transaction with an id does that. No synchronous standby is waited for.
 */
static const char *heartbeat_sql(const struct pg *pg)
{
    return pg_server_version(pg) >= 170000
               ? "SELECT pg_catalog.pg_logical_emit_message(false,'" OWN_MESSAGES "',$1,true)"
               : "SELECT pg_catalog.pg_logical_emit_message(false,'" OWN_MESSAGES "',$1),"
                 " pg_catalog.set_config('synchronous_commit','local',true),"
                 " pg_catalog.txid_current()";
}

static bool send(struct service *s, uint64_t *lsn, int64_t *sent_us, struct err *err)
{
    const char *slot = s->config->config->slot;
    struct retry retry;
    struct pg_rows *rows;
    retry_succeeded(&retry, clock_monotonic_us());
    do {
        *sent_us = clock_monotonic_us();
        rows = pg_query(s->pg, heartbeat_sql(s->pg), 1, &slot, err);
    } while (!rows && service_may_retry(s, &retry, err));
    bool ok =
        rows && (lsn_parse(pg_rows_value(rows, 0, 0), lsn) ||
                 err_set(err, ERR_SYSTEM, "the server does not report its position in the WAL"));
    pg_rows_free(&rows);
    return ok;
}

bool answer_heartbeat(struct service *s)
{
    struct heartbeat_progress *shown = &s->config->progress->heartbeat;
    struct err err = {0};
    uint64_t lsn;
    int64_t sent_us;
    if (!send(s, &lsn, &sent_us, &err)) {
        if (!run_stopping(s->config->run)) {
            log_line(s->config->log, LOG_WARN,
                     "no heartbeats are sent (advanced.heartbeat_seconds), because the server "
                     "refuses them: %s",
                     err.message);
        }
        return false;
    }
    shared_store(&shown->sent_us, (uint64_t)sent_us);
    shared_store(&shown->lsn, lsn); /* the emitter compares positions with it from now on */
    run_ring_bells(s->config->run);
    return true;
}
