/* Everything before the threads: prerequisites, the slot and the server behind it, the tables, the
 * plan. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "parts.h"
#include "pg/failover.h"
#include "pg/prerequisites.h"
#include "plan.h"

/* Write an error for each stream: the run's error is about all of them, and names none. */
static void report_streams(struct engine *e, const struct problems *problems)
{
    const struct codec *codec = &e->config.codec;
    struct err one, ignored;
    struct out out;
    out_init(&out, 1024);
    for (size_t next = 0; problems_of_stream(problems, &next, &one);) {
        codec->error(codec->context, &out, &one);
    }
    e->config.sink.write(e->config.sink.context, out.data, out.len, &ignored);
    out_free(&out);
}

static bool no_problems(struct engine *e, const struct problems *problems, struct err *err)
{
    if (problems_none(problems, err)) {
        return true;
    }
    if (e->config.codec.error && !err->table[0]) {
        report_streams(e, problems);
    }
    return false;
}

/* Keys are checked too, before anything is created: the slot of a capture that cannot begin would
 * keep WAL. Where nothing is to be created, they are checked when the tables are described. */
static bool check(struct engine *e, struct facts *facts, struct err *err)
{
    const struct engine_config *c = &e->config;
    struct problems problems = {0};
    bool goes_on = c->state->checkpoint || c->catalog->full_refresh; /* or is dropped */
    enum slot_use use = goes_on ? SLOT_GOES_ON : SLOT_MUST_BE_FREE;
    bool ok = prerequisites_check(e->service.pg, c->config, c->catalog, use, &e->replication->pg,
                                  facts, &problems, err) &&
              (problems.count ||
               (!c->catalog->full_refresh && prerequisites_are_there(facts, c->config)) ||
               tables_check_keys(e->service.pg, c->config, c->catalog, &problems, err)) &&
              no_problems(e, &problems, err);
    problems_free(&problems);
    return ok;
}

static void set_identity(struct engine *e, const struct server_identity *server)
{
    capture_identity_clear(&e->start.identity);
    e->start.identity.system_identifier = mem_string(server->system_identifier);
    e->pipeline.timeline = e->start.identity.timeline = server_lasting_timeline(server);
    e->start.identity.slot = mem_string(e->config.config->slot);
    e->start.identity.database = mem_string(e->config.config->database);
}

static void say_behind(void *log, const char *id)
{
    log_line(log, LOG_WARN,
             "the state of stream %s is older than what the replication slot still has: it was not "
             "captured for a while, and is backfilled again",
             id);
}

/*
 * A platform that keeps a state for each stream hands back an old one when a stream is selected
 * again. The slot has moved on with the other streams meanwhile.
 */
static void leave_behind(struct engine *e, const struct slot *slot)
{
    const struct state *state = e->config.state;
    if (state->by_stream && slot->confirmed_flush > state->checkpoint->cursor &&
        checkpoint_leave_behind(state->checkpoint, slot->confirmed_flush, say_behind,
                                e->config.log)) {
        shared_store(e->config.acknowledged, state->checkpoint->cursor);
    }
}

/* Make a failover slot of one that was created before there was a standby, or by another version.
 * The capture can do without. */
static bool see_failover(struct engine *e, const struct slot *slot, struct err *err)
{
    const struct config *config = e->config.config;
    struct failover_facts facts;
    if (slot->failover || slot->active_pid || e->config.catalog->full_refresh) {
        return true;
    }
    bool ok = failover_read(e->service.pg, &facts, err);
    if (ok && failover_wanted(config, &facts)) {
        ok = failover_enable(e->replication->pg, config->slot, err);
        if (ok) {
            log_line(e->config.log, LOG_INFO, "replication slot \"%s\" is a failover slot now",
                     config->slot);
        } else if (config->failover_slot == FAILOVER_AUTO && err->kind == ERR_CONFIG) {
            log_line(e->config.log, LOG_WARN, "%s", err->message);
            ok = true;
        }
    }
    failover_clear(&facts);
    return ok;
}

