/* The plan of a capture: which streams continue from the state, which begin, and which ranges are
 * still to be read. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lsn.h"
#include "base/mem.h"
#include "base/name.h"
#include "merger.h"
#include "pg/position.h"
#include "read_order.h"

const char plan_raised[] = "was asked for again: the generation_id of its stream was raised";

char *plan_stream_id(const struct catalog_stream *stream)
{
    return stream->state_key ? mem_string(stream->state_key)
                             : stream_name(stream->schema, stream->table);
}

bool plan_skips_rows(const struct config *config, const struct catalog_stream *stream)
{
    return stream->mode == BACKFILL_ONLY_CHANGES ||
           config_skips_backfill(config, stream->schema, stream->table);
}

/* Each range begins where the one before ends. */
static void cut_ranges(struct stream_state *state, struct key **bounds, int count)
{
    state->ranges = mem_zero((size_t)(count + 1) * sizeof *state->ranges);
    state->range_count = count + 1;
    for (int r = 0; r < count; r++) {
        state->ranges[r].until = key_copy(bounds[r]);
        state->ranges[r + 1].scanned = key_copy(bounds[r]);
    }
}

/* The terms that a later run compares. */
static void name_table(struct stream_state *state, const struct table_description *d)
{
    terms_clear(&state->terms);
    terms_copy(&state->terms, &d->terms);
}

/* The types as they are now, and those that were dropped since: their values may still arrive. */
static void name_types(struct stream_state *state, const struct table_description *d)
{
    struct user_types before = state->types;
    state->types = (struct user_types){0};
    user_types_merge(&state->types, &d->types);
    user_types_merge(&state->types, &before);
    user_types_clear(&before);
}

static void warn_unsent_key(const struct engine_config *c, const struct table_description *d)
{
    if (d->unsent_key) {
        log_line(
            c->log, LOG_WARN,
            "table %s: deletes and updates do not carry column \"%s\" of the key that was "
            "chosen, since it is not part of the table's replica identity: run ALTER TABLE ... "
            "REPLICA IDENTITY FULL, so that deleted rows can be found by this key",
            stream_label(d->relation->schema, d->relation->name).s, d->unsent_key);
    }
}

void plan_begin_state(const struct engine_config *c, struct stream_state *state, char *id,
                      int stream, const struct table_description *d, struct key **bounds,
                      int bound_count)
{
    warn_unsent_key(c, d);
    *state = (struct stream_state){
        .id = id, .mode = STREAM_BACKFILL, .generation = c->catalog->streams[stream].generation_id};
    name_table(state, d);
    name_types(state, d);
    state->key_columns = read_order_of(d)->key(d);
    if (plan_skips_rows(c->config, &c->catalog->streams[stream])) {
        state->mode = STREAM_ACTIVE;
    } else {
        cut_ranges(state, bounds, bound_count);
    }
}

static bool begin_stream(struct merger_thread *t, char *id, int i, struct err *err)
{
    struct member *m = &t->roster.members[i];
    struct key **bounds = NULL;
    bool far = pg_is_far(t->service->pg);
    int count = 0, ranges = read_order_of(m->table)->ranges(t->config->config, m->table, far);
    if (ranges > 1 && !plan_skips_rows(t->config->config, &t->config->catalog->streams[i]) &&
        !backfill_bounds(t->service->pg, m->table, ranges, &bounds, &count, err)) {
        free(id);
        return false;
    }
    plan_begin_state(t->config, &m->state, id, i, m->table, bounds, count);
    m->state.cursor = t->config->state->checkpoint && m->state.mode == STREAM_BACKFILL
                          ? t->start->planned_lsn
                          : 0;
    for (int r = 0; r < count; r++) {
        key_free(&bounds[r]);
    }
    free((void *)bounds);
    return true;
}

static bool other(struct terms_verdict *verdict, const char *why)
{
    verdict->change = TERMS_OTHER;
    snprintf(verdict->why, sizeof verdict->why, "%s", why);
    return true;
}

/* Compared with the key that it was captured by: the catalog may have chosen another one since. */
static bool judge_terms(struct merger_thread *t, const struct stream_state *old, int i,
                        enum terms_use use, struct terms_verdict *verdict, struct err *err)
{
    struct catalog one = {.streams = &t->config->catalog->streams[i], .count = 1};
    const struct table_description *d = t->roster.members[i].table;
    struct terms now = {0};
    uint64_t lsn;
    char *const *key = old->key_columns;
    bool other = key && !read_order_of(d)->same_key(key, d);
    bool ok =
        (!other || terms_look(t->service->pg, t->config->config, &one, &key, &now, &lsn, err)) &&
        terms_judge(t->service->pg, &old->terms, other ? &now : &d->terms, use, 0, verdict, err);
    terms_clear(&now);
    return ok;
}

/*
 * A standby that took over may lack what the old server had last. What was emitted up to the
 * capture's cursor is in its history, which was verified; but a stream's own cursor may be past
 * that. And ids of transactions that it lacks are used again.
 */
