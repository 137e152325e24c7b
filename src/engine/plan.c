/* The plan of a capture: where each stream stands, how its key is ordered, and which ranges are
 * still to be read. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "row/name.h"

enum {
    RANGES_A_WORKER = 4,
    RANGE_BYTES_LEAST = 512 * 1024,
};

static enum key_order order_of(const struct type *type, bool bytewise)
{
    if (!bytewise) {
        return KEY_SERVER;
    }
    switch (type->oid) {
    case OID_INT2:
    case OID_INT4:
    case OID_INT8: return KEY_INT;
    case OID_OID: return KEY_OID;
    case OID_BOOL: return KEY_BOOL;
    case OID_UUID: return KEY_UUID;
    case OID_TEXT:
    case OID_VARCHAR:
    case OID_NAME: return KEY_TEXT;
    case OID_BPCHAR: return KEY_BPCHAR;
    case OID_BYTEA: return KEY_BYTEA;
    case OID_DATE:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ: return KEY_TIME;
    default: return KEY_SERVER;
    }
}

/* Names are borrowed from the description, which lives as long. */
static void make_key(struct merge_key *key, const struct table_description *d)
{
    key->count = d->key_count;
    key->by_place = d->by_place;
    key->unique = d->unique;
    key->columns = mem_zero((size_t)(d->key_count + 1) * sizeof *key->columns);
    key->orders = mem_zero((size_t)(d->key_count + 1) * sizeof *key->orders);
    for (int k = 0; k < d->key_count; k++) {
        const struct column *column = &d->relation->columns[d->key[k].column];
        key->columns[k] = (char *)column->name;
        key->orders[k] = order_of(column->type, d->key[k].bytewise);
        key->server |= key->orders[k] == KEY_SERVER && !d->by_place;
    }
}

static char *stream_id(const struct catalog_stream *stream)
{
    return stream->state_key ? mem_string(stream->state_key)
                             : stream_name(stream->schema, stream->table);
}

static bool is_skipped(const struct config *config, const struct catalog_stream *stream)
{
    return stream->mode == BACKFILL_ONLY_CHANGES ||
           config_skips_backfill(config, stream->schema, stream->table);
}

/* As many ranges as keep the workers busy to the end, of a table large enough to be worth it. */
static int range_count(const struct engine *e, int i)
{
    const struct table_description *d = &e->service.tables[i];
    int most = e->config.config->backfill_workers * RANGES_A_WORKER;
    int64_t worth = d->all_bytes / RANGE_BYTES_LEAST;
    if (e->config.config->backfill_workers == 1 || d->by_place || worth < 2) {
        return 1;
    }
    return worth < most ? (int)worth : most;
}

/* Each range begins where the one before ends. */
static bool cut_ranges(struct engine *e, struct stream_state *state, int i, struct err *err)
{
    struct key **bounds = NULL;
    int count = 0, ranges = range_count(e, i);
    if (ranges > 1 &&
        !backfill_bounds(e->service.pg, &e->service.tables[i], ranges, &bounds, &count, err)) {
        return false;
    }
    state->ranges = mem_zero((size_t)(count + 1) * sizeof *state->ranges);
    state->range_count = count + 1;
    for (int r = 0; r < count; r++) {
        state->ranges[r].until = bounds[r];
        state->ranges[r + 1].scanned = key_copy(bounds[r]);
    }
    free((void *)bounds);
    return true;
}

static char **copy_columns(const struct merge_key *key)
{
    char **columns = mem_zero((size_t)(key->count + 1) * sizeof *columns);
    for (int k = 0; k < key->count; k++) {
        columns[k] = mem_string(key->columns[k]);
    }
    return columns;
}

/* What a later run knows the table by, and that its changes were sent all the time. */
static void name_table(struct stream_state *state, const struct table_description *d)
{
    state->oid = d->relation->oid;
    state->published_by = d->published_by;
}