/* Warn of a slot that was not read for long: between two runs. */
static void say_idle(const struct engine *e, const struct slot *slot)
{
    struct out warning;
    out_init(&warning, 256);
    slot_guard_idle(slot, e->config.config->slot, &warning);
    if (warning.len) {
        log_line(e->config.log, LOG_WARN, "%s", out_text(&warning));
    }
    out_free(&warning);
}

/* Where the stream begins: at the state's cursor, if the slot still has it; without a state at the
 * slot's own position. */
static bool find_start(struct engine *e, uint64_t slot_lsn, struct err *err)
{
    const struct engine_config *c = &e->config;
    const struct state *state = c->state;
    struct slot slot = {0};
    struct server_identity server;
    uint64_t timeline_end;
    uint32_t timeline = state->checkpoint ? state->identity.timeline : 0;
    if (!replication_identify(e->replication, &server, timeline, &timeline_end, err) ||
        !slot_read(e->service.pg, c->config->slot, &slot, err)) {
        return false;
    }
    set_identity(e, &server);
    say_idle(e, &slot);
    bool ok = true;
    if (state->checkpoint) {
        leave_behind(e, &slot);
        struct slot_claim claim = {state->identity.system_identifier,
                                   state->identity.timeline,
                                   state->identity.slot,
                                   state->identity.database,
                                   state->checkpoint->cursor,
                                   c->config->read_only_capture};
        ok = slot_verify(&claim, &slot, c->config->slot, c->config->database, &server, timeline_end,
                         err);
        e->start.lsn = state->checkpoint->cursor;
        e->start.history_end = timeline_end;
    } else {
        e->start.lsn = slot_lsn ? slot_lsn : slot.confirmed_flush;
    }
    shared_store(&c->progress->received, e->start.lsn);
    shared_store(&c->progress->flushed, slot.confirmed_flush);
    ok = ok && see_failover(e, &slot, err);
    slot_clear(&slot);
    return ok;
}

/* A state that the capture cannot continue from is refused before anything is made. */
static bool find_given_start(struct engine *e, struct err *err)
{
    return !e->config.state->checkpoint || find_start(e, 0, err);
}

static bool find_new_start(struct engine *e, uint64_t slot_lsn, struct err *err)
{
    return e->config.state->checkpoint || find_start(e, slot_lsn, err);
}

/* A new slot has nothing of what the state continues from. */
static void forget_state(struct engine *e)
{
    static const struct state none;
    e->config.state = &none;
    shared_store(e->config.acknowledged, 0);
}

/* Continue the last attempt, or drop the slot that it has left. */
static bool prepare_refresh(struct engine *e, struct err *err)
{
    if (refresh_goes_on(e)) {
        if (find_start(e, 0, err)) {
            return true;
        }
        if (err->remedy != REMEDY_BEGIN_AGAIN) {
            return false;
        }
        log_line(e->config.log, LOG_WARN, "all rows of this full refresh are sent again: %s",
                 err->message);
        *err = (struct err){0};
    }
    forget_state(e);
    return slot_drop(e->service.pg, e->config.config->slot, err);
}

static bool make_prerequisites(struct engine *e, struct facts *facts, uint64_t *slot_lsn,
                               struct err *err)
{
    const struct engine_config *c = &e->config;
    struct prerequisites make = {.slot = !c->state->checkpoint};
    bool ok = prerequisites_create(e->service.pg, c->config, c->catalog, facts, &make, err);
    *slot_lsn = make.slot_lsn;
    e->start.new_slot = make.slot_lsn != 0;
    return ok;
}

/* The types that the state knows: before any table is described, or any change decoded. */
static void remember_types(struct engine *e)
{
    const struct checkpoint *given = e->config.state->checkpoint;
    for (int i = 0; given && i < given->stream_count; i++) {
        types_remember(e->service.types, &given->streams[i].types);
    }
}