static bool is_lost(const struct merger_thread *t, const struct stream_state *old, bool of_server)
{
    return t->start->history_end && (old->cursor > t->start->history_end || of_server);
}

static bool judge(struct merger_thread *t, const struct stream_state *old, int i,
                  struct terms_verdict *verdict, struct err *err)
{
    const struct table_description *d = t->roster.members[i].table;
    const struct read_order *order = read_order_of(d);
    enum terms_use use = old->mode == STREAM_BACKFILL ? order->use : TERMS_ACTIVE;
    *verdict = (struct terms_verdict){.change = TERMS_SAME};
    if (use != TERMS_ACTIVE &&
        plan_skips_rows(t->config->config, &t->config->catalog->streams[i])) {
        return other(verdict,
                     "is captured without its rows from now on, and its backfill is given up");
    }
    if (use != TERMS_ACTIVE && !order->same_key(old->key_columns, d)) {
        return other(verdict, "is read by another key than when its backfill began");
    }
    if (is_lost(t, old, use != TERMS_ACTIVE && order->of_server)) {
        return other(verdict,
                     "was read of a server that another one has taken over from, which may "
                     "not have all that was read");
    }
    if (!judge_terms(t, old, i, use, verdict, err)) {
        return false;
    }
    if (use != TERMS_ACTIVE && verdict->change < TERMS_OTHER) {
        order->judge(t->start->planned_xmax, old, verdict);
    }
    return true;
}

/* Terms that an earlier version did not store are taken from the table as it is now. */
static void go_on(struct merger_thread *t, const struct stream_state *old, int i)
{
    struct member *m = &t->roster.members[i];
    int64_t generation = t->config->catalog->streams[i].generation_id;
    warn_unsent_key(t->config, m->table); /* at each start, since it stays so */
    stream_state_copy(&m->state, old);
    if (!old->terms.known || !terms_equal(&old->terms, &m->table->terms)) {
        name_table(&m->state, m->table);
    } else {
        m->state.terms.horizon =
            m->table->terms.horizon; /* later, so that it holds for more rows */
    }
    name_types(&m->state, m->table);
    m->state.generation = generation ? generation : old->generation;
    if (!old->terms.known) {
        log_line(t->config->log, LOG_INFO,
                 "the state of stream %s is of an earlier version: what it does not say of its "
                 "table is taken to be as it is now",
                 old->id);
    }
}

/*
 * If nothing else of the table has changed, it may have been emptied by a TRUNCATE that is still to
 * come in the stream. (An ALTER TABLE may empty a file, too; then changes of its new rows must come
 * after the rows.)
 */
static bool may_be_truncated(const struct terms *was, const struct terms *now,
                             const struct terms_verdict *verdict)
{
    bool same = verdict->change == TERMS_EMPTIED;
    for (enum term i = 0; same && i < TERMS; i++) {
        same = i == TERM_LEAVES || term_same(was, now, i);
    }
    return same;
}

/* The table keeps the terms that it had, and the roster judges them, as it does while the capture
 * runs. */
static void go_on_emptied(struct merger_thread *t, const struct stream_state *old, int i)
{
    struct member *m = &t->roster.members[i];
    go_on(t, old, i);
    terms_clear(&m->state.terms);
    terms_copy(&m->state.terms, &old->terms);
    roster_suspect(&t->roster, i);
    roster_note(&t->roster, m, 0, true);
}

/* Whether the catalog asks for a newer generation than the state's. States of earlier versions have
 * no generation. */
static bool is_raised(const struct config *config, const struct stream_state *old,
                      const struct catalog_stream *stream)
{
    return old->terms.known && stream->generation_id > old->generation &&
           !plan_skips_rows(config, stream);
}

bool plan_goes_on_from(const struct catalog_stream *stream, const struct stream_state *old)
{
    return !stream->full_refresh ||
           (stream->generation_id && stream->generation_id == old->generation);
}

/* A stream that the state has. Takes `id`. */
static bool place_known(struct merger_thread *t, const struct stream_state *old, char *id, int i,
                        struct err *err)
{
    struct terms_verdict verdict;
    if (!judge(t, old, i, &verdict, err)) {
        free(id);
        return false;
    }
    if (old->mode == STREAM_ACTIVE &&
        may_be_truncated(&old->terms, &t->roster.members[i].table->terms, &verdict)) {
        free(id);
        go_on_emptied(t, old, i);
        return true;
    }
    enum roster_action action = roster_action(t->config, i, &verdict);
    if (action == ROSTER_BEGINS_AGAIN) {
        roster_say(t->config, i, verdict.why, action);
        return begin_stream(t, id, i, err);
    }
    free(id);
    if (action == ROSTER_FAILS) {
        return roster_fail(&t->config->catalog->streams[i], &verdict, err);
    }
    roster_say_going_on(t->config, i, &verdict);
    go_on(t, old, i);
    return true;
}