static bool begin_stream(struct engine *e, struct stream_state *state, char *id, int i,
                         struct err *err)
{
    const struct merge_key *key = &e->streams[i].key;
    *state = (struct stream_state){.id = id, .mode = STREAM_BACKFILL};
    name_table(state, &e->service.tables[i]);
    if (!key->by_place) {
        state->key_columns = copy_columns(key);
    }
    if (is_skipped(e->config.config, &e->config.catalog->streams[i])) {
        state->mode = STREAM_ACTIVE;
        return true;
    }
    state->storage = key->by_place ? mem_string(e->service.tables[i].storage) : NULL;
    return cut_ranges(e, state, i, err);
}

static bool same_columns(char *const *a, const struct merge_key *key)
{
    if (key->by_place) {
        return !a;
    }
    for (int k = 0; k < key->count; k++) {
        if (!a || !a[k] || strcmp(a[k], key->columns[k]) != 0) {
            return false;
        }
    }
    return !a || !a[key->count];
}

/* Whether the places up to which a table was read mean nothing any more. */
static bool was_rewritten(const struct engine *e, const struct stream_state *old, int i)
{
    const struct table_description *d = &e->service.tables[i];
    return d->by_place && old->storage && d->storage && strcmp(old->storage, d->storage) != 0;
}

/* Why a stream does not go on from where its state says, but begins anew; NULL: it goes on. */
static const char *why_anew(const struct engine *e, const struct stream_state *old, int i)
{
    const struct table_description *d = &e->service.tables[i];
    if (old->oid && old->oid != d->relation->oid) {
        return "is another one than when it was captured last, dropped and recreated or renamed";
    }
    if (old->published_by && old->published_by != d->published_by) {
        return "was added to the publication anew since it was captured last, or is in another "
               "one, and changes may not have been sent";
    }
    if (old->mode != STREAM_BACKFILL) {
        return NULL;
    }
    if (is_skipped(e->config.config, &e->config.catalog->streams[i])) {
        return "is captured without its rows from now on, and its backfill is given up";
    }
    if (!same_columns(old->key_columns, &e->streams[i].key)) {
        return "is read by another key than when its backfill began";
    }
    if (was_rewritten(e, old, i)) {
        return "was rewritten during its backfill (by VACUUM FULL, CLUSTER, TRUNCATE or ALTER "
               "TABLE), in which its rows are read as they are stored";
    }
    return NULL;
}

/* A stream that the state knows continues; a new one, or one that was set aside, begins. */
static bool place_stream(struct engine *e, int i, struct err *err)
{
    static const char with_rows[] =
        "it is read from the beginning, as if it were new; rows that were captured before come "
        "again, those that are gone get no deletes, and all are best removed from the destination "
        "first";
    static const char without_rows[] = "only changes are captured, and rows are left out";
    struct stream_state *state = &e->start->streams[i];
    const struct catalog_stream *stream = &e->config.catalog->streams[i];
    char *id = stream_id(stream);
    const struct checkpoint *given = e->config.state->checkpoint;
    const struct stream_state *old =
        given && !stream->full_refresh ? checkpoint_stream(given, id) : NULL;
    if (!old || old->mode == STREAM_IGNORE) {
        return begin_stream(e, state, id, i, err);
    }
    const char *why = why_anew(e, old, i);
    if (why) {
        log_line(e->config.log, LOG_WARN, "table %s.%s %s: %s", stream->schema, stream->table, why,
                 is_skipped(e->config.config, stream) ? without_rows : with_rows);
        return begin_stream(e, state, id, i, err);
    }
    stream_state_copy(state, old);
    name_table(state, &e->service.tables[i]);
    free(id);
    return true;
}

static int pending_ranges(const struct engine *e)
{
    int count = 0;
    for (int i = 0; i < e->start->stream_count; i++) {
        const struct stream_state *state = &e->start->streams[i];
        count += state->mode == STREAM_BACKFILL ? state->range_count : 0;
    }
    return count;
}

