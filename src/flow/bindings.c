/*
 * A binding:
 *
 *   {"resourceConfig":{"namespace":"public","stream":"t","mode":"","priority":0,
 *                      "advanced":{"additional_backfill_filter":"id > 5"}},
 *    "collection":{"key":["/id"],…},"stateKey":"public%2Ft.v1",…}
 *
 * A resource config is what a user writes, so that an unknown member is an error; but the platform
 * keeps its own notes in "_meta", and captures of old may have a "syncMode".
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

static bool read_name(const struct json_at *at, char **name, struct err *err)
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

static bool read_resource(const struct json_at *at, struct catalog_stream *stream, struct err *err)
{
    struct json_at schema = json_member(at, "namespace"), table = json_member(at, "stream");
    struct json_at mode = json_member(at, "mode"), priority = json_member(at, "priority");
    struct json_at key = json_member(at, "primary_key");
    if (!json_object(at, err) ||
        !check_members(at, resource_members, "are namespace, stream, mode, priority and advanced",
                       err) ||
        !read_name(&schema, &stream->schema, err) || !read_name(&table, &stream->table, err) ||
        !read_mode(&mode, &stream->mode, err) ||
        !read_priority(&priority, &stream->priority, err) || !read_filter(at, stream, err)) {
        return false;
    }
    return !key.item || json_strings(&key, &stream->key, err);
}

/*
 * The column that a pointer of the collection's key names, caller frees; NULL where it names
 * something else: what is within a column, or the record's own "_meta".
 */
static char *key_column(const char *pointer)
{
    if (pointer[0] != '/' || !pointer[1] || strchr(pointer + 1, '/') ||
        !strcmp(pointer, "/_meta")) {
        return NULL;
    }
    char *column = mem_string(pointer + 1), *to = column;
    for (const char *p = column; *p; p++) {
        bool escaped = p[0] == '~' && (p[1] == '0' || p[1] == '1');
        *to++ = (char)(!escaped ? *p : p[1] == '1' ? '/' : '~');
        p += escaped;
    }
    *to = '\0';
    return column;
}

/* All pointers or none: half of a key is no key. */
static bool read_collection_key(const struct json_at *at, char ***key, struct err *err)
{
    char **pointers;
    if (!at->item) {
        return true;
    }
    if (!json_strings(at, &pointers, err)) {
        return false;
    }
    bool named = *pointers != NULL;
    for (char **pointer = pointers; *pointer; pointer++) {
        char *column = key_column(*pointer);
        named = named && column;
        free(*pointer);
        *pointer = column ? column : mem_string("");
    }
    if (named) {
        *key = pointers;
    } else {
        json_strings_free(&pointers);
    }
    return true;
}

static bool read_binding(const struct json_at *at, struct catalog_stream *stream, struct err *err)
{
    struct json_at resource = json_member(at, "resourceConfig");
    struct json_at collection = json_member(at, "collection");
    struct json_at key = json_member(&collection, "key");
    struct json_at state_key = json_member(at, "stateKey");
    if (!json_object(at, err) || !read_resource(&resource, stream, err)) {
        return false;
    }
    if (stream->key && !*stream->key) {
        json_strings_free(&stream->key);
    }
    if (!state_key.item) {
        stream->state_key = stream_name(stream->schema, stream->table);
    } else if (!read_name(&state_key, &stream->state_key, err)) {
        return false;
    }
    return (stream->key || read_collection_key(&key, &stream->key, err));
}

static int by_state_key(const void *a, const void *b)
{
    const struct catalog_stream *x = *(const struct catalog_stream *const *)a;
    const struct catalog_stream *y = *(const struct catalog_stream *const *)b;
    return strcmp(x->state_key, y->state_key);
}

bool bindings_read(const struct json_at *at, struct catalog **catalog, struct err *err)
{
    const cJSON *item;
    if (at->item && !json_array(at, err)) {
        return false;
    }
    struct catalog *c = mem_zero(sizeof *c);
    c->streams = mem_zero((size_t)cJSON_GetArraySize(at->item) * sizeof *c->streams);
    struct err faults = {0}, one;
    bool room = true;
    cJSON_ArrayForEach(item, at->item)
    {
        struct json_at binding = json_child(at, item);
        if (room && !read_binding(&binding, &c->streams[c->count++], &one)) {
            room = err_add(&faults, &one);
        }
    }
    /* A change has one binding that it goes to, and a binding a state of its own. */
    if (!err_collected(err, &faults) ||
        !catalog_check_twins(at, c, catalog_by_table, "table", err) ||
        !catalog_check_twins(at, c, by_state_key, "stateKey", err)) {
        catalog_free(&c);
    }
    *catalog = c;
    return c != NULL;
}
