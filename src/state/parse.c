/*
 * The forms that a state comes back in, all read into one list of streams and one shared part:
 *
 *   document = message | "[" message* "]" | null
 *   message  = {"type":"STATE","state":inner} | inner
 *   inner    = {"type":"GLOBAL","global":{"shared_state":shared,"stream_states":[entry…]}}
 *            | {"type":"STREAM","stream":entry}
 *            | {"type":"LEGACY","data":whole} | whole
 *   entry    = {"stream_descriptor":{"name","namespace"},"stream_state":stream}
 *
 * The type of an inner message may be absent: then it follows from the members.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_grammar.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "base/name.h"
#include "gather.h"
#include "state/state.h"

static bool read_message(const struct json_at *, struct gathered *, struct err *);

static bool read_document(const struct json_at *root, struct gathered *gathered, struct err *err)
{
    const cJSON *item;
    if (!root->item) {
        return true;
    }
    if (!cJSON_IsArray(root->item)) {
        return read_message(root, gathered, err);
    }
    cJSON_ArrayForEach(item, root->item)
    {
        struct json_at at = json_child(root, item);
        if (at.item && !read_message(&at, gathered, err)) {
            return false;
        }
    }
    return true;
}

static bool is_blank(const char *json, size_t len)
{
    struct json_walk walk;
    walk.p = json;
    walk.end = json + len;
    json_skip_space(&walk);
    return walk.p == walk.end;
}

bool state_parse(struct state *state, const char *json, size_t len,
                 const struct captured_streams *captured, struct err *err)
{
    *state = (struct state){0};
    if (is_blank(json, len)) {
        return err_set(err, ERR_CONFIG,
                       "state is empty: restore the last state that the capture wrote, or give [] "
                       "to begin without one");
    }
    cJSON *document = json_parse("state", json, len, err);
    bool ok = document && state_read(state, document, captured, err);
    cJSON_Delete(document);
    return ok;
}

bool state_read(struct state *state, const cJSON *document, const struct captured_streams *captured,
                struct err *err)
{
    *state = (struct state){0};
    struct gathered gathered = {0};
    struct json_at root = json_root("state", document);
    bool ok = read_document(&root, &gathered, err) && gathered_check(&gathered, captured, err);
    if (ok) {
        gathered_move(&gathered, state);
    }
    gathered_clear(&gathered);
    return ok;
}

void state_clear(struct state *state)
{
    capture_identity_clear(&state->identity);
    checkpoint_free(&state->checkpoint);
}

/* The stream's id from its descriptor; caller frees. */
static bool read_descriptor(const struct json_at *at, char **id, struct err *err)
{
    struct json_at name = json_member(at, "name"), namespace = json_member(at, "namespace");
    const char *table, *schema = "public";
    if (!json_object(at, err) || !json_string(&name, &table, err) ||
        (namespace.item && !json_string(&namespace, &schema, err))) {
        return false;
    }
    *id = stream_name(*schema ? schema : "public", table);
    return true;
}

static bool says_anything(const struct json_at *at)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, at->item)
    {
        if (!cJSON_IsNull(item)) {
            return true;
        }
    }
    return at->item && !cJSON_IsObject(at->item);
}

/* `alone`: the stream's state carries the shared part too. A stream without a state counts as
 * absent. */
static bool read_entry(const struct json_at *at, bool alone, struct gathered *gathered,
                       struct err *err)
{
    struct json_at descriptor = json_member(at, "stream_descriptor");
    struct json_at state = json_member(at, "stream_state");
    char *id;
    if (!json_object(at, err) || !read_descriptor(&descriptor, &id, err)) {
        return false;
    }
    struct gathered_stream *stream = gathered_add(gathered, &id);
    if (!says_anything(&state)) {
        stream->absent = true;
        return true;
    }
    return json_object(&state, err) && (!alone || shared_part_read(&state, &stream->shared, err)) &&
           stream_part_read(&state, &stream->state, err);
}

