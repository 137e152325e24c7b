/*
 * Before the first chunk of a table: transactions that wrote to it before it was published.
 *
 * The stream leaves out what they wrote until then, whenever they commit, and a snapshot taken
 * before they are visible does not show it either. So the first snapshot waits until every
 * transaction that writes to the table now has ended; those that begin later are in the stream.
 * Where a session of replication goes wrong on such transactions, another one must begin after them
 * (struct renewal); what the first one left out until then is in the snapshot, too, as all that
 * wrote meanwhile is waited for once more.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "backfill/backfill.h"
#include "base/clock.h"
#include "base/mem.h"
#include "pg/position.h"
#include "runtime/counter.h"

enum {
    LOOK_US = 100 * 1000,
    FIRST_REPORT_US = 2 * 1000 * 1000,
    NEXT_REPORT_US = 10 * 1000 * 1000,
};

/* Transactions that write to the tables, or to tables that inherit from them: all, or those in
 * $1. */
static const char writers_sql[] =
    "WITH RECURSIVE tables(oid) AS (SELECT pg_catalog.unnest($2::oid[]) UNION SELECT i.inhrelid"
    "  FROM pg_catalog.pg_inherits i JOIN tables t ON i.inhparent=t.oid)"
    " SELECT pg_catalog.array_agg(DISTINCT l.virtualtransaction)::text,"
    "  pg_catalog.string_agg(DISTINCT coalesce(pg_catalog.format("
    "   'process %s (user %s%s)', a.pid, a.usename, coalesce(', open for '||pg_catalog.round("
    "    extract(epoch FROM pg_catalog.clock_timestamp()-a.xact_start)::numeric)||' s', '')),"
    "   'a prepared transaction (see pg_prepared_xacts)'), ', ')"
    " FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid=l.pid"
    " WHERE l.locktype='relation' AND l.granted AND l.relation IN (SELECT oid FROM tables)"
    " AND l.database=(SELECT oid FROM pg_catalog.pg_database"
    "  WHERE datname=pg_catalog.current_database())"
    " AND l.mode IN ('RowExclusiveLock','ShareRowExclusiveLock','ExclusiveLock',"
    "  'AccessExclusiveLock')"
    " AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()"
    " AND ($1::text IS NULL OR l.virtualtransaction=ANY($1::text[]))";

/*
 * A standby does not show the locks of its primary's transactions: so all transactions with ids
 * below the next id are waited for. (A snapshot's end is no bound: at a standby it is behind the
 * last one that has ended, and younger ones run.) The row has the same form as that of writers_sql.
 */
static const char running_sql[] =
    "SELECT CASE WHEN x.oldest<x.wanted THEN ARRAY[x.wanted]::text END,"
    " CASE WHEN x.oldest<x.wanted THEN pg_catalog.format('all transactions of the primary with an"
    " id before %s, of which %s is the oldest (see backend_xid in its pg_stat_activity, and"
    " pg_prepared_xacts)', x.wanted, x.oldest) END"
    " FROM (SELECT y.oldest, coalesce(($1::text[])[1]::bigint,"
    "   y.oldest+pg_catalog.age((y.oldest & 4294967295)::text::xid)) AS wanted"
    "  FROM (SELECT pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()) AS oldest) "
    "y) x";

enum { WRITERS_IDS, WRITERS_WHO };

/* *writers: those of *writers that still write, or all if it is NULL; owned; NULL: none. */
static bool find_writers(struct pg *pg, const char *oids, char **writers, char **who,
                         struct err *err)
{
    const char *params[] = {*writers, oids};
    struct pg_rows *rows = pg_in_recovery(pg) ? pg_query(pg, running_sql, 1, params, err)
                                              : pg_query(pg, writers_sql, 2, params, err);
    free(*writers);
    *writers = *who = NULL;
    if (!rows) {
        return false;
    }
    *writers = mem_string(pg_rows_value(rows, 0, WRITERS_IDS));
    *who = mem_string(pg_rows_value(rows, 0, WRITERS_WHO));
    pg_rows_free(&rows);
    return true;
}

