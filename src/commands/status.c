/* status: looks at the server, and at how far a state has come. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "look.h"
#include "pg/failover.h"
#include "pg/prerequisites.h"
#include "pg/slot_guard.h"

/* Numbers of rows are optional: the command does not fail without them, nor wait long for a lock. */
static void describe(struct pg *pg, struct look *look)
{
    struct err err;
    struct problems problems = {0};
    struct types *types = types_new();
    const struct request *request = look->request;
    if (request->catalog && look->facts.publication.exists && !look->problems.count &&
        !tables_describe(pg, types, request->config, request->catalog, &look->tables, &problems,
                         &err)) {
        look->tables = NULL;
        err_prefix(&err, "the numbers of rows are not known: ");
        problems_add(&look->remarks, err.message);
    }
    types_free(&types);
    problems_free(&problems);
}

static void add_remark(void *context, const char *line)
{
    problems_add(context, line);
}

/* Check whether a read could continue from the state, apart from its timeline. A complete full
 * refresh has dropped its slot, and streams with states of their own may be behind the slot. */
static void check_state(struct look *look)
{
    const struct state *state = look->request->state;
    const struct config *config = look->request->config;
    const struct slot *slot = &look->facts.slot;
    struct server_identity server = {.position = UINT64_MAX};
    struct err err;
    if (!state || !state->checkpoint || look->request->catalog->full_refresh ||
        (state->by_stream && slot->exists)) {
        return;
    }
    memcpy(server.system_identifier, slot->system_identifier, sizeof server.system_identifier);
    bool known = *server.system_identifier != '\0'; /* not every user may read it */
    struct slot_claim claim = {.system_identifier =
                                   known ? state->identity.system_identifier : NULL,
                               .slot = state->identity.slot,
                               .database = state->identity.database,
                               .cursor = state->checkpoint->cursor,
                               .standby = config->read_only_capture};
    if (!slot_verify(&claim, slot, config->slot, config->database, &server, 0, &err)) {
        problems_add(&look->problems, err.message);
    }
}

/* Whether it is about to be lost, or keeps much. How far a capture that runs has come is not known
 * here: about as far as the server has sent. */
static void check_slot(struct look *look)
{
    const struct slot *slot = &look->facts.slot;
    const struct config *config = look->request->config;
    const struct state *state = look->request->state;
    uint64_t captured = look->reader.sent            ? look->reader.sent
                        : state && state->checkpoint ? state->checkpoint->cursor
                                                     : slot->confirmed_flush;
    struct slot_guard guard = {
        .slot = config->slot,
        .release = "its consumer must store states, or acknowledge checkpoints",
        .warn_bytes = (uint64_t)config->wal_warn_mb << 20,
    };
    struct out warning;
    struct err ignored;
    if (!slot_is_own(slot) || slot->invalidation) {
        return;
    }
    out_init(&warning, 256);
    slot_guard_look(&guard, slot, captured, &warning, &ignored);
    if (!slot->active_pid && !warning.len) {
        slot_guard_idle(slot, config->slot, &warning);
    }
    if (warning.len) {
        problems_add(&look->problems, out_text(&warning));
    }
    out_free(&warning);
}

/* Each line of it. */
static void add_unlisted(struct look *look)
{
    char *rest = mem_string(look->request->unlisted ? look->request->unlisted : ""), *next = rest;
    for (char *line; (line = strsep(&next, "\n"));) {
        if (*line) {
            problems_add(&look->problems, line);
        }
    }
    free(rest);
}

bool look_read(struct pg *pg, const struct request *request, struct look *look, struct err *err)
{
    const struct config *config = request->config;
    bool ok = prerequisites_check(pg, config, request->catalog, SLOT_MAY_BE_READ, NULL,
                                  &look->facts, &look->problems, err) &&
              slot_reader_read(pg, &look->facts.slot, &look->reader, err) &&
              failover_remark(pg, config, add_remark, &look->remarks, err);
    if (ok) {
        describe(pg, look);
        add_unlisted(look);
        check_slot(look);
        check_state(look);
    }
    return ok;
}

void look_clear(struct look *look)
{
    if (look->request->catalog) {
        tables_free(&look->tables, look->request->catalog->count);
    }
    slot_reader_clear(&look->reader);
    problems_free(&look->problems);
    problems_free(&look->remarks);
    facts_free(&look->facts);
}

const struct stream_state *look_stream(const struct look *look, int stream)
{
    const struct state *state = look->request->state;
    const struct catalog_stream *wanted = &look->request->catalog->streams[stream];
    const struct stream_state *found = NULL;
    char *id = stream_name(wanted->schema, wanted->table);
    for (int i = 0; state && state->checkpoint && i < state->checkpoint->stream_count; i++) {
        const struct stream_state *one = &state->checkpoint->streams[i];
        found = !strcmp(one->id, id) ? one : found;
    }
    free(id);
    return found;
}

const char *look_mode(const struct stream_state *state)
{
    if (!state) {
        return "";
    }
    switch (state->mode) {
    case STREAM_BACKFILL: return "backfill";
    case STREAM_ACTIVE: return "active";
    case STREAM_IGNORE: return "ignored";
    }
    return "";
}

int64_t look_estimate(const struct look *look, int stream)
{
    return look->tables ? look->tables[stream].row_estimate : -1;
}

bool command_status(const struct request *request, struct out *out, struct err *err)
{
    struct look look = {.request = request};
    struct pg *pg =
        pg_open(request->config, PG_SQL, "source-postgres status", request->stop_fd, err);
    bool ok = pg && pg_exec(pg, "SET lock_timeout='2s'", err) && look_read(pg, request, &look, err);
    if (ok) {
        (request->json ? look_write_json : look_print)(out, &look);
    }
    look_clear(&look);
    pg_close(&pg);
    return ok;
}
