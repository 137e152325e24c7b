/* Writing states. `cursor` and `mode` always come first, so that every other member can begin with
 * a comma. */
#include <inttypes.h>
#include <string.h>

#include "base/lsn.h"
#include "parts.h"
#include "state/state.h"

static void write_text(struct out *out, const char *name, const char *text)
{
    if (text) {
        out_format(out, ",\"%s\":", name);
        json_write_string(out, text, strlen(text));
    }
}

static void write_identity(struct out *out, const struct capture_identity *identity)
{
    write_text(out, "system_identifier", identity->system_identifier);
    if (identity->timeline) {
        out_format(out, ",\"timeline\":%" PRIu32, identity->timeline);
    }
    write_text(out, "slot", identity->slot);
    write_text(out, "database", identity->database);
}

static void write_in_doubt(struct out *out, const struct checkpoint *checkpoint)
{
    if (checkpoint->in_doubt_count) {
        for (size_t i = 0; i < checkpoint->in_doubt_count; i++) {
            out_format(out, "%s%" PRIu32, i ? "," : ",\"unseen\":[", checkpoint->in_doubt[i]);
        }
        out_char(out, ']');
    }
}

static void write_shared_members(struct out *out, const struct capture_identity *identity,
                                 const struct checkpoint *checkpoint)
{
    write_identity(out, identity);
    write_in_doubt(out, checkpoint);
    if (checkpoint->carry) {
        out_format(out, ",\"carry\":\"%" PRIu64 "\"", checkpoint->carry);
    }
}

static void write_cursor(struct out *out, uint64_t cursor)
{
    out_format(out, "\"cursor\":\"%s\"", lsn_format(cursor).s);
}

static void write_key(struct out *out, const char *name, const struct key *key)
{
    out_format(out, "\"%s\":[", name);
    for (int i = 0; i < key->count; i++) {
        out_string(out, i ? "," : "");
        json_write_string(out, key->columns[i].text, key->columns[i].len);
    }
    out_char(out, ']');
}

static void write_range(struct out *out, const struct range_state *range)
{
    out_char(out, '{');
    if (range->scanned) {
        write_key(out, "scanned", range->scanned);
    }
    if (range->until) {
        out_string(out, range->scanned ? "," : "");
        write_key(out, "until", range->until);
    }
    out_char(out, '}');
}

/* The oids are members of the stream, as numbers; the other terms are members of "terms". */
static bool is_number(enum term term)
{
    return term == TERM_TABLE || term == TERM_ENTRY;
}

static void write_terms(struct out *out, const struct terms *terms)
{
    bool some = false;
    for (int i = 0; i < TERMS; i++) {
        if (terms->text[i] && is_number(i)) {
            out_format(out, ",\"%s\":%s", term_name(i), terms->text[i]);
        }
    }
    for (int i = 0; i < TERMS; i++) {
        if (terms->known && terms->text[i] && !is_number(i)) {
            out_format(out, some ? ",\"%s\":" : ",\"terms\":{\"%s\":", term_name(i));
            json_write_string(out, terms->text[i], strlen(terms->text[i]));
            some = true;
        }
    }
    if (some) {
        out_format(out, ",\"horizon\":\"%" PRIu64 "\"}", terms->horizon);
    }
}

static void write_type(struct out *out, const struct user_type *type)
{
    out_format(out, "{\"oid\":%" PRIu32 ",\"kind\":\"%c\"", type->oid, type->kind);
    write_text(out, "schema", type->schema);
    write_text(out, "name", type->name);
    if (type->inner) {
        out_format(out, ",\"of\":%" PRIu32, type->inner);
    }
    if (type->typmod >= 0) {
        out_format(out, ",\"typmod\":%" PRId32, type->typmod);
    }
    if (type->delimiter != ',') {
        write_text(out, "delimiter", (char[]){type->delimiter, '\0'});
    }
    out_char(out, '}');
}

static void write_types(struct out *out, const struct user_types *types)
{
    for (int i = 0; i < types->count; i++) {
        out_string(out, i ? "," : ",\"types\":[");
        write_type(out, &types->items[i]);
    }
    out_string(out, types->count ? "]" : "");
}

