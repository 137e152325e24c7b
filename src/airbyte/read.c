/* The messages of a read: what frames records, states, logs, statuses and estimates. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "airbyte/airbyte.h"
#include "base/clock.h"
#include "base/mem.h"
#include "runtime/counter.h"
#include "state/state.h"
#include "json/json.h"

struct airbyte_read {
    const struct config *config;
    const struct catalog *catalog;
    const struct progress *progress;
    char **heads; /* of each stream's frame; NULL: not yet needed */
    char *logical_heads[LOGICAL_STREAMS];
    int begun;                /* streams that were said to run */
    struct checkpoint *whole; /* every state holds all streams: the last checkpoint of each */
    struct capture_identity
        identity;  /* of the states, but for the timeline; set before the first */
    uint64_t told; /* shared: the cursor of the last state that was written; 0: none was */
};

static void add_text(struct out *out, const char *text)
{
    json_write_string(out, text, strlen(text));
}

static char *frame_head(const struct catalog_stream *stream)
{
    struct out out;
    out_init(&out, 256);
    out_string(&out, "{\"type\":\"RECORD\",\"record\":{\"namespace\":");
    add_text(&out, stream->schema);
    out_string(&out, ",\"stream\":");
    add_text(&out, stream->table);
    out_string(&out, ",\"emitted_at\":");
    char *head = mem_string(out_text(&out));
    out_free(&out);
    return head;
}

struct airbyte_read *airbyte_read_new(const struct config *config, const struct catalog *catalog,
                                      const struct progress *progress)
{
    struct airbyte_read *a = mem_zero(sizeof *a);
    *a = (struct airbyte_read){.config = config, .catalog = catalog, .progress = progress};
    a->whole = checkpoint_new(0);
    for (int i = 0; i < LOGICAL_STREAMS; i++) {
        a->logical_heads[i] = frame_head(&logical_streams[i]);
    }
    a->heads = mem_zero((size_t)catalog->room * sizeof *a->heads);
    return a;
}

void airbyte_read_free(struct airbyte_read **read)
{
    struct airbyte_read *a = *read;
    *read = NULL;
    if (a) {
        for (int i = 0; i < a->catalog->room; i++) {
            free(a->heads[i]);
        }
        free((void *)a->heads);
        for (int i = 0; i < LOGICAL_STREAMS; i++) {
            free(a->logical_heads[i]);
        }
        checkpoint_free(&a->whole);
        capture_identity_clear(&a->identity);
        free(a);
    }
}

static void frame(void *context, int stream, struct frame *frame)
{
    struct airbyte_read *a = context;
    const struct catalog_stream *of = &a->catalog->streams[stream];
    if (!a->heads[stream]) {
        a->heads[stream] = frame_head(of);
    }
    *frame = (struct frame){.head = a->heads[stream],
                            .neck = ",\"data\":",
                            .tail = "}}\n",
                            .tag = a->config->source_tag,
                            .airbyte = of->airbyte_look,
                            .columns = (const char *const *)of->columns};
}

static void frame_logical(void *context, enum logical_stream stream, struct frame *frame)
{
    const struct airbyte_read *a = context;
    *frame = (struct frame){.head = a->logical_heads[stream],
                            .neck = ",\"data\":",
                            .tail = "}}\n",
                            .tag = a->config->source_tag};
}

static void add_descriptor(struct out *out, const struct catalog_stream *stream)
{
    out_string(out, "\"stream_descriptor\":{\"name\":");
    add_text(out, stream->table);
    out_string(out, ",\"namespace\":");
    add_text(out, stream->schema);
    out_char(out, '}');
}

/* The protocol's models take a float: the decimal point stays. */
static void add_stats(struct out *out, uint64_t count)
{
    out_format(out, ",\"sourceStats\":{\"recordCount\":%" PRIu64 ".0}}}\n", count);
}

static void add_global(struct airbyte_read *a, struct out *out,
                       const struct capture_identity *identity, const uint64_t *counts)
{
    uint64_t count = counts[a->catalog->room];
    out_string(out,
               "{\"type\":\"STATE\",\"state\":{\"type\":\"GLOBAL\",\"global\":{\"shared_state\":");
    state_write_shared(out, identity, a->whole);
    out_string(out, ",\"stream_states\":[");
    for (int i = 0; i < a->whole->stream_count; i++) {
        out_string(out, i ? ",{" : "{");
        add_descriptor(out, &a->catalog->streams[i]);
        out_string(out, ",\"stream_state\":");
        state_write_stream(out, &a->whole->streams[i]);
        out_char(out, '}');
        count += counts[i];
    }
    out_string(out, "]}");
    if (a->config->state_type == STATE_LEGACY) {
        out_string(out, ",\"data\":");
        state_write_whole(out, identity, a->whole);
    }
    add_stats(out, count);
}

static void add_streams(struct airbyte_read *a, struct out *out,
                        const struct capture_identity *identity, const uint64_t *counts)
{
    for (int i = 0; i < a->whole->stream_count; i++) {
        out_string(out, "{\"type\":\"STATE\",\"state\":{\"type\":\"STREAM\",\"stream\":{");
        add_descriptor(out, &a->catalog->streams[i]);
        out_string(out, ",\"stream_state\":");
        state_write_lone_stream(out, identity, a->whole, &a->whole->streams[i]);
        out_char(out, '}');
        add_stats(out, counts[i]);
    }
}

static void log_message(void *context, struct out *out, enum log_level level, const char *line)
{
    (void)context;
    out_format(out,
               "{\"type\":\"LOG\",\"log\":{\"level\":\"%s\",\"message\":", log_level_name(level));
    add_text(out, line);
    out_string(out, "}}\n");
}

