/* Asking the throttle, and for it the server. */
#include "brake.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "runtime/counter.h"
#include "runtime/throttle.h"

enum { MIB = 1024 * 1024 };

/*
 * pg_stat_replication also lists logical replication, ours too: its processes have slots. A role
 * that may not see other roles' entries gets NULL for all but their process ids. pg_receivewal and
 * pg_basebackup have entries without a replay_lsn.
 */
static const char standbys_sql[] =
    "WITH standby AS (SELECT coalesce(nullif(application_name,''),pg_catalog.host(client_addr),"
    "'unnamed') AS name,state,pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery()"
    " THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END,"
    "replay_lsn)::bigint AS behind FROM pg_catalog.pg_stat_replication r WHERE NOT EXISTS"
    " (SELECT FROM pg_catalog.pg_replication_slots s WHERE s.active_pid=r.pid"
    " AND s.slot_type='logical')) "
    "SELECT name,greatest(behind,0),EXISTS (SELECT FROM standby WHERE state IS NULL),"
    "pg_catalog.quote_ident(current_user)"
    " FROM standby ORDER BY behind DESC NULLS LAST LIMIT 1";

enum { STANDBY_NAME, STANDBY_BEHIND, STANDBY_HIDDEN, STANDBY_USER };

void brake_init(struct brake *b, const struct backfill *backfill, struct worker_progress *progress)
{
    *b = (struct brake){.backfill = backfill, .progress = progress, .wait.log = backfill->log};
}

static void say_blind(const struct brake *b, const char *user)
{
    if (throttle_says_blind(b->backfill->throttle)) {
        log_line(
            b->backfill->log, LOG_WARN,
            "how far the server's standbys are behind cannot be seen, so the backfill does not "
            "wait for them (advanced.backfill_max_standby_lag_mb): run GRANT pg_monitor TO %s",
            user);
    }
}

/* The backfill continues without the answer, unless the connection is lost. */
static bool poll_failed(const struct brake *b, const struct pg *pg, const struct err *err)
{
    throttle_lag(b->backfill->throttle, clock_monotonic_us(), 0);
    if (!pg_alive(pg)) {
        return false;
    }
    log_line(
        b->backfill->log, LOG_WARN,
        "how far the server's standbys are behind cannot be seen, so the backfill does not wait "
        "for them: %s",
        err->message);
    return true;
}

/* Poll the server for the standby that lags most, if there is one. */
static bool poll_standbys(struct brake *b, struct pg *pg, struct err *err)
{
    const struct backfill *backfill = b->backfill;
    uint64_t lag_mb = (uint64_t)backfill->config->backfill_max_standby_lag_mb, behind = 0;
    struct pg_rows *rows = pg_query(pg, standbys_sql, 0, NULL, err);
    if (!rows) {
        return poll_failed(b, pg, err);
    }
    if (pg_rows_count(rows)) {
        if (*pg_rows_value(rows, 0, STANDBY_HIDDEN) == 't') {
            say_blind(b, pg_rows_value(rows, 0, STANDBY_USER));
        }
        behind = pg_rows_null(rows, 0, STANDBY_BEHIND)
                     ? 0
                     : strtoull(pg_rows_value(rows, 0, STANDBY_BEHIND), NULL, 10);
    }
    throttle_lag(backfill->throttle, clock_monotonic_us(), behind);
    if (behind > lag_mb * MIB && !b->wait.said) {
        log_wait(&b->wait, LOG_INFO,
                 "the backfill waits for standby \"%s\", which is more than %" PRIu64
                 " MiB behind (advanced.backfill_max_standby_lag_mb)",
                 pg_rows_value(rows, 0, STANDBY_NAME), lag_mb);
    }
    pg_rows_free(&rows);
    return true;
}

bool brake_ask(struct brake *b, struct pg *pg, enum backfill_wait *why, int64_t *wait_us,
               struct err *err)
{
    for (;;) {
        switch (throttle_next(b->backfill->throttle, clock_monotonic_us(), wait_us)) {
        case THROTTLE_GO:
            *wait_us = 0;
            log_waited(&b->wait);
            return true;
        case THROTTLE_RATE: *why = BACKFILL_WAITS_FOR_RATE; return true;
        case THROTTLE_LAG: *why = BACKFILL_WAITS_FOR_STANDBY; return true;
        case THROTTLE_LOOK:
            if (!poll_standbys(b, pg, err)) {
                return false;
            }
        }
    }
}

void brake_hold(struct brake *b, enum backfill_wait why, int64_t wait_us)
{
    int64_t begun_us = clock_monotonic_us();
    run_pause(b->backfill->run, wait_us);
    b->waited_us[why] += (uint64_t)(clock_monotonic_us() - begun_us);
    shared_store(&b->progress->waited_us[why], b->waited_us[why]);
}
