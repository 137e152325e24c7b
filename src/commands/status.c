/* status: looks at the server, and at how far a state has come. */
#include <stdlib.h>
#include <string.h>

#include "look.h"
#include "pg/prerequisites.h"

/* Sizes are good to have, and nothing fails for want of them. */
static void describe(struct pg *pg, struct look *look)
{
    struct err ignored;
    struct problems problems = {0};
    struct types *types = types_new();
    const struct request *request = look->request;
    if (request->catalog && look->facts.publication.exists && !look->problems.count &&
        !tables_describe(pg, types, request->config, request->catalog, &look->tables, &problems,
                         &ignored)) {
        look->tables = NULL;
    }
    types_free(&types);
    problems_free(&problems);
}

bool look_read(struct pg *pg, const struct request *request, struct look *look, struct err *err)
{
    const struct config *config = request->config;
    bool ok = facts_read(pg, config, request->catalog, &look->facts, err) &&
              (!look->facts.slot.active_pid ||
               slot_reader_read(pg, &look->facts.slot, &look->reader, err)) &&
              prerequisites_check(pg, config, request->catalog, SLOT_MAY_BE_READ, NULL,
                                  &look->problems, err);
    if (ok) {
        describe(pg, look);
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
    bool ok = pg && look_read(pg, request, &look, err);
    if (ok) {
        (request->json ? look_write_json : look_print)(out, &look);
    }
    look_clear(&look);
    pg_close(&pg);
    return ok;
}
