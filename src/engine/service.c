/* The service connection: shapes, the order of keys, snapshots, the final watermark. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"
#include "runtime/retry.h"

bool service_open(struct service *s, struct err *err)
{
    const struct engine_config *c = s->config;
    pg_close(&s->pg);
    s->pg = pg_open(c->config, PG_SQL, "source-postgres service", run_stop_fd(c->run), err);
    if (s->pg) {
        pg_tell(s->pg, &(struct notices){log_notice, c->log});
    }
    return s->pg != NULL;
}

void service_close(struct service *s)
{
    pg_close(&s->pg);
    if (s->tables) {
        tables_free(&s->tables, s->config->catalog->count);
    }
    free(s->renamed);
    free(s->changed);
    types_free(&s->types);
}

/*
 * After a failure: whether the question may be asked again, on a new connection. All questions here
 * can be repeated without harm.
 */
static bool may_retry(struct service *s, struct retry *retry, struct err *err)
{
    int64_t pause_us;
    while (!run_stopping(s->config->run) &&
           retry_again(retry, "the service connection", clock_monotonic_us(), &pause_us, err)) {
        log_line(s->config->log, LOG_WARN, "service connection interrupted, will try again: %s",
                 err->message);
        run_pause(s->config->run, pause_us);
        if (service_open(s, err)) {
            return true;
        }
    }
    return false;
}

/* `keys`: the table whose keys the statement compares, or NULL. */
static struct pg_rows *ask(struct service *s, const struct table_description *keys, const char *sql,
                           int count, const char *const *params, struct err *err)
{
    struct retry retry;
    retry_succeeded(&retry, clock_monotonic_us());
    for (;;) {
        bool ready = !keys || backfill_key_path(s->pg, keys, err);
        struct pg_rows *rows = ready ? pg_query(s->pg, sql, count, params, err) : NULL;
        if (rows || !may_retry(s, &retry, err)) {
            return rows;
        }
    }
}

struct pg_rows *service_ask(struct service *s, const char *sql, int count,
                            const char *const *params, struct err *err)
{
    return ask(s, NULL, sql, count, params, err);
}

bool service_snapshot(struct service *s, struct snapshot *snapshot, struct err *err)
{
    struct pg_rows *rows =
        service_ask(s, "SELECT pg_catalog.txid_current_snapshot()::text", 0, NULL, err);
    if (!rows) {
        return false;
    }
    bool ok = snapshot_parse(snapshot, pg_rows_value(rows, 0, 0)) ||
              err_set(err, ERR_SYSTEM, "the server's snapshot cannot be read");
    pg_rows_free(&rows);
    return ok;
}

/*
 * The server can only forget WAL from before the oldest transaction that it would have to decode
 * again. Short ones come and go; it is those that stay that fill a disk.
 */
static const char held_sql[] =
    "WITH holders AS ("
    " SELECT pg_catalog.format('process %s (user %s, open for %s s)', pid, usename,"
    "   pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp()-xact_start)::numeric)),"
    "  xact_start AS since FROM pg_catalog.pg_stat_activity"
    " WHERE backend_xid IS NOT NULL AND pid<>pg_catalog.pg_backend_pid()"
    " UNION ALL SELECT pg_catalog.format('prepared transaction %s (user %s, open for %s s)', gid,"
    "   owner, pg_catalog.round(extract("
    "   epoch FROM pg_catalog.clock_timestamp()-prepared)::numeric)),"
    "  prepared FROM pg_catalog.pg_prepared_xacts"
    "), oldest(text) AS ("
    " SELECT format FROM holders WHERE since<pg_catalog.clock_timestamp()-interval '2 s'"
    " ORDER BY since LIMIT 3) "
    "SELECT pg_catalog.pg_size_pretty(confirmed_flush_lsn-restart_lsn),"
    " (SELECT pg_catalog.string_agg(text, ', ') FROM oldest) "
    "FROM pg_catalog.pg_replication_slots"
    " WHERE slot_name=$1 AND confirmed_flush_lsn-restart_lsn>32*1024*1024"
    " AND EXISTS (SELECT FROM oldest)";

