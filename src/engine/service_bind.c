/* Which stream a shape is of, and what the types of its columns are. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "runtime/retry.h"
#include "service.h"

enum { VISIBLE_POLL_US = 20 * 1000 };

static bool is_named(const struct relation *r, const char *schema, const char *table)
{
    return !strcmp(r->schema, schema) && !strcmp(r->name, table);
}

/* A partition's changes are of the partitioned table above it that is captured, at whatever
 * level. */
static bool find_root(struct service *s, struct relation *relation, int count, struct err *err)
{
    static const char sql[] =
        "WITH RECURSIVE up(oid) AS (SELECT inhparent FROM pg_catalog.pg_inherits WHERE "
        "inhrelid=$1::oid"
        " UNION SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN up ON i.inhrelid=up.oid)"
        " SELECT n.nspname,c.relname FROM up JOIN pg_catalog.pg_class c ON c.oid=up.oid"
        " JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace WHERE c.relkind='p'";
    enum { ROOT_SCHEMA, ROOT_NAME };
    char *oid = mem_format("%u", relation->oid);
    struct pg_rows *rows = service_query(s, sql, 1, (const char *const[]){oid}, err);
    free(oid);
    for (int i = 0; rows && i < pg_rows_count(rows) && relation->stream == STREAM_NONE; i++) {
        relation->stream =
            catalog_find(s->config->catalog, count, pg_rows_value(rows, i, ROOT_SCHEMA),
                         pg_rows_value(rows, i, ROOT_NAME));
    }
    relation->partition = relation->stream != STREAM_NONE;
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

/* A commit may be in the stream before others see what it did, and so may types that it created. */
static bool wait_for_types(struct service *s, const struct relation *relation, struct err *err)
{
    bool ok = true, visible = types_know(s->types, relation);
    while (ok && !visible && !run_stopping(s->config->run)) {
        struct snapshot snapshot;
        ok = service_snapshot(s, &snapshot, err);
        visible = ok && snapshot_sees(&snapshot, relation->xid, 0);
        if (ok) {
            snapshot_free(&snapshot);
        }
        if (ok && !visible) {
            run_pause(s->config->run, VISIBLE_POLL_US);
        }
    }
    return ok;
}

bool answer_binding(struct service *s, struct question *q, struct err *err)
{
    const struct config *c = s->config->config;
    struct relation *relation = q->merge->relation;
    struct retry retry;
    bool ok;
    if (is_named(relation, c->watermarks_schema, c->watermarks_table)) {
        relation->stream = STREAM_WATERMARKS;
        return true;
    }
    relation->stream = catalog_find(s->config->catalog, q->count, relation->schema, relation->name);
    if (relation->stream == STREAM_NONE && !find_root(s, relation, q->count, err)) {
        return false;
    }
    if (relation->stream == STREAM_NONE) {
        return true;
    }
    if (!wait_for_types(s, relation, err)) {
        return false;
    }
    retry_succeeded(&retry, clock_monotonic_us());
    do {
        ok = types_resolve(s->types, s->pg, relation, err);
    } while (!ok && service_may_retry(s, &retry, err));
    return ok;
}
