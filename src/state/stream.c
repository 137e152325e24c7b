/* One stream's own part: its mode, its key, and the ranges of keys that are still to be read. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "parts.h"
#include "row/snapshot.h"

#define BACKFILLED_MAX ((int64_t)1 << 53) /* JSON numbers are exact up to here everywhere */

const char *const stream_mode_names[3] = {
    [STREAM_BACKFILL] = "Backfill",
    [STREAM_ACTIVE] = "Active",
    [STREAM_IGNORE] = "Ignore",
};

static bool read_mode(const struct json_at *at, enum stream_mode *mode, struct err *err)
{
    const char *text;
    if (!json_string(at, &text, err)) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (!strcmp(text, stream_mode_names[i])) {
            *mode = (enum stream_mode)i;
            return true;
        }
    }
    return json_error(at, err, "is %s; it must be Backfill, Active or Ignore", json_show(text).s);
}

static bool read_oid(const struct json_at *parent, struct terms *terms, enum term term,
                     struct err *err)
{
    int64_t value;
    struct json_at at = json_member(parent, term_name(term));
    if (!at.item) {
        return true;
    }
    if (!json_integer(&at, 1, UINT32_MAX, &value, err)) {
        return false;
    }
    terms->text[term] = mem_format("%" PRId64, value);
    return true;
}

static bool read_horizon(const struct json_at *at, uint64_t *horizon, struct err *err)
{
    const char *text;
    char *end;
    if (!at->item) {
        return true;
    }
    if (!json_string(at, &text, err)) {
        return false;
    }
    *horizon = strtoull(text, &end, 10);
    return (*text >= '0' && *text <= '9' && !*end) ||
           json_error(at, err, "is %s; it must be a transaction id", json_show(text).s);
}

static bool read_terms(const struct json_at *parent, struct terms *terms, struct err *err)
{
    struct json_at at = json_member(parent, "terms");
    struct json_at horizon = json_member(&at, "horizon");
    if (!read_oid(parent, terms, TERM_TABLE, err) || !read_oid(parent, terms, TERM_ENTRY, err) ||
        (at.item && !json_object(&at, err))) {
        return false;
    }
    terms->known = at.item != NULL;
    for (int i = 0; at.item && i < TERMS; i++) {
        struct json_at member = json_member(&at, term_name(i));
        if (!terms->text[i] && !text_read(&member, &terms->text[i], err)) {
            return false;
        }
    }
    return !at.item || read_horizon(&horizon, &terms->horizon, err);
}

static bool read_backfilled(const struct json_at *at, uint64_t *backfilled, struct err *err)
{
    int64_t value = 0;
    if (at->item && !json_integer(at, 0, BACKFILLED_MAX, &value, err)) {
        return false;
    }
    *backfilled = (uint64_t)value;
    return true;
}

static bool read_snapshot(const struct json_at *at, char **snapshot, struct err *err)
{
    const char *text;
    struct snapshot parsed;
    if (!at->item) {
        return true;
    }
    if (!json_string(at, &text, err)) {
        return false;
    }
    if (!snapshot_parse(&parsed, text)) {
        return json_error(at, err, "is %s; it must be a snapshot like 10:20:14", json_show(text).s);
    }
    snapshot_free(&parsed);
    *snapshot = mem_string(text);
    return true;
}

/* A bound of a range. All keys of a stream have the same number of columns: *columns, 0 until it is
 * known. */
static bool read_key(const struct json_at *at, struct key **key, int *columns, struct err *err)
{
    if (!at->item) {
        return true;
    }
    if (cJSON_IsString(at->item)) {
        return json_error(at, err,
                          "must be an array of strings: another connector wrote it, and its "
                          "backfill cannot be continued; take the stream out of the state");
    }
    if (!json_array(at, err)) {
        return false;
    }
    int count = cJSON_GetArraySize(at->item);
    if (!count || (*columns && count != *columns)) {
        return json_error(at, err, "must hold one string for each key column");
    }
    *columns = count;
    *key = key_new(count);
    const cJSON *item = at->item->child;
    for (int i = 0; i < count; i++, item = item->next) {
        struct json_at element = json_child(at, item);
        const char *text;
        if (!json_string(&element, &text, err)) {
            return false;
        }
        key_set(*key, i, text, strlen(text));
    }
    return true;
}

static bool read_range(const struct json_at *at, struct range_state *range, int *columns,
                       struct err *err)
{
    struct json_at scanned = json_member(at, "scanned"), until = json_member(at, "until");
    return json_object(at, err) && read_key(&scanned, &range->scanned, columns, err) &&
           read_key(&until, &range->until, columns, err);
}

static bool read_ranges(const struct json_at *at, struct stream_state *state, int *columns,
                        struct err *err)
{
    const cJSON *item;
    if (!json_array(at, err)) {
        return false;
    }
    state->ranges = mem_zero((size_t)cJSON_GetArraySize(at->item) * sizeof *state->ranges);
    cJSON_ArrayForEach(item, at->item)
    {
        struct json_at range = json_child(at, item);
        if (!read_range(&range, &state->ranges[state->range_count++], columns, err)) {
            return false;
        }
    }
    return true;
}

/* The original's form, with `scanned` beside `mode`, or nothing at all: one range without an end.
 */
static bool read_only_range(const struct json_at *at, struct stream_state *state, int *columns,
                            struct err *err)
{
    state->ranges = mem_zero(sizeof *state->ranges);
    state->range_count = 1;
    return read_range(at, &state->ranges[0], columns, err);
}

static bool read_key_columns(const struct json_at *at, char ***key_columns, int *columns,
                             struct err *err)
{
    if (!at->item) {
        return true;
    }
    if (!json_strings(at, key_columns, err)) {
        return false;
    }
    *columns = cJSON_GetArraySize(at->item);
    if (!*columns) {
        json_strings_free(key_columns);
    }
    return true;
}

bool stream_part_read(const struct json_at *at, struct stream_state *state, struct err *err)
{
    struct json_at mode = json_member(at, "mode");
    struct json_at types = json_member(at, "types");
    struct json_at key_columns = json_member(at, "key_columns");
    struct json_at cursor = json_member(at, "cursor");
    struct json_at backfilled = json_member(at, "backfilled");
    struct json_at snapshot = json_member(at, "snapshot");
    struct json_at as_of = json_member(at, "as_of");
    struct json_at as_of_carry = json_member(at, "as_of_carry");
    struct json_at ranges = json_member(at, "ranges");
    int columns = 0;
    if (!json_object(at, err) || !read_mode(&mode, &state->mode, err) ||
        !read_terms(at, &state->terms, err) || !types_read(&types, &state->types, err) ||
        !read_key_columns(&key_columns, &state->key_columns, &columns, err) ||
        !cursor_read(&cursor, &state->cursor, err) ||
        !read_backfilled(&backfilled, &state->backfilled, err)) {
        return false;
    }
    struct json_at generation = json_member(at, "generation");
    if (generation.item &&
        !json_integer(&generation, 0, INT64_C(1) << 53, &state->generation, err)) {
        return false;
    }
    if (state->mode != STREAM_BACKFILL) {
        return true; /* the ranges that were still to be read are void */
    }
    if (!read_snapshot(&snapshot, &state->snapshot, err) ||
        !cursor_read(&as_of, &state->as_of, err) ||
        !carry_read(&as_of_carry, &state->as_of_carry, err)) {
        return false;
    }
    return ranges.item ? read_ranges(&ranges, state, &columns, err)
                       : read_only_range(at, state, &columns, err);
}
