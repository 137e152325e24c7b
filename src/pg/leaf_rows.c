/*
 * The xmin of a row says when it was written and, within one transaction, its cmin does. Both are
 * read as they are stored: a frozen row keeps the xmin of an earlier epoch, which may look like an
 * id that is still to be used. Such a row is old: a snapshot sees only rows with ids below the next
 * one.
 *
 * Conditions use age(), which counts from the next id as the transaction first saw it: each
 * question here must be a transaction of its own.
 */
#include "leaf_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/out.h"
#include "rows.h"

/*
 * Through the root, the partition's constraint lets the planner leave out the others. What is being
 * detached is not below it any more.
 *
 * A command that replaces a table's file also replaces those of its indexes and its TOAST table,
 * and writes the pg_class entries of all of them; GRANT or a new constraint rewrites one entry
 * later. So the oldest entry shows when.
 */
static const char find_sql[] =
    "WITH RECURSIVE above(oid) AS (SELECT $2::oid UNION ALL SELECT h.inhparent FROM above a"
    " JOIN pg_catalog.pg_inherits h ON h.inhrelid=a.oid AND a.oid<>$1::oid%s),"
    " named(oid,schema,name,count,file,xid,command) AS (SELECT "
    "c.oid,n.oid,pg_catalog.quote_ident(n.nspname)||'.'||"
    "pg_catalog.quote_ident(c.relname),c.reltuples,c.relfilenode::text,f.xmin::text,f.cmin::text"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace"
    " CROSS JOIN LATERAL"
    " (SELECT e.xmin,e.cmin FROM pg_catalog.pg_class e WHERE e.oid IN (c.oid,c.reltoastrelid)"
    " OR e.oid IN (SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid=c.oid)"
    " ORDER BY pg_catalog.age(e.xmin) DESC LIMIT 1) f WHERE c.oid IN ($1::oid,$2::oid)) "
    "SELECT l.name,"
    "CASE WHEN pg_catalog.has_table_privilege(l.oid,'SELECT')"
    " AND pg_catalog.has_schema_privilege(l.schema,'USAGE') THEN 'ONLY '||l.name||' r WHERE true'"
    " WHEN EXISTS (SELECT FROM above a WHERE a.oid=$1::oid) THEN"
    " (SELECT r.name FROM named r WHERE r.oid=$1::oid)||' r WHERE r.tableoid='||l.oid||' AND '||"
    "coalesce(pg_catalog.pg_get_partition_constraintdef(l.oid),'true') END,"
    "l.count=0,"
    "l.file,"
    "l.xid,"
    "l.command"
    " FROM named l WHERE l.oid=$2::oid";

enum { FOUND_NAME, FOUND_FROM, FOUND_EMPTY, FOUND_FILE, FOUND_XID, FOUND_COMMAND };

/* Ask about a leaf below a root. */
static struct pg_rows *ask(struct pg *pg, const char *sql, uint32_t root, uint32_t oid,
                           struct err *err)
{
    char *params[] = {mem_format("%" PRIu32, root), mem_format("%" PRIu32, oid)};
    struct pg_rows *rows = pg_query(pg, sql, 2, (const char *const *)params, err);
    free(params[0]);
    free(params[1]);
    return rows;
}

