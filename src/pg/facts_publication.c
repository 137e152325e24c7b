/* What the publication publishes of its tables. Which tables those are: facts_tables.c. */
#include "base/mem.h"
#include "facts_read.h"
#include "rows.h"

/* One row, or none. Takes columns of later versions. */
static const char publication_sql[] = "SELECT puballtables,"
                                      " pg_has_role(%s, pubowner, 'USAGE'),"
                                      " pubinsert, pubupdate, pubdelete, %s,"
                                      " %s,"
                                      " CASE WHEN NOT pg_has_role(pubowner, 'USAGE')"
                                      "  THEN pg_get_userbyid(pubowner) END,"
                                      " (SELECT rolsuper FROM pg_roles WHERE oid = pubowner) "
                                      "FROM pg_publication WHERE pubname = $1";

enum {
    COL_ALL_TABLES,
    COL_OWNED,
    COL_INSERTS,
    COL_UPDATES,
    COL_DELETES,
    COL_TRUNCATES, /* of versions that have it; older ones never send them */
    COL_VIA_ROOT,
    COL_OWNER,
    COL_OWNER_SUPERUSER,
};

bool facts_read_publication(struct pg *pg, const struct config *config, const char *who,
                            struct publication_facts *publication, struct err *err)
{
    const char *params[] = {config->publication};
    char *sql =
        mem_format(publication_sql, who, pg_server_version(pg) >= 110000 ? "pubtruncate" : "true",
                   pg_server_version(pg) >= 130000 ? "pubviaroot" : "false");
    struct pg_rows *rows = pg_query(pg, sql, 1, params, err);
    free(sql);
    if (rows && pg_rows_count(rows) == 1) {
        *publication = (struct publication_facts){
            .exists = true,
            .all_tables = rows_bool(rows, 0, COL_ALL_TABLES),
            .owned = rows_bool(rows, 0, COL_OWNED),
            .inserts = rows_bool(rows, 0, COL_INSERTS),
            .updates = rows_bool(rows, 0, COL_UPDATES),
            .deletes = rows_bool(rows, 0, COL_DELETES),
            .truncates = rows_bool(rows, 0, COL_TRUNCATES),
            .via_root = rows_bool(rows, 0, COL_VIA_ROOT),
            .owner = rows_copy(rows, 0, COL_OWNER),
            .owner_superuser = rows_bool(rows, 0, COL_OWNER_SUPERUSER),
        };
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}
