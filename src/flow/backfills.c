/*
 * A binding's backfill, as it was reported to the runtime.
 *
 *   NONE --begin--> READING --complete--> NONE
 */
#include "backfills.h"

#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

struct backfills {
    const struct catalog *catalog;
    struct {
        bool begins;  /* with the capture */
        bool ended;   /* before it */
        bool reading; /* its beginning was reported, and its end was not */
    } bindings[];
};

static bool is_begun(const struct stream_state *state)
{
    bool begun = state->mode != STREAM_BACKFILL || state->backfilled;
    for (int r = 0; r < state->range_count; r++) {
        begun |= state->ranges[r].scanned != NULL;
    }
    return begun;
}

/* The beginning of a backfill that an earlier session began is taken to have been reported then. */
struct backfills *backfills_new(const struct config *config, const struct catalog *catalog,
                                const struct checkpoint *given)
{
    struct backfills *b = mem_zero(sizeof *b + (size_t)catalog->count * sizeof b->bindings[0]);
    b->catalog = catalog;
    for (int i = 0; i < catalog->count; i++) {
        const struct catalog_stream *stream = &catalog->streams[i];
        const struct stream_state *state =
            given ? checkpoint_stream(given, stream->state_key) : NULL;
        bool skipped = stream->mode == BACKFILL_ONLY_CHANGES ||
                       config_skips_backfill(config, stream->schema, stream->table);
        bool begun = state && is_begun(state);
        b->bindings[i].begins = !skipped && !begun;
        b->bindings[i].reading = begun && state->mode == STREAM_BACKFILL;
        b->bindings[i].ended = !skipped && begun && !b->bindings[i].reading;
    }
    return b;
}

void backfills_free(struct backfills **backfills)
{
    free(*backfills);
    *backfills = NULL;
}

/*
 * The end of a backfill is reported in a checkpoint of its own, after the one whose state has it.
 * An earlier session may have ended between the two, so it is reported again; a runtime ignores the
 * second.
 */
void backfills_open(struct backfills *b, void (*say)(void *, int, bool), void *context)
{
    for (int i = 0; i < b->catalog->count; i++) {
        if (b->bindings[i].begins) {
            say(context, i, false);
            b->bindings[i].reading = true;
        } else if (b->bindings[i].ended) {
            say(context, i, true);
        }
    }
}

void backfills_checkpoint(struct backfills *b, const struct checkpoint *newer,
                          void (*say)(void *, int, bool), void *context)
{
    for (int s = 0; s < newer->stream_count; s++) {
        const struct stream_state *state = &newer->streams[s];
        int i = binding_find(b->catalog, state->id);
        bool begins = i >= 0 && stream_state_is_unborn(state);
        bool ends = i >= 0 && state->mode != STREAM_BACKFILL && b->bindings[i].reading;
        if (begins || ends) {
            say(context, i, ends);
            b->bindings[i].reading = begins;
        }
    }
}
