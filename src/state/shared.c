/* Cursor and identity. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lsn.h"
#include "base/mem.h"
#include "parts.h"

enum { SYSTEM_IDENTIFIER = 20 }; /* digits of 2^64 - 1 */

/* The original writes "" if it has no cursor. */
bool cursor_read(const struct json_at *at, uint64_t *cursor, struct err *err)
{
    const char *text;
    if (!at->item) {
        return true;
    }
    if (!json_string(at, &text, err)) {
        return false;
    }
    return !*text || lsn_parse(text, cursor) ||
           json_error(at, err, "is %s; it must be an LSN like 0/16B3748", json_show(text).s);
}

bool text_read(const struct json_at *at, char **text, struct err *err)
{
    const char *value;
    if (!at->item) {
        return true;
    }
    if (!json_string(at, &value, err)) {
        return false;
    }
    *text = mem_string(value);
    return true;
}

static bool read_system_identifier(const struct json_at *at, char **text, struct err *err)
{
    if (!text_read(at, text, err)) {
        return false;
    }
    if (!*text) {
        return true;
    }
    size_t len = strlen(*text);
    return (len && len <= SYSTEM_IDENTIFIER && strspn(*text, "0123456789") == len) ||
           json_error(at, err, "is %s; it must be a decimal number", json_show(*text).s);
}

static bool read_timeline(const struct json_at *at, uint32_t *timeline, struct err *err)
{
    int64_t value = 0;
    if (at->item && !json_integer(at, 1, UINT32_MAX, &value, err)) {
        return false;
    }
    *timeline = (uint32_t)value;
    return true;
}

static bool read_in_doubt(const struct json_at *at, struct shared_part *part, struct err *err)
{
    const cJSON *item;
    size_t cap = 0;
    if (!at->item) {
        return true;
    }
    if (!json_array(at, err)) {
        return false;
    }
    cJSON_ArrayForEach(item, at->item)
    {
        struct json_at element = json_child(at, item);
        int64_t xid;
        if (!json_integer(&element, 0, UINT32_MAX, &xid, err)) {
            return false;
        }
        part->in_doubt =
            mem_grow_array(part->in_doubt, &cap, part->in_doubt_count + 1, sizeof *part->in_doubt);
        part->in_doubt[part->in_doubt_count++] = (uint32_t)xid;
    }
    return true;
}

/* A number of more than 53 bits, hence as text. */
bool carry_read(const struct json_at *at, uint64_t *carry, struct err *err)
{
    const char *text;
    char *end;
    if (!at->item) {
        return true;
    }
    if (!json_string(at, &text, err)) {
        return false;
    }
    errno = 0;
    *carry = strtoull(text, &end, 10);
    return (*text >= '0' && *text <= '9' && !*end && !errno) ||
           json_error(at, err, "is %s, which is no number", json_show(text).s);
}

bool shared_part_read(const struct json_at *at, struct shared_part *part, struct err *err)
{
    struct json_at cursor = json_member(at, "cursor");
    struct json_at system = json_member(at, "system_identifier");
    struct json_at timeline = json_member(at, "timeline");
    struct json_at slot = json_member(at, "slot");
    struct json_at database = json_member(at, "database");
    struct json_at in_doubt = json_member(at, "unseen");
    struct json_at carry = json_member(at, "carry");
    return cursor_read(&cursor, &part->cursor, err) &&
           read_system_identifier(&system, &part->identity.system_identifier, err) &&
           read_timeline(&timeline, &part->identity.timeline, err) &&
           text_read(&slot, &part->identity.slot, err) &&
           text_read(&database, &part->identity.database, err) &&
           read_in_doubt(&in_doubt, part, err) && carry_read(&carry, &part->carry, err);
}

void shared_part_clear(struct shared_part *part)
{
    capture_identity_clear(&part->identity);
    free(part->in_doubt);
    *part = (struct shared_part){0};
}

static bool texts_differ(const char *a, const char *b)
{
    return a && b && strcmp(a, b) != 0;
}

const char *shared_part_differ(const struct shared_part *a, const struct shared_part *b)
{
    const struct capture_identity *x = &a->identity, *y = &b->identity;
    if (texts_differ(x->system_identifier, y->system_identifier)) {
        return "system_identifier";
    }
    if (x->timeline && y->timeline && x->timeline != y->timeline) {
        return "timeline";
    }
    if (texts_differ(x->slot, y->slot)) {
        return "slot";
    }
    if (texts_differ(x->database, y->database)) {
        return "database";
    }
    return NULL;
}