bool leaf_rows_find(struct pg *pg, uint32_t root, uint32_t oid, struct leaf_rows *leaf,
                    struct err *err)
{
    char *sql =
        mem_format(find_sql, pg_server_version(pg) >= 140000 ? " AND NOT h.inhdetachpending" : "");
    struct pg_rows *rows = ask(pg, sql, root, oid, err);
    free(sql);
    bool found = rows && pg_rows_count(rows);
    *leaf = (struct leaf_rows){
        .name = found ? rows_copy(rows, 0, FOUND_NAME) : NULL,
        .from = found ? rows_copy(rows, 0, FOUND_FROM) : NULL,
        .file = found ? rows_copy(rows, 0, FOUND_FILE) : NULL,
        .rewritten_empty =
            found && pg_server_version(pg) >= 140000 && rows_bool(rows, 0, FOUND_EMPTY),
        .written_by = found ? (uint32_t)strtoul(rows_text(rows, 0, FOUND_XID), NULL, 10) : 0,
        .command = found ? (uint32_t)strtoul(rows_text(rows, 0, FOUND_COMMAND), NULL, 10) : 0};
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

void leaf_rows_clear(struct leaf_rows *leaf)
{
    free(leaf->name);
    free(leaf->from);
    free(leaf->file);
    *leaf = (struct leaf_rows){0};
}

bool leaf_rows_exist(struct pg *pg, const struct leaf_rows *leaf, const char *condition,
                     bool *found, struct err *err)
{
    char *sql = mem_format("SELECT EXISTS (SELECT FROM %s AND (%s))", leaf->from, condition);
    struct pg_rows *rows = pg_query(pg, sql, 0, NULL, err);
    *found = rows && rows_bool(rows, 0, ROWS_VALUE);
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    free(sql);
    return ok;
}

/* An ALTER TABLE that rewrites rows writes all of them with one command, before its entry. */
bool leaf_rows_rewritten(struct pg *pg, const struct leaf_rows *leaf, bool *found, struct err *err)
{
    enum { FIRST = 1000 };
    char *sql =
        mem_format("SELECT EXISTS (SELECT FROM (SELECT r.xmin AS x,r.cmin::text::bigint AS c"
                   " FROM %s LIMIT %d) r WHERE r.x='%" PRIu32 "'::xid AND r.c<=%" PRIu32 ")",
                   leaf->from, FIRST, leaf->written_by, leaf->command);
    struct pg_rows *rows = pg_query(pg, sql, 0, NULL, err);
    *found = rows && rows_bool(rows, 0, ROWS_VALUE);
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    free(sql);
    return ok;
}

/*
 * Each attachment between the leaf and the root: when it happened, and when the leaf was made.
 * CREATE TABLE ... PARTITION OF is not one. It writes the entries of the columns together with that
 * of ctid, which no command ever alters, whereas ATTACH rewrites each column's entry to count an
 * ancestor.
 */
static const char attached_sql[] =
    "WITH RECURSIVE path(child,parent,xmin,cmin) AS ("
    "SELECT h.inhrelid,h.inhparent,h.xmin,h.cmin FROM pg_catalog.pg_inherits h"
    " WHERE h.inhrelid=$2::oid UNION ALL"
    " SELECT h.inhrelid,h.inhparent,h.xmin,h.cmin FROM path p"
    " JOIN pg_catalog.pg_inherits h ON h.inhrelid=p.parent AND p.parent<>$1::oid) "
    "SELECT p.xmin,p.cmin,b.xmin,b.cmin FROM path p"
    " JOIN pg_catalog.pg_attribute b ON b.attrelid=$2::oid AND b.attnum=-1"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute s JOIN pg_catalog.pg_attribute a"
    " ON a.attrelid=s.attrelid AND a.xmin=s.xmin AND a.cmin=s.cmin"
    " WHERE s.attrelid=p.child AND s.attnum=-1 AND a.attnum>0 AND a.attinhcount>0)";

enum { ATTACHED_XID, ATTACHED_COMMAND, MADE_XID, MADE_COMMAND };

/*
 * A row is as old as an attachment if its id is smaller, or if it was written by the same
 * transaction with an earlier command. After a savepoint a row has a larger id than its
 * transaction, and the row does not show which transaction that was. So an earlier command counts
 * whatever the id, unless the id is from before the table was made. A command of another
 * transaction may be mistaken for one; then the table is only read again.
 */
static void add_before(struct out *out, const struct pg_rows *rows, int row)
{
    const char *xid = rows_text(rows, row, ATTACHED_XID),
               *command = rows_text(rows, row, ATTACHED_COMMAND);
    bool made_in_it = !strcmp(xid, rows_text(rows, row, MADE_XID));
    out_format(out,
               "%spg_catalog.age(r.xmin) NOT BETWEEN 1 AND pg_catalog.age('%s'::xid)"
               " OR (r.cmin::text::bigint<%s AND r.cmin::text::bigint>%s)",
               row ? " OR " : "", xid, command,
               made_in_it ? rows_text(rows, row, MADE_COMMAND) : "-1");
}

bool leaf_rows_before(struct pg *pg, uint32_t root, uint32_t oid, char **condition, struct err *err)
{
    struct out out;
    struct pg_rows *rows = ask(pg, attached_sql, root, oid, err);
    *condition = NULL;
    if (!rows) {
        return false;
    }
    out_init(&out, 256);
    for (int i = 0; i < pg_rows_count(rows); i++) {
        add_before(&out, rows, i);
    }
    *condition = out.len ? mem_string(out_text(&out)) : NULL;
    out_free(&out);
    pg_rows_free(&rows);
    return true;
}

/*
 * An update leaves the place of the old version empty until VACUUM: rows that were there before the
 * attachment were in the first page, and if all have been updated, it has gaps. Gaps of other
 * causes do no harm where there are no TOAST values, which an update may leave out.
 */
char *leaf_rows_replaced(const struct leaf_rows *leaf, uint32_t oid)
{
    enum { PLACES = 1200 }; /* that a page of 32 KiB, the largest there is, may have */
    return mem_format(
        "(SELECT pg_catalog.pg_relation_size(c.reltoastrelid)>0 FROM pg_catalog.pg_class c"
        " WHERE c.oid=%" PRIu32 " AND c.reltoastrelid<>0)"
        " AND ((SELECT pg_catalog.age('%" PRIu32 "'::xid)<pg_catalog.age(h.xmin)"
        " FROM pg_catalog.pg_inherits h WHERE h.inhrelid=%" PRIu32 ") OR "
        "(SELECT pg_catalog.count(*)<>coalesce(pg_catalog.max((r.ctid::text::point)[1]),-1)"
        " FROM %s AND r.ctid=ANY(ARRAY(SELECT ('(0,'||i||')')::tid"
        " FROM pg_catalog.generate_series(1,%d) i))))",
        oid, leaf->written_by, oid, leaf->from, PLACES);
}

/* An id can be compared with the horizon as long as ids cannot have wrapped around since. */
#define COMPARABLE                                                                                 \
    "(SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()))-%" PRIu64          \
    "<2147483647"
#define SINCE "BETWEEN 1 AND pg_catalog.age('%" PRIu32 "'::xid)"

char *leaf_rows_older(uint64_t horizon)
{
    return mem_format(COMPARABLE " AND pg_catalog.age(r.xmin) NOT " SINCE, horizon,
                      (uint32_t)horizon);
}

char *leaf_rows_resized(const struct leaf_rows *leaf, uint32_t oid, uint64_t horizon, int version)
{
    static const char altered[] =
        "SELECT a.xmin FROM pg_catalog.pg_attribute a WHERE a.attrelid=%" PRIu32
        " AND a.attnum>0 AND pg_catalog.age(a.xmin) " SINCE;
    char *since = mem_format(altered, oid, (uint32_t)horizon);
    char *keeps = mem_format("(a.atttypid IN (20,21,23)%s)",
                             version >= 120000 ? " OR a.attgenerated<>''" : "");
    char *condition =
        mem_format(COMPARABLE " AND (SELECT r.xmin=ANY(k.xids) OR '%" PRIu32
                              "'::xid=ANY(k.xids) FROM (SELECT ARRAY(%s AND %s)) k(xids))"
                              " AND NOT EXISTS (%s AND NOT %s)",
                   horizon, leaf->written_by, since, keeps, since, keeps);
    free(since);
    free(keeps);
    return condition;
}