static void write_stream_members(struct out *out, const struct stream_state *state)
{
    out_format(out, "\"mode\":\"%s\"", stream_mode_names[state->mode]);
    write_terms(out, &state->terms);
    write_types(out, &state->types);
    if (state->key_columns) {
        out_string(out, ",\"key_columns\":");
        json_write_strings(out, state->key_columns);
    }
    if (state->cursor) {
        out_char(out, ',');
        write_cursor(out, state->cursor);
    }
    if (state->backfilled) {
        out_format(out, ",\"backfilled\":%" PRIu64, state->backfilled);
    }
    if (state->generation) {
        out_format(out, ",\"generation\":%" PRId64, state->generation);
    }
    if (state->mode == STREAM_BACKFILL) {
        write_text(out, "snapshot", state->snapshot);
        if (state->as_of) {
            write_text(out, "as_of", lsn_format(state->as_of).s);
        }
        if (state->as_of_carry) {
            out_format(out, ",\"as_of_carry\":\"%" PRIu64 "\"", state->as_of_carry);
        }
        out_string(out, ",\"ranges\":[");
        for (int i = 0; i < state->range_count; i++) {
            out_string(out, i ? "," : "");
            write_range(out, &state->ranges[i]);
        }
        out_char(out, ']');
    }
}

void state_write_stream(struct out *out, const struct stream_state *state)
{
    out_char(out, '{');
    write_stream_members(out, state);
    out_char(out, '}');
}

void state_write_shared(struct out *out, const struct capture_identity *identity,
                        const struct checkpoint *checkpoint)
{
    out_char(out, '{');
    write_cursor(out, checkpoint->cursor);
    write_shared_members(out, identity, checkpoint);
    out_char(out, '}');
}

void state_write_lone_stream(struct out *out, const struct capture_identity *identity,
                             const struct checkpoint *checkpoint, const struct stream_state *state)
{
    struct stream_state own = *state;
    out_char(out, '{');
    write_cursor(out, own.cursor > checkpoint->cursor ? own.cursor : checkpoint->cursor);
    write_shared_members(out, identity, checkpoint);
    out_char(out, ',');
    own.cursor = 0;
    write_stream_members(out, &own);
    out_char(out, '}');
}

void state_write_whole(struct out *out, const struct capture_identity *identity,
                       const struct checkpoint *checkpoint)
{
    out_char(out, '{');
    write_cursor(out, checkpoint->cursor);
    write_shared_members(out, identity, checkpoint);
    out_string(out, ",\"streams\":{");
    for (int i = 0; i < checkpoint->stream_count; i++) {
        const struct stream_state *state = &checkpoint->streams[i];
        out_string(out, i ? "," : "");
        json_write_string(out, state->id, strlen(state->id));
        out_char(out, ':');
        state_write_stream(out, state);
    }
    out_string(out, "}}");
}

static void write_absent(struct out *out, const char *name, bool absent)
{
    if (absent) {
        out_format(out, ",\"%s\":null", name);
    }
}

/* Arrays are not merged but replaced, so that what `ranges` holds needs no nulls. */
static void write_stream_patch(struct out *out, const struct stream_state *state)
{
    bool backfill = state->mode == STREAM_BACKFILL;
    out_char(out, '{');
    write_stream_members(out, state);
    write_absent(out, "key_columns", !state->key_columns);
    write_absent(out, "cursor", !state->cursor);
    write_absent(out, "backfilled", !state->backfilled);
    write_absent(out, "snapshot", !backfill || !state->snapshot);
    write_absent(out, "as_of", !backfill || !state->as_of);
    write_absent(out, "as_of_carry", !backfill || !state->as_of_carry);
    write_absent(out, "storage", true);
    write_absent(out, "oid", !state->terms.text[TERM_TABLE]);
    write_absent(out, "published_by", !state->terms.text[TERM_ENTRY]);
    write_absent(out, "terms", !state->terms.known);
    write_absent(out, "types", !state->types.count);
    write_absent(out, "ranges", !backfill);
    out_char(out, '}');
}

static void begin_stream(struct out *out, const char *id, bool first)
{
    out_string(out, first ? ",\"streams\":{" : ",");
    json_write_string(out, id, strlen(id));
    out_char(out, ':');
}

static void write_streams_patch(struct out *out, const struct state_patch *patch)
{
    bool first = true;
    for (char *const *id = patch->removed; id && *id; id++, first = false) {
        begin_stream(out, *id, first);
        out_string(out, "null");
    }
    for (int i = 0; i < patch->newer->stream_count; i++, first = false) {
        begin_stream(out, patch->newer->streams[i].id, first);
        write_stream_patch(out, &patch->newer->streams[i]);
    }
    out_string(out, first ? "" : "}");
}

void state_write_patch(struct out *out, const struct state_patch *patch)
{
    out_char(out, '{');
    write_cursor(out, patch->newer->cursor);
    if (patch->identity) {
        write_identity(out, patch->identity);
    }
    write_in_doubt(out, patch->newer);
    write_absent(out, "unseen", patch->had_in_doubt && !patch->newer->in_doubt_count);
    if (patch->leftover) {
        write_absent(out, patch->leftover, true);
    }
    write_streams_patch(out, patch);
    out_char(out, '}');
}