/* A failure to look is none of the capture's: whoever needs an answer next will meet it. */
void service_report_held(struct service *s)
{
    struct err ignored = {0};
    const char *slot = s->config->config->slot;
    struct pg_rows *rows = pg_query(s->pg, held_sql, 1, &slot, &ignored);
    if (rows && pg_rows_count(rows)) {
        log_line(s->config->log, LOG_WARN,
                 "old transactions make the server keep %s of WAL that has been captured: %s; they "
                 "can be ended with SELECT pg_terminate_backend(pid)",
                 pg_rows_value(rows, 0, 0), pg_rows_value(rows, 0, 1));
    }
    pg_rows_free(&rows);
}

bool service_watermark(struct service *s, const char *watermark, struct err *err)
{
    struct out sql;
    struct retry retry;
    retry_succeeded(&retry, clock_monotonic_us());
    out_init(&sql, 512);
    watermark_sql(&sql, s->config->config, watermark);
    bool ok;
    do {
        ok = pg_exec(s->pg, out_text(&sql), err);
    } while (!ok && may_retry(s, &retry, err));
    out_free(&sql);
    return ok || err_prefix(err, "writing the watermark: ");
}

static bool is_named(const struct relation *r, const char *schema, const char *table)
{
    return !strcmp(r->schema, schema) && !strcmp(r->name, table);
}

static int stream_named(const struct service *s, const char *schema, const char *table)
{
    const struct catalog *catalog = s->config->catalog;
    for (int i = 0; i < catalog->count; i++) {
        if (!strcmp(catalog->streams[i].table, table) &&
            !strcmp(catalog->streams[i].schema, schema)) {
            return i;
        }
    }
    return STREAM_NONE;
}

/* A partition's changes belong to the partitioned table that is captured, at whatever level that
 * stands. */