static void add_tasks(struct engine *e, struct backfill_task *tasks, unsigned *count, int stream)
{
    const struct stream_state *state = &e->start->streams[stream];
    if (state->mode != STREAM_BACKFILL) {
        return;
    }
    for (int r = 0; r < state->range_count; r++) {
        tasks[(*count)++] = (struct backfill_task){
            .stream = stream,
            .range = r,
            .after = state->ranges[r].scanned,
            .until = state->ranges[r].until,
            .fence = e->fence && state->backfilled == 0,
            .owes = e->streams[stream].key.by_place ? &e->owed[stream] : NULL,
            .storage = state->storage,
        };
    }
}

static void make_tasks(struct engine *e)
{
    unsigned count = 0;
    struct backfill_task *tasks = mem_zero((size_t)(pending_ranges(e) + 1) * sizeof *tasks);
    const struct catalog *catalog = e->config.catalog;
    int highest = INT32_MIN, next;
    for (int i = 0; i < catalog->count; i++) {
        highest = catalog->streams[i].priority > highest ? catalog->streams[i].priority : highest;
    }
    for (; highest != INT32_MIN; highest = next) {
        next = INT32_MIN;
        for (int i = 0; i < catalog->count; i++) {
            int priority = catalog->streams[i].priority;
            if (priority == highest) {
                add_tasks(e, tasks, &count, i);
            } else if (priority < highest && priority > next) {
                next = priority;
            }
        }
    }
    e->plan = (struct backfill_plan){.tasks = tasks, .count = count};
}

/* By place, which rows the backfill owes is decided once, before the stream begins. */
static bool decide_owed(struct engine *e, int i, struct err *err)
{
    struct stream_state *state = &e->start->streams[i];
    if (state->mode != STREAM_BACKFILL || !e->streams[i].key.by_place) {
        return true;
    }
    if (!state->snapshot) {
        const struct engine_config *c = &e->config;
        if (e->fence &&
            !backfill_fence(e->service.pg, e->service.tables[i].relation, c->run, c->log, err)) {
            return false;
        }
        struct pg_rows *rows = pg_query(
            e->service.pg, "SELECT pg_catalog.txid_current_snapshot()::text", 0, NULL, err);
        if (!rows) {
            return false;
        }
        state->snapshot = mem_string(pg_rows_value(rows, 0, 0));
        pg_rows_free(&rows);
    }
    return snapshot_parse(&e->owed[i], state->snapshot) ||
           err_set(err, ERR_CONFIG, "the state of stream %s holds a snapshot that cannot be read",
                   state->id);
}

/* Whether some transaction may write to a table of which no row was read yet, and whose changes are
 * in no stream. */
static bool find_fence(struct engine *e, struct err *err)
{
    bool begins = false, unwritten = true;
    for (int i = 0; i < e->start->stream_count; i++) {
        const struct stream_state *state = &e->start->streams[i];
        begins |= state->mode == STREAM_BACKFILL && state->backfilled == 0;
    }
    bool ok = !begins || e->new_slot ||
              backfill_unwritten(e->service.pg, e->service.tables, e->config.catalog->count,
                                 &unwritten, err);
    e->fence = !unwritten;
    return ok;
}

bool plan_make(struct engine *e, struct err *err)
{
    size_t count = (size_t)e->config.catalog->count;
    bool ok = true;
    e->start = checkpoint_new((int)count);
    e->streams = mem_zero(count * sizeof *e->streams);
    e->owed = mem_zero(count * sizeof *e->owed);
    for (int i = 0; ok && i < e->config.catalog->count; i++) {
        e->streams[i].state = &e->start->streams[i];
        make_key(&e->streams[i].key, &e->service.tables[i]);
        ok = place_stream(e, i, err);
    }
    ok = ok && find_fence(e, err);
    for (int i = 0; ok && i < e->config.catalog->count; i++) {
        ok = decide_owed(e, i, err);
    }
    if (ok) {
        make_tasks(e);
    }
    return ok;
}

void plan_clear(struct engine *e)
{
    for (int i = 0; e->streams && i < e->config.catalog->count; i++) {
        free((void *)e->streams[i].key.columns);
        free(e->streams[i].key.orders);
        snapshot_free(&e->owed[i]);
    }
    free(e->streams);
    free(e->owed);
    free((void *)e->plan.tasks);
    checkpoint_free(&e->start);
}