static void report(const struct relation *relation, struct log_wait *wait, const char *who,
                   int64_t *next_us)
{
    if (clock_monotonic_us() >= *next_us) {
        struct stream_label label = stream_label(relation->schema, relation->name);
        *next_us = clock_monotonic_us() + NEXT_REPORT_US;
        char *about = mem_format("the backfill of %s waits for transactions", label.s);
        log_wait_about(wait, LOG_INFO, about,
                       "the backfill of %s waits for transactions that were writing to it, or may "
                       "have been, when its capture began: %s",
                       label.s, who);
        free(about);
    }
}

bool backfill_writers(struct pg *pg, const struct relation *relation, struct log_wait *wait,
                      struct writers *writers, struct err *err)
{
    char *who = NULL, *oids = mem_format("{%" PRIu32 "}", relation->oid);
    bool ok = find_writers(pg, oids, &writers->ids, &who, err);
    if (!writers->report_us) {
        writers->report_us = clock_monotonic_us() + FIRST_REPORT_US;
    }
    if (writers->ids) {
        report(relation, wait, who, &writers->report_us);
    } else {
        log_waited(wait);
    }
    free(oids);
    free(who);
    return ok;
}

bool backfill_renew(struct pg *pg, struct renewal *renewal, uint64_t *lsn, bool *renewed,
                    struct err *err)
{
    *renewed = false;
    if (!*lsn && !position_read(pg, position_sql, lsn, err)) {
        return false;
    }
    if (shared_load(&renewal->wanted) < *lsn) { /* another thread may have written less meanwhile */
        shared_store(&renewal->wanted, *lsn);
    }
    *renewed = shared_load(&renewal->begun) >= *lsn;
    return true;
}

static bool wait_for_renewal(struct pg *pg, struct renewal *renewal, uint64_t lsn, struct run *run,
                             struct err *err)
{
    bool renewed = false, ok = true;
    while (ok && !renewed && !run_stopping(run)) {
        ok = backfill_renew(pg, renewal, &lsn, &renewed, err);
        if (ok && !renewed) {
            run_pause(run, LOOK_US);
        }
    }
    return ok;
}

bool backfill_fence(struct pg *pg, const struct relation *relation, struct run *run,
                    struct log_wait *wait, struct err *err)
{
    struct writers writers = {0};
    bool ok = backfill_writers(pg, relation, wait, &writers, err);
    while (ok && writers.ids && !run_stopping(run)) {
        run_pause(run, LOOK_US);
        ok = backfill_writers(pg, relation, wait, &writers, err);
    }
    log_waited(wait);
    free(writers.ids);
    return ok;
}

bool backfill_fence_task(struct pg *pg, const struct backfill_task *task, struct renewal *renewal,
                         struct run *run, struct log_wait *wait, struct err *err)
{
    const struct relation *relation = task->table->relation;
    if (task->fence && !backfill_fence(pg, relation, run, wait, err)) {
        return false;
    }
    return !pg_forgets_published(pg) || (wait_for_renewal(pg, renewal, task->renew_lsn, run, err) &&
                                         backfill_fence(pg, relation, run, wait, err));
}

bool backfill_unwritten(struct pg *pg, const struct relation *const *tables, int count,
                        bool *unwritten, struct err *err)
{
    char *writers = NULL, *who = NULL;
    struct out oids;
    out_init(&oids, 64);
    for (int i = 0; i < count; i++) {
        out_format(&oids, "%c%" PRIu32, i ? ',' : '{', tables[i]->oid);
    }
    out_char(&oids, '}');
    bool ok = find_writers(pg, out_text(&oids), &writers, &who, err);
    *unwritten = !writers;
    out_free(&oids);
    free(writers);
    free(who);
    return ok;
}
