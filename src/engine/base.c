/*
 * The snapshot that tables without key are read in, in ctid order.
 *
 * Within a run, every chunk imports one snapshot, exported by a transaction that stays open, as
 * pg_dump does it. A later run can only tell by transaction ids which rows that snapshot saw. That
 * is exact as long as no id was used twice (the first 2^32 of them), and if the ids of the
 * subtransactions that ran are known, too: a snapshot lists only those of transactions. The server
 * says of each id whether it is in progress, which a subtransaction is as long as its transaction
 * is.
 *
 * With old_snapshot_threshold (up to version 16) the server removes rows that the snapshot sees, and
 * sessions that import it do not notice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pg/position.h"
#include "runtime/counter.h"
#include "service.h"

enum { STANDBY_TRIES = 100, STANDBY_PAUSE_US = 2000 };

/*
 * If a transaction has run for long, too many ids are newer than its own: then none is asked about.
 * The newest id is asked about first, so a transaction after its subtransactions: if it is still in
 * progress then, the answers about those are right.
 */
static const char export_sql[] =
    "SELECT pg_catalog.pg_export_snapshot(),s::text,CASE WHEN u-l<=100000 THEN"
    " (SELECT pg_catalog.string_agg(id::text,' ' ORDER BY id)"
    "  FROM pg_catalog.generate_series(u-1,l,-1) id"
    "  WHERE pg_catalog.txid_status(id)='in progress') END,"
    " nullif(pg_catalog.current_setting('old_snapshot_threshold',true),'-1')"
    " FROM (SELECT s,pg_catalog.txid_snapshot_xmin(s) AS l,pg_catalog.txid_snapshot_xmax(s) AS u"
    "  FROM (SELECT pg_catalog.txid_current_snapshot() AS s) x) y";

static int by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool is_in(const uint64_t *ids, size_t count, uint64_t id)
{
    return count && bsearch(&id, ids, count, sizeof *ids, by_id);
}

/* The ids that were in progress, ascending. The caller frees. */
static uint64_t *parse_ids(const char *text, size_t *count)
{
    uint64_t *ids = NULL;
    size_t cap = 0;
    char *end;
    *count = 0;
    for (const char *p = text; p && *p; p = end) {
        uint64_t id = strtoull(p, &end, 10);
        if (end == p) {
            break;
        }
        ids = mem_grow_array(ids, &cap, *count + 1, sizeof *ids);
        ids[(*count)++] = id;
    }
    return ids;
}

/*
 * Whether the ids of all subtransactions that the snapshot hides are known: all of its transactions
 * were still in progress when the ids were asked about. Then all ids found in progress are added:
 * an id below the snapshot's end that is in progress later was so when the snapshot was taken.
 */
static bool add_subtransactions(struct snapshot *snapshot, const char *running)
{
    size_t count;
    uint64_t *ids = parse_ids(running, &count);
    bool known = snapshot->xmax <= UINT32_MAX;
    for (size_t i = 0; known && i < snapshot->xip_count; i++) {
        known = is_in(ids, count, snapshot->xip[i]);
    }
    if (!known) {
        free(ids);
        return false;
    }
    free(snapshot->xip);
    snapshot->xip = ids;
    snapshot->xip_count = count;
    return true;
}

enum { BASE_EXPORTED, BASE_TEXT, BASE_RUNNING, BASE_THRESHOLD };

static bool is_kept(const struct pg_rows *rows, struct err *err)
{
    return pg_rows_null(rows, 0, BASE_THRESHOLD) ||
           err_set(err, ERR_CONFIG,
                   "old_snapshot_threshold is %s on the server, so that it would remove rows "
                   "before they are read: tables without a key are read in a snapshot that may be "
                   "held for longer; run ALTER SYSTEM SET old_snapshot_threshold = -1, and restart "
                   "the server, or give these tables a key",
                   pg_rows_value(rows, 0, BASE_THRESHOLD));
}

static bool take(struct pg *pg, struct base_snapshot *base, struct err *err)
{
    struct pg_rows *rows = pg_exec(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err)
                               ? pg_query(pg, export_sql, 0, NULL, err)
                               : NULL;
    if (!rows) {
        return false;
    }
    bool ok =
        is_kept(rows, err) && (snapshot_parse(&base->snapshot, pg_rows_value(rows, 0, BASE_TEXT)) ||
                               err_set(err, ERR_SYSTEM, "the server's snapshot cannot be read"));
    if (ok) {
        base->exported = mem_string(pg_rows_value(rows, 0, BASE_EXPORTED));
        base->text = mem_string(pg_rows_value(rows, 0, BASE_TEXT));
        base->resumable =
            add_subtransactions(&base->snapshot, pg_rows_value(rows, 0, BASE_RUNNING));
    }
    pg_rows_free(&rows);
    return ok;
}

/*
 * At a standby, transaction ids do not show what a snapshot sees. If the standby had replayed all
 * that we had received by then, the snapshot sees what was committed before that position, and
 * nothing else.
 */
static bool try_standby(const struct engine_config *c, struct pg *pg, struct base_snapshot *base,
                        struct err *err)
{
    uint64_t before, seen;
    if (!position_read(pg, position_sql, &before, err) ||
        !pg_exec(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err)) {
        return false;
    }
    struct pg_rows *rows = pg_query(pg,
                                    "SELECT pg_catalog.pg_export_snapshot(),"
                                    "pg_catalog.txid_current_snapshot()::text",
                                    0, NULL, err);
    bool ok = rows && position_read(pg, seen_position_sql, &seen, err);
    if (ok && seen == before && seen >= shared_load(&c->progress->received)) {
        base->snapshot.replayed = seen;
        base->exported = mem_string(pg_rows_value(rows, 0, BASE_EXPORTED));
        base->text = mem_string(pg_rows_value(rows, 0, BASE_TEXT));
    }
    pg_rows_free(&rows);
    return ok && (base->exported || pg_exec(pg, "ROLLBACK", err));
}

static bool take_at_standby(const struct engine_config *c, struct pg *pg,
                            struct base_snapshot *base, struct err *err)
{
    bool ok = true;
    for (int tries = 0; ok && !base->exported && tries < STANDBY_TRIES; tries++) {
        ok = try_standby(c, pg, base, err);
        if (!base->exported) {
            run_pause(c->run, STANDBY_PAUSE_US);
        }
    }
    return ok;
}

bool base_take(const struct engine_config *c, struct base_snapshot *base, struct pg **holder,
               bool *busy, struct err *err)
{
    *base = (struct base_snapshot){0};
    *holder = pg_open(c->config, PG_SQL, "source-postgres snapshot", run_stop_fd(c->run), err);
    bool ok = *holder && (pg_in_recovery(*holder) ? take_at_standby(c, *holder, base, err)
                                                  : take(*holder, base, err));
    *busy = ok && !base->exported;
    if (!ok || *busy) {
        pg_close(holder);
        base_clear(base);
    }
    return ok;
}