static bool read_entries(const struct json_at *at, struct gathered *gathered, struct err *err)
{
    const cJSON *item;
    if (at->item && !json_array(at, err)) {
        return false;
    }
    cJSON_ArrayForEach(item, at->item)
    {
        struct json_at entry = json_child(at, item);
        if (entry.item && !read_entry(&entry, false, gathered, err)) {
            return false;
        }
    }
    return true;
}

static bool read_global(const struct json_at *at, struct gathered *gathered, struct err *err)
{
    struct json_at shared = json_member(at, "shared_state");
    struct json_at streams = json_member(at, "stream_states");
    gathered_restart(gathered);
    return json_object(at, err) && (!shared.item || json_object(&shared, err)) &&
           shared_part_read(&shared, &gathered->shared, err) &&
           read_entries(&streams, gathered, err);
}

static bool read_streams(const struct json_at *at, struct gathered *gathered, struct err *err)
{
    const cJSON *item;
    if (at->item && !json_object(at, err)) {
        return false;
    }
    cJSON_ArrayForEach(item, at->item)
    {
        struct json_at stream = json_child(at, item);
        if (!stream.item) {
            continue;
        }
        char *id = mem_string(stream.name);
        if (!stream_part_read(&stream, &gathered_add(gathered, &id)->state, err)) {
            return false;
        }
    }
    return true;
}

/* An object with only unknown members is not a state: to begin again because of it would be a
 * guess. */
static bool read_whole(const struct json_at *at, struct gathered *gathered, struct err *err)
{
    struct json_at cursor = json_member(at, "cursor"), streams = json_member(at, "streams");
    gathered_restart(gathered);
    if (!json_object(at, err)) {
        return false;
    }
    if (!cursor.item && !streams.item && says_anything(at)) {
        return json_error(at, err,
                          "is not a state of this connector: it has neither cursor nor "
                          "streams");
    }
    return shared_part_read(at, &gathered->shared, err) && read_streams(&streams, gathered, err);
}

enum form {
    FORM_GLOBAL,
    FORM_STREAM,
    FORM_LEGACY,
    FORM_BARE,
};

static bool read_form(const struct json_at *at, enum form *form, struct err *err)
{
    static const char *const names[] = {"GLOBAL", "STREAM", "LEGACY"};
    struct json_at type = json_member(at, "type");
    const char *text;
    if (!type.item) {
        *form = json_member(at, "global").item || json_member(at, "global_").item ? FORM_GLOBAL
                : json_member(at, "stream").item                                  ? FORM_STREAM
                : json_member(at, "data").item                                    ? FORM_LEGACY
                                                                                  : FORM_BARE;
        return true;
    }
    if (!json_string(&type, &text, err)) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (!strcmp(text, names[i])) {
            *form = (enum form)i;
            return true;
        }
    }
    return json_error(&type, err, "is %s; a state is GLOBAL, STREAM or LEGACY", json_show(text).s);
}

static bool read_inner(const struct json_at *at, struct gathered *gathered, struct err *err)
{
    enum form form = FORM_BARE;
    if (!json_object(at, err) || !read_form(at, &form, err)) {
        return false;
    }
    if (!says_anything(at)) {
        return true;
    }
    struct json_at data = json_member(at, "data"), stream = json_member(at, "stream");
    struct json_at global = json_member(at, "global");
    global = global.item ? global : json_member(at, "global_");
    switch (form) {
    case FORM_BARE: return read_whole(at, gathered, err);
    case FORM_STREAM: gathered->alone = true; return read_entry(&stream, true, gathered, err);
    case FORM_GLOBAL:
        if (global.item) {
            return read_global(&global, gathered, err);
        }
        break;
    case FORM_LEGACY: break;
    }
    if (!data.item) {
        return json_error(at, err, "names its type, but holds no state");
    }
    return read_whole(&data, gathered, err);
}

static bool read_message(const struct json_at *at, struct gathered *gathered, struct err *err)
{
    struct json_at type = json_member(at, "type"), state = json_member(at, "state");
    bool envelope = cJSON_IsString(type.item) && !strcmp(type.item->valuestring, "STATE");
    return read_inner(envelope || state.item ? &state : at, gathered, err);
}
