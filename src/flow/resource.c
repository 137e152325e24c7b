/*
 * A binding's resource config: which table, and how its rows are captured.
 *
 * It is what a user writes, so that an unknown member is an error; but the platform keeps its own
 * notes in "_meta", and captures of old may have a "syncMode".
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

enum { PRIORITY_MAX = 1000000 };

static const struct {
    const char *name;
    enum backfill_mode mode;
} modes[] = {
    {"", BACKFILL_NORMAL},
    {"Normal", BACKFILL_NORMAL},
    {"Precise", BACKFILL_NORMAL},
    {"Only Changes", BACKFILL_ONLY_CHANGES},
    {"Without Primary Key", BACKFILL_WITHOUT_KEY},
};

static const char *const resource_members[] = {
    "namespace", "stream", "mode", "priority", "advanced", "primary_key", "_meta", "syncMode", NULL,
};
static const char *const advanced_members[] = {"additional_backfill_filter", NULL};

void resource_schema(struct out *out)
{
    out_string(out,
               "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":\"object\","
               "\"title\":\"Table\",\"required\":[\"namespace\",\"stream\"],\"properties\":{"
               "\"namespace\":{\"type\":\"string\",\"title\":\"Schema\",\"order\":0,"
               "\"description\":\"Schema of the table.\",\"readOnly\":true},"
               "\"stream\":{\"type\":\"string\",\"title\":\"Table\",\"order\":1,"
               "\"description\":\"Name of the table.\",\"readOnly\":true},"
               "\"mode\":{\"type\":\"string\",\"title\":\"Backfill mode\",\"order\":2,"
               "\"description\":\"How the rows that are there already are captured: in the order "
               "of the key (Normal and Precise are the same), not at all (Only Changes), or in "
               "the order in which they are stored (Without Primary Key).\",\"default\":\"\","
               "\"enum\":[\"\",\"Normal\",\"Precise\",\"Only Changes\",\"Without Primary Key\"]},"
               "\"priority\":{\"type\":\"integer\",\"title\":\"Backfill priority\",\"order\":3,"
               "\"description\":\"Tables with a higher number are backfilled first.\","
               "\"default\":0},"
               "\"advanced\":{\"type\":\"object\",\"title\":\"Advanced\",\"order\":4,"
               "\"description\":\"Options that are seldom needed.\",\"properties\":{"
               "\"additional_backfill_filter\":{\"type\":\"string\",\"title\":"
               "\"Backfill filter\",\"order\":0,\"description\":\"SQL condition that a row must "
               "meet to be backfilled: id > 1000. Changes are captured whether it is met or not. "
               "Not with Precise.\"}}}}}");
}

static bool is_known(const char *const *members, const char *name)
{
    for (; *members; members++) {
        if (!strcmp(*members, name)) {
            return true;
        }
    }
    return false;
}

/* Names of nulls are not looked at: nothing is given there. */
static bool check_members(const struct json_at *object, const char *const *members,
                          const char *said, struct err *err)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object->item)
    {
        struct json_at at = json_child(object, item);
        if (at.item && !is_known(members, item->string)) {
            return json_error(&at, err, "is not known; there %s", said);
        }
    }
    return true;
}

bool resource_name(const struct json_at *at, char **name, struct err *err)
{
    const char *text;
    if (!json_string(at, &text, err) || (!*text && !json_error(at, err, "must not be empty"))) {
        return false;
    }
    *name = mem_string(text);
    return true;
}

static bool read_mode(const struct json_at *at, enum backfill_mode *mode, struct err *err)
{
    const char *text;
    if (!at->item) {
        return true;
    }
    if (!json_string(at, &text, err)) {
        return false;
    }
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (!strcmp(modes[i].name, text)) {
            *mode = modes[i].mode;
            return true;
        }
    }
    return json_error(at, err,
                      "is %s; it must be Normal, Precise, Only Changes, Without Primary Key or "
                      "empty",
                      json_show(text).s);
}

static bool read_priority(const struct json_at *at, int *priority, struct err *err)
{
    int64_t value = 0;
    if (at->item && !json_integer(at, -PRIORITY_MAX, PRIORITY_MAX, &value, err)) {
        return false;
    }
    *priority = (int)value;
    return true;
}

/* Rows are read by ranges of a key whose ends, in Flow's own connector, a Precise backfill would
 * compare with the rows that the filter leaves out. There it is refused, so that it is here. */
static bool read_filter(const struct json_at *resource, struct catalog_stream *stream,
                        struct err *err)
{
    struct json_at advanced = json_member(resource, "advanced");
    struct json_at filter = json_member(&advanced, "additional_backfill_filter");
    struct json_at mode = json_member(resource, "mode");
    const char *text = "";
    if (!advanced.item) {
        return true;
    }
    if (!json_object(&advanced, err) ||
        !check_members(&advanced, advanced_members, "is additional_backfill_filter", err) ||
        (filter.item && !json_string(&filter, &text, err))) {
        return false;
    }
    if (*text && mode.item && !strcmp(mode.item->valuestring, "Precise")) {
        return json_error(&filter, err,
                          "does not go with the mode Precise: choose Normal, or leave the filter "
                          "out");
    }
    stream->backfill_filter = *text ? mem_string(text) : NULL;
    return true;
}

bool resource_read(const struct json_at *at, struct catalog_stream *stream, struct err *err)
{
    struct json_at schema = json_member(at, "namespace"), table = json_member(at, "stream");
    struct json_at mode = json_member(at, "mode"), priority = json_member(at, "priority");
    struct json_at key = json_member(at, "primary_key");
    if (!json_object(at, err) ||
        !check_members(at, resource_members, "are namespace, stream, mode, priority and advanced",
                       err) ||
        !resource_name(&schema, &stream->schema, err) ||
        !resource_name(&table, &stream->table, err) || !read_mode(&mode, &stream->mode, err) ||
        !read_priority(&priority, &stream->priority, err) || !read_filter(at, stream, err)) {
        return false;
    }
    return !key.item || json_strings(&key, &stream->key, err);
}
