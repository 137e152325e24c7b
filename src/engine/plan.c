/* The plan of a capture: which streams go on from where the state says, which begin, and which ranges
 * are still to be read. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lsn.h"
#include "base/mem.h"
#include "internal.h"
#include "read_order.h"
#include "row/name.h"

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

/* What a later run knows the table by. */
static void name_table(struct stream_state *state, const struct table_description *d)
{
    terms_clear(&state->terms);
    terms_copy(&state->terms, &d->terms);
}

/* As they are now; values of those that were dropped since may still be to come. */
static void name_types(struct stream_state *state, const struct table_description *d)
{
    struct user_types before = state->types;
    state->types = (struct user_types){0};
    user_types_merge(&state->types, &d->types);
    user_types_merge(&state->types, &before);
    user_types_clear(&before);
}

static void say_untold(const struct engine_config *c, const struct table_description *d)
{
    if (d->untold) {
        char *name = stream_name(d->relation->schema, d->relation->name);
        log_line(
            c->log, LOG_WARN,
            "table %s: deletes and updates do not tell column \"%s\" of the key that was "
            "chosen, since it is not part of the table's replica identity: run ALTER TABLE ... "
            "REPLICA IDENTITY FULL, so that deleted rows can be found by this key",
            name, d->untold);
        free(name);
    }
}