/* A stream that is in the state continues; a new one, or one with mode Ignore, begins. */
static bool place_stream(struct merger_thread *t, int i, struct err *err)
{
    const struct catalog_stream *stream = &t->config->catalog->streams[i];
    char *id = plan_stream_id(stream);
    const struct checkpoint *given = t->config->state->checkpoint;
    const struct stream_state *old = given ? checkpoint_stream(given, id) : NULL;
    if (!old || !plan_goes_on_from(stream, old) || old->mode == STREAM_IGNORE ||
        stream_state_is_unborn(old)) {
        return begin_stream(t, id, i, err);
    }
    if (is_raised(t->config->config, old, stream)) {
        roster_say(t->config, i, plan_raised, ROSTER_BEGINS_AGAIN);
        return begin_stream(t, id, i, err);
    }
    return place_known(t, old, id, i, err);
}

/* Whether a transaction may be writing to a table of which no row was read yet: its changes may not
 * be in the stream. */
static bool find_fence(struct merger_thread *t, struct start *start, struct err *err)
{
    bool begins = false, unwritten = true;
    const struct relation **relations = mem_zero((size_t)t->roster.count * sizeof *relations);
    for (int i = 0; i < t->roster.count; i++) {
        const struct member *m = &t->roster.members[i];
        begins |= m->state.mode == STREAM_BACKFILL && m->state.backfilled == 0;
        relations[i] = m->table->relation;
    }
    bool ok = !begins || start->new_slot ||
              backfill_unwritten(t->service->pg, relations, t->roster.count, &unwritten, err);
    free((void *)relations);
    start->fence = !unwritten;
    bool renews = begins && !start->new_slot && pg_forgets_published(t->service->pg);
    return ok && (!renews || position_read(t->service->pg, position_sql, &start->renew_lsn, err));
}

enum { POSITION_LSN, POSITION_XMAX };

/* The server's position by now: a stream that begins now needs no changes from before it. */
static bool find_position(struct merger_thread *t, struct start *start, struct err *err)
{
    char *sql = mem_format("SELECT %s,pg_catalog.txid_snapshot_xmax("
                           "pg_catalog.txid_current_snapshot())",
                           position_sql(t->service->pg));
    struct pg_rows *rows = service_query(t->service, sql, 0, NULL, err);
    free(sql);
    bool ok = rows && ((!pg_rows_null(rows, 0, POSITION_LSN) &&
                        lsn_parse(pg_rows_value(rows, 0, POSITION_LSN), &start->planned_lsn)) ||
                       err_set(err, ERR_TRANSIENT, "the server's position cannot be read"));
    start->planned_xmax = ok ? strtoull(pg_rows_value(rows, 0, POSITION_XMAX), NULL, 10) : 0;
    pg_rows_free(&rows);
    return ok;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Streams that are in the state and not in the catalog. */
static void say_left(const struct merger_thread *t)
{
    const struct checkpoint *given = t->config->state->checkpoint;
    size_t count = (size_t)t->roster.count;
    char **ids = mem_zero(count * sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        ids[i] = t->roster.members[i].state.id;
    }
    qsort((void *)ids, count, sizeof *ids, by_id);
    for (int i = 0; given && i < given->stream_count; i++) {
        const struct stream_state *state = &given->streams[i];
        if (!bsearch((const void *)&state->id, (const void *)ids, count, sizeof *ids, by_id) &&
            state->mode != STREAM_IGNORE && !stream_state_is_unborn(state)) {
            log_line(t->config->log, LOG_WARN,
                     "stream %s of the state is not captured any more: once it is again, its rows "
                     "are read again",
                     state->id);
        }
    }
    free((void *)ids);
}

bool plan_make(struct merger_thread *t, struct start *start, struct table_description **tables,
               struct err *err)
{
    bool ok = find_position(t, start, err);
    roster_init(&t->roster, t->config->catalog);
    for (int i = 0; i < t->roster.count; i++) {
        struct table_description *table = mem_alloc(sizeof *table);
        *table = (*tables)[i];
        t->roster.members[i].table = roster_keep(&t->roster, &table);
    }
    free(*tables);
    *tables = NULL;
    for (int i = 0; ok && i < t->roster.count; i++) {
        ok = place_stream(t, i, err);
    }
    if (ok) {
        say_left(t);
    }
    ok = ok && find_fence(t, start, err) && read_by_ctid_take_bases(t, err);
    for (int i = 0; ok && i < t->roster.count; i++) {
        member_set_life(&t->roster.members[i], t->roster.members[i].table,
                        &t->config->catalog->streams[i]);
    }
    return ok;
}

void plan_queue(struct merger_thread *t)
{
    for (int i = 0; i < t->roster.count; i++) {
        shared_store(&t->pipeline->lives[i], merge_life(t->merge, i));
        bool begins = !t->roster.members[i].state.backfilled;
        roster_queue(t, i, begins && t->start->fence, begins ? t->start->renew_lsn : 0);
    }
}
