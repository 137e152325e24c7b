/* The server's version, settings and limits, and our rights there. */
#include <stdlib.h>

#include "base/mem.h"
#include "facts_read.h"
#include "rows.h"

/* One row. */
static const char server_sql[] =
    "SELECT current_setting('wal_level'),"
    " current_setting('effective_wal_level', true),"
    " r.rolname,"
    " current_database(),"
    " pg_is_in_recovery(),"
    " r.rolsuper,"
    " r.rolsuper OR r.rolreplication OR EXISTS (SELECT FROM pg_roles g"
    "  WHERE g.rolname = 'rds_replication' AND pg_has_role(r.oid, g.oid, 'USAGE')),"
    " has_database_privilege(r.oid, current_database(), 'CREATE'),"
    " r.rolconnlimit,"
    " (SELECT datconnlimit FROM pg_database WHERE datname = current_database()),"
    " current_setting('max_replication_slots'),"
    " (SELECT count(*) FROM pg_replication_slots),"
    " (SELECT string_agg(slot_name, ', ') FROM pg_replication_slots WHERE NOT active),"
    " current_setting('max_wal_senders'),"
    " (SELECT count(*) FROM pg_stat_replication) "
    "FROM pg_roles r WHERE r.rolname = %s";

enum {
    COL_WAL_LEVEL,
    COL_EFFECTIVE_WAL_LEVEL,
    COL_USER,
    COL_DATABASE,
    COL_STANDBY,
    COL_SUPERUSER,
    COL_REPLICATES,
    COL_MAY_CREATE,
    COL_ROLE_LIMIT,
    COL_DATABASE_LIMIT,
    COL_MAX_SLOTS,
    COL_SLOTS,
    COL_IDLE_SLOTS,
    COL_MAX_WAL_SENDERS,
    COL_WAL_SENDERS,
};

bool facts_read_server(struct pg *pg, const char *who, struct server_facts *server, struct err *err)
{
    char *sql = mem_format(server_sql, who);
    struct pg_rows *rows = pg_query(pg, sql, 0, NULL, err);
    free(sql);
    if (!rows) {
        return false;
    }
    bool standby = rows_bool(rows, 0, COL_STANDBY);
    *server = (struct server_facts){
        .version = pg_server_version(pg),
        .wal_level = rows_copy(rows, 0, COL_WAL_LEVEL),
        .effective_wal_level = rows_copy(rows, 0, COL_EFFECTIVE_WAL_LEVEL),
        .user = rows_copy(rows, 0, COL_USER),
        .database = rows_copy(rows, 0, COL_DATABASE),
        .standby = standby,
        .superuser = rows_bool(rows, 0, COL_SUPERUSER),
        .replicates = rows_bool(rows, 0, COL_REPLICATES),
        .may_create = rows_bool(rows, 0, COL_MAY_CREATE) && !standby,
        .role_limit = rows_int(rows, 0, COL_ROLE_LIMIT),
        .database_limit = rows_int(rows, 0, COL_DATABASE_LIMIT),
        .max_slots = rows_int(rows, 0, COL_MAX_SLOTS),
        .slots = rows_int(rows, 0, COL_SLOTS),
        .idle_slots = rows_copy(rows, 0, COL_IDLE_SLOTS),
        .max_wal_senders = rows_int(rows, 0, COL_MAX_WAL_SENDERS),
        .wal_senders = rows_int(rows, 0, COL_WAL_SENDERS),
    };
    pg_rows_free(&rows);
    return true;
}
