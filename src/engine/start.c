/* Everything before the threads: prerequisites, the slot and the server behind it, the tables, the
 * plan. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "pg/prerequisites.h"
#include "replication.h"

/* The error of each stream for itself: the run's error does not name them. */
static void tell_streams(struct engine *e, const struct problems *problems)
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
        tell_streams(e, problems);
    }
    return false;
}

/* The keys too, before anything is made: a slot of a capture that cannot begin would hold WAL. */
static bool check(struct engine *e, struct err *err)
{
    const struct engine_config *c = &e->config;
    struct problems problems = {0};
    bool goes_on = c->state->checkpoint || c->catalog->full_refresh; /* or makes way */
    enum slot_use use = goes_on ? SLOT_GOES_ON : SLOT_MUST_BE_FREE;
    bool ok = prerequisites_check(e->service.pg, c->config, c->catalog, use, &e->replication->pg,
                                  &problems, err) &&
              (problems.count ||
               tables_check_keys(e->service.pg, c->config, c->catalog, &problems, err)) &&
              no_problems(e, &problems, err);
    problems_free(&problems);
    return ok;
}

static void set_identity(struct engine *e, const struct server_identity *server)
{
    capture_identity_clear(&e->identity);
    e->identity.system_identifier = mem_string(server->system_identifier);
    e->identity.timeline = server->timeline;
    e->timeline = server->timeline;
    e->identity.slot = mem_string(e->config.config->slot);
    e->identity.database = mem_string(e->config.config->database);
}

static void say_behind(void *log, const char *id)
{
    log_line(log, LOG_WARN,
             "the state of stream %s is older than what the replication slot still has: it was not "
             "captured for a while, and is backfilled again",
             id);
}

/*
 * A platform that keeps a state for each stream hands back an old one when a stream is selected again.
 * The slot has followed the others meanwhile.
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

/* Where the stream begins: at the state's cursor, if it is still to be had; else at the slot's own.
 */
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
    bool ok = true;
    if (state->checkpoint) {
        leave_behind(e, &slot);
        struct slot_claim claim = {state->identity.system_identifier, state->identity.timeline,
                                   state->identity.slot, state->identity.database,
                                   state->checkpoint->cursor};
        ok = slot_verify(&claim, &slot, c->config->slot, c->config->database, &server, timeline_end,
                         err);
        e->start_lsn = state->checkpoint->cursor;
    } else {
        e->start_lsn = slot_lsn ? slot_lsn : slot.confirmed_flush;
    }
    slot_clear(&slot);
    return ok;
}

/* Nothing that the state says holds for a new slot. */
static void forget_state(struct engine *e)
{
    static const struct state none;
    e->config.state = &none;
    shared_store(e->config.acknowledged, 0);
}

/* What an attempt has left that nothing goes on from makes way. */
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

static bool make_prerequisites(struct engine *e, uint64_t *slot_lsn, struct err *err)
{
    const struct engine_config *c = &e->config;
    struct prerequisites make = {.slot = !c->state->checkpoint};
    bool ok = prerequisites_create(e->service.pg, c->config, c->catalog, &make, err);
    *slot_lsn = make.slot_lsn;
    e->new_slot = make.slot_lsn != 0;
    return ok;
}

/* Before any table is described, or any change decoded. */
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
    for (int i = 0; i < e->roster.count; i++) {
        const struct stream_state *state = &e->roster.members[i].state;
        count += state->mode == STREAM_BACKFILL ? state->range_count : 0;
    }
    return count;
}

/* What the state calls unseen must be visible before a chunk is read: nearly always it is at once.
 */
static bool wait_for_unseen(struct engine *e, struct err *err)
{
    const struct checkpoint *given = e->config.state->checkpoint;
    int64_t said_us = clock_monotonic_us();
    for (size_t i = 0; given && i < given->unseen_count;) {
        struct snapshot snapshot;
        if (!service_snapshot(&e->service, &snapshot, err)) {
            return false;
        }
        bool seen = snapshot_sees(&snapshot, given->unseen[i]);
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
                     given->unseen[i]);
        }
        run_pause(e->config.run, 100 * 1000);
    }
    log_waited(&e->service.wait);
    return true;
}

/* What fits nothing is a slip, and the rows of a large table may be read by it. */
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

bool engine_start(struct engine *e, struct err *err)
{
    uint64_t slot_lsn = 0;
    struct table_description *tables = NULL;
    bool refresh = e->config.catalog->full_refresh;
    if (!service_open(&e->service, err) || !check(e, err) ||
        !(refresh ? prepare_refresh(e, err) : refresh_say_left(e, err)) ||
        !make_prerequisites(e, &slot_lsn, err) || !find_start(e, slot_lsn, err) ||
        !wait_for_unseen(e, err) || !describe(e, &tables, err) || !plan_make(e, &tables, err) ||
        !service_remark(&e->service, e->config.catalog, err)) {
        return false;
    }
    say_unfit_skips(&e->config);
    int streams = e->config.catalog->count, ranges = count_ranges(e);
    log_line(e->config.log, LOG_INFO,
             "capturing %d stream%s from %s on, %d key range%s to backfill", streams,
             streams == 1 ? "" : "s", lsn_format(e->start_lsn).s, ranges, ranges == 1 ? "" : "s");
    return true;
}
