/*
 * A standby makes a commit visible a moment before it says that it has replayed it. One record at a
 * time is replayed: so all that was visible is at or before the end of the next record, which the
 * stream has passed once it is one byte past the reported position. If all received WAL is
 * replayed, there is no next record yet; WAL that comes from an archive does not count as received.
 */
#include "pg/position.h"

#include <stdlib.h>

#include "base/lsn.h"
#include "base/mem.h"
#include "rows.h"

const char *snapshot_sql(const struct pg *pg)
{
    return pg_in_recovery(pg) ? "CASE WHEN pg_catalog.pg_is_in_recovery()"
                                " THEN pg_catalog.pg_last_wal_replay_lsn()::text END"
                              : "pg_catalog.txid_current_snapshot()::text";
}

const char *position_sql(const struct pg *pg)
{
    return pg_in_recovery(pg) ? "CASE WHEN pg_catalog.pg_is_in_recovery()"
                                " THEN pg_catalog.pg_last_wal_replay_lsn() END"
                              : "pg_catalog.pg_current_wal_flush_lsn()";
}

static const char seen_at_standby[] =
    "(SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN NULL"
    "  WHEN received>=replayed"
    "   AND EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver)"
    "  THEN least(received,replayed+1) ELSE replayed+1 END"
    " FROM (SELECT pg_catalog.pg_last_wal_receive_lsn() AS received,"
    "  pg_catalog.pg_last_wal_replay_lsn() AS replayed) x)";

const char *seen_position_sql(const struct pg *pg)
{
    return pg_in_recovery(pg) ? seen_at_standby : "pg_catalog.pg_current_wal_insert_lsn()";
}

bool position_is_none(struct err *err)
{
    return err_set(err, ERR_TRANSIENT, "the standby was promoted");
}

/* One row with one value that is not NULL; NULL: err says why not. */
static struct pg_rows *query(struct pg *pg, const char *expression, struct err *err)
{
    char *sql = mem_format("SELECT %s", expression);
    struct pg_rows *rows = pg_query(pg, sql, 0, NULL, err);
    free(sql);
    if (rows && pg_rows_null(rows, 0, ROWS_VALUE)) {
        position_is_none(err);
        pg_rows_free(&rows);
    }
    return rows;
}

bool position_read(struct pg *pg, const char *(*position)(const struct pg *), uint64_t *lsn,
                   struct err *err)
{
    struct pg_rows *rows = query(pg, position(pg), err);
    bool ok = rows && (lsn_parse(pg_rows_value(rows, 0, ROWS_VALUE), lsn) ||
                       err_set(err, ERR_SYSTEM, "the server's position cannot be read"));
    pg_rows_free(&rows);
    return ok;
}

bool snapshot_read(struct pg *pg, struct snapshot *snapshot, struct err *err)
{
    struct pg_rows *rows = query(pg, snapshot_sql(pg), err);
    bool ok = rows && (snapshot_parse(snapshot, pg_rows_value(rows, 0, ROWS_VALUE)) ||
                       err_set(err, ERR_SYSTEM, "the server's snapshot cannot be read"));
    pg_rows_free(&rows);
    return ok;
}
