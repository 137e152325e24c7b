/*
 * The state of Flow's own connector, as a capture that moves over has it:
 *
 *   {"cursor":"0/16B3748","bindingStateV1":{"public%2Ft.v1":{"mode":"Active","key_columns":["id"],
 *                                                            "backfilled":7,…}}}
 *
 * The cursor means what ours does: the end of the last commit that was written; null or absent
 * before the first. Bindings whose rows are all written ("Active") go on there. The others begin
 * again, because how far their rows were written is recorded as keys in an order of that
 * connector's own.
 *
 * A capture may have moved from this connector to that one and back. Then the state also has
 * members of ours. They are older than these, since we remove these, and are removed as well.
 */
#include <stdlib.h>
#include <string.h>

#include "base/lsn.h"
#include "base/mem.h"
#include "internal.h"

/* Where the next line begins. */
static struct out *next(struct out *notices)
{
    out_string(notices, notices->len ? "\n" : "");
    return notices;
}

static bool read_cursor(const struct json_at *at, uint64_t *cursor, struct err *err)
{
    const char *text = "";
    *cursor = 0;
    if (at->item && !json_string(at, &text, err)) {
        return false;
    }
    return !*text || lsn_parse(text, cursor) ||
           json_error(at, err, "is %s; it must be an LSN like 0/16B3748", json_show(text).s);
}

/* The mode of a binding's state; NULL: it has none. */
static bool read_mode(const struct json_at *at, const char **mode, struct err *err)
{
    struct json_at member = json_member(at, "mode");
    *mode = NULL;
    return !at->item || (json_object(at, err) && (!member.item || json_string(&member, mode, err)));
}

static bool read_active(const struct json_at *at, struct stream_state *state, struct err *err)
{
    struct json_at key = json_member(at, "key_columns"), count = json_member(at, "backfilled");
    int64_t backfilled = 0;
    if (key.item && !json_strings(&key, &state->key_columns, err)) {
        return false;
    }
    if (state->key_columns && !*state->key_columns) {
        json_strings_free(&state->key_columns);
    }
    if (count.item && !json_integer(&count, 0, (int64_t)1 << 53, &backfilled, err)) {
        return false;
    }
    state->mode = STREAM_ACTIVE;
    state->backfilled = (uint64_t)backfilled;
    return true;
}

static struct stream_state *add_stream(struct checkpoint *checkpoint, const char *id)
{
    struct stream_state *state = &checkpoint->streams[checkpoint->stream_count++];
    *state = (struct stream_state){.id = mem_string(id), .mode = STREAM_IGNORE};
    return state;
}

/* The bindings that go on. */
static bool read_bindings(const struct json_at *bindings, const struct catalog *catalog,
                          struct checkpoint *checkpoint, struct out *notices, struct err *err)
{
    for (int i = 0; i < catalog->count; i++) {
        const char *mode, *key = catalog->streams[i].state_key;
        struct json_at at = json_member(bindings, key);
        if (!read_mode(&at, &mode, err)) {
            return false;
        }
        if (mode && !strcmp(mode, "Active") && checkpoint->cursor) {
            if (!read_active(&at, add_stream(checkpoint, key), err)) {
                return false;
            }
        } else if (mode) {
            out_format(next(notices),
                       "binding %s was not captured to its end by the connector before: it is "
                       "backfilled again; rows that were captured before come again, and those "
                       "that were deleted since get no deletes",
                       json_show(key).s);
        }
    }
    return true;
}

/* Streams of ours from before, named so that they are removed. */
static void find_outdated(const struct json_at *streams, const struct catalog *catalog,
                          struct checkpoint *checkpoint)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, streams->item)
    {
        if (cJSON_IsObject(streams->item) && binding_find(catalog, item->string) < 0) {
            add_stream(checkpoint, item->string);
        }
    }
}

static void say_what_goes_on(const struct checkpoint *checkpoint, struct out *notices)
{
    int count = checkpoint->stream_count;
    if (count) {
        out_format(
            next(notices),
            "the state is of the connector before: %d binding%s of it go%s on at %s; it does "
            "not tell which server and slot it is of, so that it is taken to be of these, "
            "and the tables to be those that were captured",
            count, count == 1 ? "" : "s", count == 1 ? "es" : "", lsn_format(checkpoint->cursor).s);
    }
}

bool takeover_read(const struct json_at *state, const struct catalog *catalog, struct state *to,
                   bool *taken_over, struct out *notices, struct err *err)
{
    struct json_at bindings = json_member(state, TAKEOVER_MEMBER);
    struct json_at cursor = json_member(state, "cursor"), streams = json_member(state, "streams");
    *taken_over = bindings.item != NULL;
    if (!*taken_over) {
        return state_read(to, state->item, NULL, err);
    }
    *to = (struct state){0};
    to->checkpoint = checkpoint_new(catalog->count + cJSON_GetArraySize(streams.item));
    to->checkpoint->stream_count = 0;
    bool ok = json_object(&bindings, err) && read_cursor(&cursor, &to->checkpoint->cursor, err) &&
              read_bindings(&bindings, catalog, to->checkpoint, notices, err);
    if (ok) {
        say_what_goes_on(to->checkpoint, notices);
        find_outdated(&streams, catalog, to->checkpoint);
    }
    return ok; /* else the request is cleared, this with it */
}