static bool stream_of_leaf(struct service *s, const struct relation *relation, int *stream,
                           struct err *err)
{
    static const char sql[] =
        "WITH RECURSIVE up(oid) AS (SELECT inhparent FROM pg_catalog.pg_inherits WHERE "
        "inhrelid=$1::oid"
        " UNION SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN up ON i.inhrelid=up.oid)"
        " SELECT n.nspname,c.relname FROM up JOIN pg_catalog.pg_class c ON c.oid=up.oid"
        " JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace WHERE c.relkind='p'";
    char *oid = mem_format("%u", relation->oid);
    struct pg_rows *rows = service_ask(s, sql, 1, (const char *const[]){oid}, err);
    free(oid);
    for (int i = 0; rows && i < pg_rows_count(rows) && *stream == STREAM_NONE; i++) {
        *stream = stream_named(s, pg_rows_value(rows, i, 0), pg_rows_value(rows, i, 1));
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

static bool bind(void *context, struct relation *relation, struct err *err)
{
    struct service *s = context;
    const struct config *c = s->config->config;
    if (is_named(relation, c->watermarks_schema, c->watermarks_table)) {
        relation->stream = STREAM_WATERMARKS;
        return true;
    }
    relation->stream = stream_named(s, relation->schema, relation->name);
    bool named = relation->stream != STREAM_NONE;
    if (!named && s->leaves && !stream_of_leaf(s, relation, &relation->stream, err)) {
        return false;
    }
    if (relation->stream == STREAM_NONE) {
        tables_warn_renamed(s, relation);
        return true;
    }
    if (named && relation->oid != s->tables[relation->stream].relation->oid &&
        !tables_bind_other(s, relation, err)) {
        return false;
    }
    struct retry retry;
    retry_succeeded(&retry, clock_monotonic_us());
    bool ok;
    do {
        ok = types_resolve(s->types, s->pg, relation, err);
    } while (!ok && may_retry(s, &retry, err));
    return ok;
}

/* Append keys' values of one column as an array literal: {"a","b"} */
static void add_array(struct out *out, const struct keycode *const *keys, size_t count, int column)
{
    out_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        size_t len;
        const char *text = keycode_column(keys[i], column, &len);
        out_string(out, i ? ",\"" : "\"");
        for (size_t j = 0; j < len; j++) {
            if (text[j] == '"' || text[j] == '\\') {
                out_char(out, '\\');
            }
            out_char(out, text[j]);
        }
        out_char(out, '"');
    }
    out_char(out, '}');
}

/* (k.c0::"schema"."type" COLLATE "…",…) */
static void add_row(struct out *sql, const struct table_description *d, char alias)
{
    out_char(sql, '(');
    for (int k = 0; k < d->key_count; k++) {
        const struct type *type = d->relation->columns[d->key[k].column].type;
        out_format(sql, "%s%c.c%d::", k ? "," : "", alias, k);
        pg_quote_identifier(sql, type->schema);
        out_char(sql, '.');
        pg_quote_identifier(sql, type->name);
        if (d->key[k].collation) {
            out_format(sql, " COLLATE %s", d->key[k].collation);
        }
    }
    out_char(sql, ')');
}

static void add_unnest(struct out *sql, const struct table_description *d, char alias, int first)
{
    out_string(sql, "unnest(");
    for (int k = 0; k < d->key_count; k++) {
        out_format(sql, "%s$%d::text[]", k ? "," : "", first + k);
    }
    out_format(sql, ") WITH ORDINALITY AS %c(", alias);
    for (int k = 0; k < d->key_count; k++) {
        out_format(sql, "c%d,", k);
    }
    out_string(sql, "n)");
}

/* For each key, in order, the number of bounds below it. */
static void rank_sql(struct out *sql, const struct table_description *d)
{
    out_string(sql, "SELECT (SELECT pg_catalog.count(*) FROM ");
    add_unnest(sql, d, 'b', 1 + d->key_count);
    out_string(sql, " WHERE ");
    add_row(sql, d, 'k');
    out_char(sql, '>');
    add_row(sql, d, 'b');
    out_string(sql, ") FROM ");
    add_unnest(sql, d, 'k', 1);
    out_string(sql, " ORDER BY k.n");
}

static bool rank(void *context, int stream, const struct keycode *const *keys, size_t count,
                 const struct keycode *const *bounds, size_t bound_count, int *ranks,
                 struct err *err)
{
    struct service *s = context;
    const struct table_description *d = &s->tables[stream];
    struct out sql, texts[64];
    const char *params[64];
    out_init(&sql, 1024);
    rank_sql(&sql, d);
    for (int k = 0; k < d->key_count; k++) {
        struct out *key = &texts[k], *bound = &texts[d->key_count + k];
        out_init(key, 256);
        out_init(bound, 256);
        add_array(key, keys, count, k);
        add_array(bound, bounds, bound_count, k);
        params[k] = out_text(key);
        params[d->key_count + k] = out_text(bound);
    }
    struct pg_rows *rows = ask(s, d, out_text(&sql), 2 * d->key_count, params, err);
    bool ok = rows && (pg_rows_count(rows) == (int)count ||
                       err_set(err, ERR_SYSTEM, "the server answered for %d keys of %zu",
                               pg_rows_count(rows), count));
    for (size_t i = 0; ok && i < count; i++) {
        ranks[i] = (int)strtol(pg_rows_value(rows, (int)i, 0), NULL, 10);
    }
    pg_rows_free(&rows);
    for (int k = 0; k < 2 * d->key_count; k++) {
        out_free(&texts[k]);
    }
    out_free(&sql);
    return ok ||
           err_prefix(err, "comparing keys of %s.%s: ", d->relation->schema, d->relation->name);
}

static void truncated(void *context, int stream)
{
    struct service *s = context;
    const struct catalog_stream *c = &s->config->catalog->streams[stream];
    log_line(s->config->log, LOG_WARN,
             "table %s.%s was truncated: its rows are gone, but no deletes are written for them",
             c->schema, c->table);
}

struct merge_hooks service_hooks(struct service *s)
{
    return (struct merge_hooks){s, bind, rank, truncated};
}