void plan_begin_state(const struct engine_config *c, struct stream_state *state, char *id,
                      int stream, const struct table_description *d, struct key **bounds,
                      int bound_count)
{
    say_untold(c, d);
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

static bool begin_stream(struct engine *e, char *id, int i, struct err *err)
{
    struct member *m = &e->roster.members[i];
    struct key **bounds = NULL;
    int count = 0, ranges = read_order_of(m->table)->ranges(e->config.config, m->table);
    if (ranges > 1 && !plan_skips_rows(e->config.config, &e->config.catalog->streams[i]) &&
        !backfill_bounds(e->service.pg, m->table, ranges, &bounds, &count, err)) {
        free(id);
        return false;
    }
    plan_begin_state(&e->config, &m->state, id, i, m->table, bounds, count);
    m->state.cursor =
        e->config.state->checkpoint && m->state.mode == STREAM_BACKFILL ? e->planned_lsn : 0;
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

/* By the key that it was captured by; the catalog may have chosen another one since. */
static bool judge_terms(struct engine *e, const struct stream_state *old, int i, enum terms_use use,
                        struct terms_verdict *verdict, struct err *err)
{
    struct catalog one = {.streams = &e->config.catalog->streams[i], .count = 1};
    const struct table_description *d = e->roster.members[i].table;
    struct terms now = {0};
    uint64_t lsn;
    char *const *key = old->key_columns;
    bool other = key && !read_order_of(d)->same_key(key, d);
    bool ok =
        (!other || terms_look(e->service.pg, e->config.config, &one, &key, &now, &lsn, err)) &&
        terms_judge(e->service.pg, &old->terms, other ? &now : &d->terms, use, 0, verdict, err);
    terms_clear(&now);
    return ok;
}

static bool judge(struct engine *e, const struct stream_state *old, int i,
                  struct terms_verdict *verdict, struct err *err)
{
    const struct table_description *d = e->roster.members[i].table;
    const struct read_order *order = read_order_of(d);
    enum terms_use use = old->mode == STREAM_BACKFILL ? order->use : TERMS_ACTIVE;
    *verdict = (struct terms_verdict){.change = TERMS_SAME};
    if (use != TERMS_ACTIVE && plan_skips_rows(e->config.config, &e->config.catalog->streams[i])) {
        return other(verdict,
                     "is captured without its rows from now on, and its backfill is given up");
    }
    if (use != TERMS_ACTIVE && !order->same_key(old->key_columns, d)) {
        return other(verdict, "is read by another key than when its backfill began");
    }
    if (!judge_terms(e, old, i, use, verdict, err)) {
        return false;
    }
    if (use != TERMS_ACTIVE && verdict->change < TERMS_OTHER) {
        order->judge(e->planned_xmax, old, verdict);
    }
    return true;
}

/* The table as it is now stands for what an earlier version did not note. */
static void go_on(struct engine *e, const struct stream_state *old, int i)
{
    struct member *m = &e->roster.members[i];
    int64_t generation = e->config.catalog->streams[i].generation_id;
    say_untold(&e->config, m->table); /* not once, but at each start: it stays so */
    stream_state_copy(&m->state, old);
    if (!old->terms.known || !terms_equal(&old->terms, &m->table->terms)) {
        name_table(&m->state, m->table);
    } else {
        m->state.terms.horizon = m->table->terms.horizon; /* later: it vouches for more rows */
    }
    name_types(&m->state, m->table);
    m->state.generation = generation ? generation : old->generation;
    if (!old->terms.known) {
        log_line(e->config.log, LOG_INFO,
                 "the state of stream %s is of an earlier version: what it does not say of its "
                 "table is taken to be as it is now",
                 old->id);
    }
}

/* A new generation of a stream is asked for. A state of an earlier version does not tell of which its
 * rows are. */
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

/* A stream that the state knows continues; a new one, or one that was set aside, begins. */
static bool place_stream(struct engine *e, int i, struct err *err)
{
    struct terms_verdict verdict;
    const struct catalog_stream *stream = &e->config.catalog->streams[i];
    char *id = plan_stream_id(stream);
    const struct checkpoint *given = e->config.state->checkpoint;
    const struct stream_state *old = given ? checkpoint_stream(given, id) : NULL;
    if (!old || !plan_goes_on_from(stream, old) || old->mode == STREAM_IGNORE ||
        stream_state_is_unborn(old)) {
        return begin_stream(e, id, i, err);
    }
    if (is_raised(e->config.config, old, stream)) {
        roster_say(&e->config, i, plan_raised, ROSTER_BEGINS_AGAIN);
        return begin_stream(e, id, i, err);
    }
    if (!judge(e, old, i, &verdict, err)) {
        free(id);
        return false;
    }
    enum roster_action action = roster_action(&e->config, i, &verdict);
    if (action == ROSTER_BEGINS_AGAIN) {
        roster_say(&e->config, i, verdict.why, action);
        return begin_stream(e, id, i, err);
    }
    free(id);
    if (action == ROSTER_FAILS) {
        return roster_fail(stream, &verdict, err);
    }
    roster_say_going_on(&e->config, i, &verdict);
    go_on(e, old, i);
    return true;
}

/* Whether some transaction may write to a table of which no row was read yet, and whose changes are
 * in no stream. */
static bool find_fence(struct engine *e, struct err *err)
{
    bool begins = false, unwritten = true;
    const struct relation **relations = mem_zero((size_t)e->roster.count * sizeof *relations);
    for (int i = 0; i < e->roster.count; i++) {
        const struct member *m = &e->roster.members[i];
        begins |= m->state.mode == STREAM_BACKFILL && m->state.backfilled == 0;
        relations[i] = m->table->relation;
    }
    bool ok = !begins || e->new_slot ||
              backfill_unwritten(e->service.pg, relations, e->roster.count, &unwritten, err);
    free((void *)relations);
    e->fence = !unwritten;
    return ok;
}

/* Where the server is by now: what a stream that begins here does not need of the changes before. */
static bool find_position(struct engine *e, struct err *err)
{
    static const char sql[] = "SELECT pg_catalog.pg_current_wal_flush_lsn(),"
                              "pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())";
    struct pg_rows *rows = service_query(&e->service, sql, 0, NULL, err);
    bool ok = rows && (lsn_parse(pg_rows_value(rows, 0, 0), &e->planned_lsn) ||
                       err_set(err, ERR_SYSTEM, "the server's position cannot be read"));
    e->planned_xmax = ok ? strtoull(pg_rows_value(rows, 0, 1), NULL, 10) : 0;
    pg_rows_free(&rows);
    return ok;
}

bool plan_make(struct engine *e, struct table_description **tables, struct err *err)
{
    bool ok = find_position(e, err);
    roster_init(&e->roster, e->config.catalog);
    for (int i = 0; i < e->roster.count; i++) {
        struct table_description *table = mem_alloc(sizeof *table);
        *table = (*tables)[i];
        e->roster.members[i].table = roster_keep(&e->roster, &table);
    }
    free(*tables);
    *tables = NULL;
    for (int i = 0; ok && i < e->roster.count; i++) {
        ok = place_stream(e, i, err);
    }
    ok = ok && find_fence(e, err) && read_by_ctid_take_bases(e, err);
    for (int i = 0; ok && i < e->roster.count; i++) {
        member_set_life(&e->roster.members[i], e->roster.members[i].table,
                        &e->config.catalog->streams[i]);
    }
    return ok;
}

void plan_queue(struct engine *e)
{
    for (int i = 0; i < e->roster.count; i++) {
        shared_store(&e->lives[i], merge_life(e->merge, i));
        roster_queue(e, i, e->fence && !e->roster.members[i].state.backfilled);
    }
}
