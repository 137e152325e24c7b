/*
 * Reads of full_refresh streams alone. Such a read ends once all rows are out, and has a slot of
 * its own, which is dropped then. Until then a failed attempt can be continued: changes made
 * meanwhile to rows that are out come through the slot, and the other rows are read.
 *
 *                begin                       all rows are out
 *   no slot --------------> slot -----------------------------> no slot
 *              ^             | an attempt failed
 *              |             v
 *              +--- slot that is left ---> continues from the state, within its generation
 *                another generation,
 *                or no state
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "parts.h"
#include "plan.h"

enum { DROP_TRIES = 20, DROP_PAUSE_MS = 100 };

/* The stream's state, if the generation that is asked for continues from it; else NULL. */
static const struct stream_state *state_of(const struct engine *e, int stream)
{
    const struct checkpoint *given = e->config.state->checkpoint;
    char *id = plan_stream_id(&e->config.catalog->streams[stream]);
    const struct stream_state *state = given ? checkpoint_stream(given, id) : NULL;
    bool goes_on = state && state->mode != STREAM_IGNORE &&
                   plan_goes_on_from(&e->config.catalog->streams[stream], state);
    free(id);
    return goes_on ? state : NULL;
}

bool refresh_goes_on(const struct engine *e)
{
    bool some = false;
    for (int i = 0; i < e->config.catalog->count; i++) {
        some |= state_of(e, i) != NULL;
    }
    return some;
}

bool refresh_is_complete(const struct engine *e)
{
    bool all = e->config.catalog->full_refresh;
    for (int i = 0; all && i < e->config.catalog->count; i++) {
        const struct stream_state *state = state_of(e, i);
        all = state && state->mode == STREAM_ACTIVE;
    }
    return all;
}

/* For a moment after the replication connection was closed, its walsender still has the slot. */
static bool drop(struct engine *e, int stop_fd, struct err *err)
{
    const struct config *config = e->config.config;
    struct pg *pg = pg_open(config, PG_SQL, "source-postgres", stop_fd, err);
    bool ok = false;
    for (int i = 0; pg && !ok && i < DROP_TRIES; i++) {
        poll(NULL, 0, i ? DROP_PAUSE_MS : 0);
        ok = slot_drop(pg, config->slot, err);
    }
    pg_close(&pg);
    return ok;
}

/* Write the state again, and the end. */
static bool write_state(struct engine *e, struct err *err)
{
    const struct codec *codec = &e->config.codec;
    struct progress *p = e->config.progress;
    int count = e->config.catalog->count;
    struct checkpoint *checkpoint = checkpoint_new(count);
    uint64_t *counts = mem_zero((size_t)count * sizeof *counts);
    struct out out;
    out_init(&out, 4096);
    p->streams = mem_zero((size_t)count * sizeof *p->streams);
    checkpoint->cursor = e->config.state->checkpoint->cursor;
    checkpoint->carry = e->config.state->checkpoint->carry;
    for (int i = 0; i < count; i++) {
        stream_state_copy(&checkpoint->streams[i], state_of(e, i));
    }
    codec->checkpoint(codec->context, &out, &e->config.state->identity, checkpoint, counts);
    if (codec->end) {
        codec->end(codec->context, &out, true);
    }
    const struct sink *sink = &e->config.sink;
    bool ok = sink->write(sink->context, out.data, out.len, err) &&
              (!sink->commit || sink->commit(sink->context, err));
    checkpoint_free(&checkpoint);
    free(counts);
    out_free(&out);
    return ok;
}

/* A slot that no run will use again keeps WAL, and nothing but this log reports it. */
bool refresh_say_left(struct engine *e, struct err *err)
{
    const struct config *config = e->config.config;
    struct slot slot = {0};
    if (!slot_read(e->service.pg, config->other_slot, &slot, err)) {
        return false;
    }
    if (slot.exists && slot.logical && !slot.active_pid &&
        !strcmp(slot.database, config->database)) {
        log_line(e->config.log, LOG_WARN,
                 "replication slot \"%s\" was left by a full refresh that is not complete, and the "
                 "server keeps WAL for it: if it will not be tried again, run SELECT "
                 "pg_drop_replication_slot('%s')",
                 config->other_slot, config->other_slot);
    }
    slot_clear(&slot);
    return true;
}

bool refresh_repeat(struct engine *e, struct err *err)
{
    log_line(e->config.log, LOG_INFO,
             "all rows of this generation have been sent: nothing is left to be done");
    return drop(e, run_stop_fd(e->config.run), err) && write_state(e, err);
}

void refresh_end(struct engine *e)
{
    struct err err = {0};
    const char *slot = e->config.config->slot;
    if (!e->config.catalog->full_refresh || (!e->start.lsn && !e->start.new_slot)) {
        return;
    }
    if (!e->pipeline.complete && (e->pipeline.state_written || !e->start.new_slot)) {
        log_line(e->config.log, LOG_WARN,
                 "replication slot \"%s\" is left for another attempt, and the server keeps WAL "
                 "until one is complete: if there is none, run SELECT "
                 "pg_drop_replication_slot('%s')",
                 slot, slot);
    } else if (drop(e, -1, &err)) {
        log_line(e->config.log, LOG_INFO, "dropped replication slot \"%s\"", slot);
    } else {
        log_line(e->config.log, LOG_WARN,
                 "%s; the server keeps WAL for it: run SELECT pg_drop_replication_slot('%s')",
                 err.message, slot);
    }
}
