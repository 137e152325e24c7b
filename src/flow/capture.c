/* The messages of an open capture: opened, sourcedSchema, captured, checkpoint. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backfills.h"
#include "base/mem.h"
#include "internal.h"
#include "respond.h"
#include "sourced.h"

enum { VALUE_LIMIT = 8 * 1024 * 1024 }; /* of Flow's own connectors */

struct flow_capture {
    const struct config *config;
    const struct catalog *catalog;
    struct ledger *ledger;
    const struct state *given; /* what the capture begins with */
    uint64_t cursor;           /* of the state that the capture begins with; 0: none */
    enum flow_form form;
    struct frame *frames;        /* of each stream */
    struct backfills *backfills; /* NULL: nothing is said of them */
    struct sourced *sourced;
    char **removed;    /* streams of the state that have no binding any more, NULL-terminated */
    bool begun;        /* a checkpoint was written */
    uint32_t timeline; /* of the identity as written: all else of it is fixed */
    bool had_in_doubt; /* the last checkpoint, or the state given, had in-doubt transactions */
    bool taken_over;   /* the state given has a member of another connector */
};

/* Streams of the state without a binding; the others are counted in *kept. */
static char **find_removed(const struct catalog *catalog, const struct checkpoint *given, int *kept)
{
    size_t count = 0;
    char **removed = mem_zero(((size_t)given->stream_count + 1) * sizeof *removed);
    for (int i = 0; i < given->stream_count; i++) {
        if (binding_find(catalog, given->streams[i].id) >= 0) {
            ++*kept;
        } else {
            removed[count++] = mem_string(given->streams[i].id);
        }
    }
    return removed;
}

static void take_state(struct flow_capture *f, struct state *state)
{
    int kept = 0;
    if (!state->checkpoint) {
        return;
    }
    f->removed = find_removed(f->catalog, state->checkpoint, &kept);
    f->had_in_doubt = state->checkpoint->in_doubt_count > 0;
    if (kept) {
        f->cursor = state->checkpoint->cursor;
    } else {
        state_clear(state);
    }
}

struct flow_capture *flow_capture_new(const struct config *config, const struct catalog *catalog,
                                      struct state *state, bool taken_over, enum flow_form form,
                                      struct ledger *ledger)
{
    struct flow_capture *f = mem_zero(sizeof *f);
    *f = (struct flow_capture){
        .config = config, .catalog = catalog, .ledger = ledger, .given = state};
    take_state(f, state);
    f->taken_over = taken_over;
    f->had_in_doubt |= taken_over; /* what this one left when it was replaced */
    f->form = form;
    f->sourced = sourced_new(form, catalog->count);
    f->backfills =
        config->backfill_messages ? backfills_new(config, catalog, state->checkpoint) : NULL;
    f->frames = mem_zero((size_t)catalog->count * sizeof *f->frames);
    for (int i = 0; i < catalog->count; i++) {
        f->frames[i].tag = config->source_tag;
        f->frames[i].value_limit =
            config->max_value_bytes ? (uint32_t)config->max_value_bytes : VALUE_LIMIT;
        respond_captured(&f->frames[i], form, i);
    }
    return f;
}

void flow_capture_free(struct flow_capture **capture)
{
    struct flow_capture *f = *capture;
    *capture = NULL;
    if (f) {
        for (int i = 0; i < f->catalog->count; i++) {
            free((char *)f->frames[i].head);
        }
        free(f->frames);
        sourced_free(&f->sourced);
        backfills_free(&f->backfills);
        json_strings_free(&f->removed);
        free(f);
    }
}

/* Nothing but what was written since the last one. */
static void checkpoint_nothing(const struct flow_capture *f, struct out *out, uint64_t cursor)
{
    struct out nothing;
    out_init(&nothing, 2);
    out_string(&nothing, "{}");
    ledger_add(f->ledger, cursor);
    respond_checkpoint(out, f->form, &nothing);
    out_free(&nothing);
}

struct saying {
    const struct flow_capture *capture;
    struct out *out;
    uint64_t cursor;
};

/* Alone in its checkpoint. */
static void say_backfill(void *context, int binding, bool complete)
{
    const struct saying *saying = context;
    respond_backfill(saying->out, saying->capture->form, binding, complete);
    checkpoint_nothing(saying->capture, saying->out, saying->cursor);
}

struct schemas {
    struct sourced *sourced;
    const struct catalog *catalog;
    struct out *out;
};