static bool describe(struct engine *e, struct table_description **tables, struct err *err)
{
    struct problems problems = {0};
    remember_types(e);
    bool ok = tables_describe(e->service.pg, e->service.types, e->config.config, e->config.catalog,
                              tables, &problems, err) &&
              no_problems(e, &problems, err);
    problems_free(&problems);
    if (!ok) {
        tables_free(tables, e->config.catalog->count);
    }
    return ok;
}

static int count_ranges(const struct engine *e)
{
    int count = 0;
    for (int i = 0; i < e->merger.roster.count; i++) {
        const struct stream_state *state = &e->merger.roster.members[i].state;
        count += state->mode == STREAM_BACKFILL ? state->range_count : 0;
    }
    return count;
}

/* Transactions that were in doubt at the checkpoint must be visible before a chunk is read: nearly
 * always they are at once. */
static bool wait_for_in_doubt(struct engine *e, struct err *err)
{
    const struct checkpoint *given = e->config.state->checkpoint;
    int64_t said_us = clock_monotonic_us();
    for (size_t i = 0; given && i < given->in_doubt_count;) {
        struct snapshot snapshot;
        if (!service_snapshot(&e->service, &snapshot, err)) {
            return false;
        }
        bool seen = snapshot_sees(&snapshot, given->in_doubt[i], 0);
        snapshot_free(&snapshot);
        if (seen) {
            i++;
            continue;
        }
        if (run_stopping(e->config.run)) {
            return err_set(err, ERR_STOPPED, "stopped");
        }
        if (clock_monotonic_us() - said_us > 5 * 1000 * 1000) {
            said_us = clock_monotonic_us();
            log_wait(&e->service.wait, LOG_WARN,
                     "waiting until transaction %" PRIu32
                     ", which has committed, is visible: does it wait for a synchronous standby?",
                     given->in_doubt[i]);
        }
        run_pause(e->config.run, 100 * 1000);
    }
    log_waited(&e->service.wait);
    return true;
}

/* Warn of entries that match no table: a mistyped entry skips nothing, so the table's rows are
 * read. */
static void say_unfit_skips(const struct engine_config *c)
{
    for (char **item = c->config->skip_backfills; item && *item; item++) {
        bool fits = false;
        for (int i = 0; i < c->catalog->count && !fits; i++) {
            const struct catalog_stream *s = &c->catalog->streams[i];
            fits = skip_means(*item, s->schema, s->table);
        }
        if (!fits) {
            log_line(c->log, LOG_WARN,
                     "advanced.skip_backfills names \"%s\", which no captured "
                     "table fits",
                     *item);
        }
    }
}

/* Check what the capture needs, and create what is missing. */
static bool prepare(struct engine *e, uint64_t *slot_lsn, struct err *err)
{
    struct facts facts = {0};
    bool refresh = e->config.catalog->full_refresh;
    bool ok = check(e, &facts, err) &&
              (refresh ? prepare_refresh(e, err)
                       : refresh_say_left(e, err) && find_given_start(e, err)) &&
              make_prerequisites(e, &facts, slot_lsn, err);
    facts_free(&facts);
    return ok;
}

bool engine_start(struct engine *e, struct err *err)
{
    uint64_t slot_lsn = 0;
    struct table_description *tables = NULL;
    if (!service_open(&e->service, err) || !prepare(e, &slot_lsn, err) ||
        !find_new_start(e, slot_lsn, err) || !wait_for_in_doubt(e, err) ||
        !describe(e, &tables, err) || !plan_make(&e->merger, &e->start, &tables, err) ||
        !service_remark(&e->service, e->config.catalog, err)) {
        return false;
    }
    say_unfit_skips(&e->config);
    int streams = e->config.catalog->count, ranges = count_ranges(e);
    log_line(e->config.log, LOG_INFO,
             "capturing %d stream%s from %s on, %d key range%s to backfill", streams,
             streams == 1 ? "" : "s", lsn_format(e->start.lsn).s, ranges, ranges == 1 ? "" : "s");
    return true;
}
