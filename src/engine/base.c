/*
 * The snapshot that tables without key are read in, in ctid order.
 *
 * Within a run it is one snapshot indeed: exported by a transaction that stays open, as pg_dump does
 * it, and imported by every chunk. A later run can only tell by transaction ids which rows it saw.
 * That is exact as long as no id was used twice (the first 2^32 of them), and if the ids of the
 * subtransactions that ran are known, too: a snapshot lists those of transactions alone, but each
 * holds a lock on its own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "service.h"

static const char export_sql[] =
    "SELECT pg_catalog.pg_export_snapshot(),pg_catalog.txid_current_snapshot()::text,"
    "(SELECT pg_catalog.string_agg(DISTINCT transactionid::text,' ')"
    " FROM pg_catalog.pg_locks WHERE locktype='transactionid' AND granted"
    " AND mode='ExclusiveLock')";

static int by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool is_in(const uint64_t *ids, size_t count, uint64_t id)
{
    return count && bsearch(&id, ids, count, sizeof *ids, by_id);
}

/* The ids that hold a lock on themselves, ascending. The caller frees. */
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
    if (*count) {
        qsort(ids, *count, sizeof *ids, by_id);
    }
    return ids;
}

/*
 * Whether the ids of all subtransactions that the snapshot hides are known: all of its transactions
 * still ran when the locks were read. Then they are added: what runs later and is older than its end
 * ran then, too.
 */
static bool add_subtransactions(struct snapshot *snapshot, const char *running)
{
    size_t count, kept = 0;
    uint64_t *ids = parse_ids(running, &count);
    bool known = snapshot->xmax <= UINT32_MAX;
    for (size_t i = 0; known && i < snapshot->xip_count; i++) {
        known = is_in(ids, count, snapshot->xip[i]);
    }
    if (!known) {
        free(ids);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (ids[i] >= snapshot->xmin && ids[i] < snapshot->xmax) {
            ids[kept++] = ids[i];
        }
    }
    free(snapshot->xip);
    snapshot->xip = ids;
    snapshot->xip_count = kept;
    return true;
}

static bool take(struct pg *pg, struct base_snapshot *base, struct err *err)
{
    struct pg_rows *rows = pg_exec(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err)
                               ? pg_query(pg, export_sql, 0, NULL, err)
                               : NULL;
    if (!rows) {
        return false;
    }
    bool ok = snapshot_parse(&base->snapshot, pg_rows_value(rows, 0, 1)) ||
              err_set(err, ERR_SYSTEM, "the server's snapshot cannot be read");
    if (ok) {
        base->exported = mem_string(pg_rows_value(rows, 0, 0));
        base->resumable = add_subtransactions(&base->snapshot, pg_rows_value(rows, 0, 2));
    }
    pg_rows_free(&rows);
    return ok;
}

bool base_take(const struct engine_config *c, struct base_snapshot *base, struct pg **holder,
               struct err *err)
{
    *base = (struct base_snapshot){0};
    *holder = pg_open(c->config, PG_SQL, "source-postgres snapshot", run_stop_fd(c->run), err);
    if (!*holder || !take(*holder, base, err)) {
        pg_close(holder);
        base_clear(base);
        return false;
    }
    return true;
}

void base_clear(struct base_snapshot *base)
{
    snapshot_free(&base->snapshot);
    free(base->exported);
    *base = (struct base_snapshot){0};
}

void base_copy(struct base_snapshot *to, const struct base_snapshot *from)
{
    *to = *from;
    snapshot_copy(&to->snapshot, &from->snapshot);
    to->exported = mem_string(from->exported);
}