static bool write_schema(void *context, const struct discovered_table *table, struct err *err)
{
    const struct schemas *s = context;
    for (int i = 0; i < s->catalog->count; i++) {
        const struct catalog_stream *stream = &s->catalog->streams[i];
        if (!strcmp(stream->table, table->name) && !strcmp(stream->schema, table->schema)) {
            sourced_begin(s->sourced, s->out, i, table);
        }
    }
    return !s->out->failed || err_set(err, ERR_SYSTEM, "cannot write the schemas");
}

bool flow_open(struct flow_capture *f, int stop_fd, struct out *out, struct err *err)
{
    struct schemas schemas = {f->sourced, f->catalog, out};
    struct types *types = types_new();
    struct pg *pg = pg_open(f->config, PG_SQL, "source-postgres schemas", stop_fd, err);
    if (pg) {
        respond_opened(out, f->form);
    }
    bool ok =
        pg && (f->config->no_sourced_schemas ||
               tables_discover(pg, types, f->config, f->catalog, write_schema, &schemas, err));
    pg_close(&pg);
    types_free(&types);
    if (ok) {
        checkpoint_nothing(f, out, f->cursor);
    }
    if (ok && f->backfills) {
        backfills_open(f->backfills, say_backfill, &(struct saying){f, out, f->cursor});
    }
    return ok;
}

static void frame(void *context, int stream, struct frame *frame)
{
    const struct flow_capture *f = context;
    *frame = f->frames[stream];
}

static void shape(void *context, struct out *out, const struct relation *relation)
{
    const struct flow_capture *f = context;
    sourced_shape(f->sourced, out, relation);
}

static bool same_text(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

static bool knows_identity(const struct state *given, const struct capture_identity *now)
{
    const struct capture_identity *then = &given->identity;
    return given->checkpoint && same_text(then->system_identifier, now->system_identifier) &&
           then->timeline == now->timeline && same_text(then->slot, now->slot) &&
           same_text(then->database, now->database);
}

static bool knows_stream(const struct state *given, const struct stream_state *now)
{
    const struct stream_state *then =
        given->checkpoint ? checkpoint_stream(given->checkpoint, now->id) : NULL;
    if (!then) {
        return false;
    }
    struct stream_state alike = *now;
    struct out before, after;
    alike.terms.horizon = then->terms.horizon; /* it is a later one at each start */
    out_init(&before, 256);
    out_init(&after, 256);
    state_write_stream(&before, then);
    state_write_stream(&after, &alike);
    bool same = same_text(out_text(&before), out_text(&after));
    out_free(&before);
    out_free(&after);
    return same;
}

/* The first checkpoint brings all streams: say of it what the state given does not. */
static void write_first(const struct flow_capture *f, struct out *out,
                        const struct capture_identity *identity, const struct checkpoint *whole)
{
    struct checkpoint changed = *whole;
    changed.streams = mem_zero((size_t)whole->stream_count * sizeof *changed.streams);
    changed.stream_count = 0;
    for (int i = 0; i < whole->stream_count; i++) {
        if (!knows_stream(f->given, &whole->streams[i])) {
            changed.streams[changed.stream_count++] = whole->streams[i];
        }
    }
    struct state_patch patch = {
        .identity = knows_identity(f->given, identity) ? NULL : identity,
        .newer = &changed,
        .had_in_doubt = f->had_in_doubt,
        .leftover = f->taken_over ? TAKEOVER_MEMBER : NULL,
        .removed = f->removed,
    };
    state_write_patch(out, &patch);
    free(changed.streams);
}

static void checkpoint(void *context, struct out *out, const struct capture_identity *identity,
                       const struct checkpoint *newer, const uint64_t *counts)
{
    struct flow_capture *f = context;
    (void)counts;
    struct out updated;
    out_init(&updated, 1024);
    ledger_add(f->ledger, newer->cursor);
    if (f->begun) {
        struct state_patch patch = {
            .identity = f->timeline == identity->timeline ? NULL : identity,
            .newer = newer,
            .had_in_doubt = f->had_in_doubt,
        };
        state_write_patch(&updated, &patch);
    } else {
        write_first(f, &updated, identity, newer);
    }
    respond_checkpoint(out, f->form, &updated);
    out_free(&updated);
    if (f->backfills) {
        backfills_checkpoint(f->backfills, newer, say_backfill,
                             &(struct saying){f, out, newer->cursor});
    }
    f->begun = true;
    f->timeline = identity->timeline;
    f->had_in_doubt = newer->in_doubt_count > 0;
}

struct codec flow_codec(struct flow_capture *capture)
{
    return (struct codec){
        .context = capture,
        .frame = frame,
        .shape = capture->config->no_sourced_schemas ? NULL : shape,
        .checkpoint = checkpoint,
        .release = "its runtime must acknowledge checkpoints: restart the capture",
        .lost_first = capture->backfills != NULL,
    };
}