static void add_status(struct out *out, const struct catalog_stream *stream, const char *status)
{
    out_format(out,
               "{\"type\":\"TRACE\",\"trace\":{\"type\":\"STREAM_STATUS\",\"emitted_at\":%" PRId64
               ",\"stream_status\":{",
               clock_wall_ms());
    add_descriptor(out, stream);
    out_format(out, ",\"status\":\"%s\"}}}\n", status);
}

static void add_estimate(struct out *out, const struct catalog_stream *stream,
                         const struct stream_progress *progress)
{
    out_format(out,
               "{\"type\":\"TRACE\",\"trace\":{\"type\":\"ESTIMATE\",\"emitted_at\":%" PRId64
               ",\"estimate\":{\"name\":",
               clock_wall_ms());
    add_text(out, stream->table);
    out_string(out, ",\"namespace\":");
    add_text(out, stream->schema);
    out_format(
        out, ",\"type\":\"STREAM\",\"row_estimate\":%" PRId64 ",\"byte_estimate\":%" PRId64 "}}}\n",
        progress->row_estimate, progress->byte_estimate);
}

static void error(void *context, struct out *out, const struct err *err)
{
    (void)context;
    airbyte_error(out, err);
}

static void add_logical_status(const struct airbyte_read *a, struct out *out, const char *status)
{
    for (int i = 0; i < LOGICAL_STREAMS; i++) {
        if (a->catalog->logical[i]) {
            add_status(out, &logical_streams[i], status);
        }
    }
}

static void begin(void *context, struct out *out, int count)
{
    struct airbyte_read *a = context;
    if (!a->begun) {
        add_logical_status(a, out, "STARTED");
        add_logical_status(a, out, "RUNNING");
    }
    for (; a->begun < count; a->begun++) {
        const struct stream_progress *p = &a->progress->streams[a->begun];
        const struct catalog_stream *stream = &a->catalog->streams[a->begun];
        add_status(out, stream, "STARTED");
        if (shared_load(&p->backfilling) && p->row_estimate >= 0) {
            add_estimate(out, stream, p);
        }
        add_status(out, stream, "RUNNING");
    }
}

static void keep_identity(struct airbyte_read *a, const struct capture_identity *identity)
{
    if (!a->identity.slot) {
        a->identity.system_identifier = mem_string(identity->system_identifier);
        a->identity.slot = mem_string(identity->slot);
        a->identity.database = mem_string(identity->database);
    }
}

/* The first checkpoint of a read brings all streams, in the catalog's order: so they stay, and those
 * that join come behind them. */
static void checkpoint(void *context, struct out *out, const struct capture_identity *identity,
                       const struct checkpoint *newer, const uint64_t *counts)
{
    struct airbyte_read *a = context;
    checkpoint_apply(a->whole, newer);
    begin(a, out, a->whole->stream_count);
    if (a->config->state_type == STATE_STREAM) {
        add_streams(a, out, identity, counts);
    } else {
        add_global(a, out, identity, counts);
    }
    keep_identity(a, identity);
    shared_store(&a->told, a->whole->cursor);
}

static bool same(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

bool airbyte_read_stored(struct airbyte_read *a, const struct state *state, uint64_t *lsn,
                         struct err *err)
{
    uint64_t told = shared_load(&a->told);
    const struct capture_identity *identity = &state->identity;
    if (!told || !state->checkpoint || state->checkpoint->cursor > told ||
        !same(identity->system_identifier, a->identity.system_identifier) ||
        !same(identity->slot, a->identity.slot) ||
        !same(identity->database, a->identity.database)) {
        return err_set(err, ERR_CONFIG, "it holds no state that this read has written");
    }
    *lsn = state->checkpoint->cursor;
    return true;
}

static void end(void *context, struct out *out, bool complete)
{
    const struct airbyte_read *a = context;
    const char *status = complete ? "COMPLETE" : "INCOMPLETE";
    for (int i = 0; i < a->begun; i++) {
        add_status(out, &a->catalog->streams[i], status);
    }
    if (a->begun) {
        add_logical_status(a, out, status);
    }
}

/* No acknowledgement tells that a state is stored, but that it comes back. */
static const char release_tail[] = "write the newest state to the file that --state names, or "
                                   "start the read again with it",
                  release_end[] = "start the next read with the last state of this one";

struct codec airbyte_codec(struct airbyte_read *read)
{
    return (struct codec){
        .context = read,
        .frame = frame,
        .frame_logical = frame_logical,
        .checkpoint = checkpoint,
        .log = log_message,
        .error = error,
        .begin = begin,
        .end = end,
        .release = read->catalog->tail ? release_tail : release_end,
    };
}

void airbyte_error(struct out *out, const struct err *err)
{
    const struct catalog_stream stream = {.schema = (char *)err->schema,
                                          .table = (char *)err->table};
    if (err->table[0]) {
        add_status(out, &stream, "INCOMPLETE");
    }
    out_format(out,
               "{\"type\":\"TRACE\",\"trace\":{\"type\":\"ERROR\",\"emitted_at\":%" PRId64
               ",\"error\":{\"message\":",
               clock_wall_ms());
    add_text(out, err->message);
    out_string(out, ",\"internal_message\":");
    add_text(out, err->detail);
    out_format(out, ",\"failure_type\":\"%s\"", err_kind_name(err->kind));
    if (err->table[0]) {
        out_char(out, ',');
        add_descriptor(out, &stream);
    }
    out_string(out, "}}}\n");
}
