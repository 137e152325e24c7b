/*
 * ConfiguredAirbyteCatalog:
 *
 *   {"streams":[{"stream":{"name":"t","namespace":"public",…},"sync_mode":"incremental",
 *                "json_schema":{"properties":{"id":{…},"_ab_cdc_lsn":{…},…}}},
 *                "sync_mode":"incremental","primary_key":[["id"]],"generation_id":2,
 *                "minimum_generation_id":0,"sync_id":12,…}],"estuary.dev/tail":true}
 *
 * A schema with the property `_ab_cdc_lsn` asks for the Airbyte look, and its properties say which
 * columns were chosen; any other schema is ignored. Other members (cursor fields, destination
 * modes) concern the platform alone, and are ignored.
 */
#include "config/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "json/json.h"

enum { COLUMNS_MAX = 1600 }; /* of a table */
enum { ROOM_TO_JOIN = 256 }; /* streams, while a capture runs */

static void read_streams(const struct json_at *, struct catalog *, struct err *faults);
static void read_tail(const struct json_at *, bool *tail, struct err *faults);
static bool all_full_refresh(const struct catalog *);
static bool take_logical_streams(struct catalog *);

struct catalog *catalog_parse(const char *json, size_t len, struct err *err)
{
    cJSON *document = json_parse("catalog", json, len, err);
    if (!document) {
        return NULL;
    }
    struct catalog *catalog = mem_zero(sizeof *catalog);
    struct err faults = {0};
    struct json_at root = json_root("catalog", document);
    struct json_at streams = json_member(&root, "streams");
    bool ok = json_object(&root, err);
    if (ok) {
        read_tail(&root, &catalog->tail, &faults);
        read_streams(&streams, catalog, &faults);
    }
    if (!ok || !err_collected(err, &faults) ||
        !catalog_check_duplicates(&streams, catalog, catalog_by_table, "table", err)) {
        catalog_free(&catalog);
    } else if (!take_logical_streams(catalog)) {
        err_set(err, ERR_CONFIG, "catalog: streams holds no table: choose at least one");
        catalog_free(&catalog);
    } else {
        catalog->full_refresh = all_full_refresh(catalog);
        catalog->tail = catalog->tail && !catalog->full_refresh;
    }
    cJSON_Delete(document);
    return catalog;
}

int catalog_find(const struct catalog *catalog, int count, const char *schema, const char *table)
{
    int found = -1;
    for (int i = 0; i < count && found < 0; i++) {
        const struct catalog_stream *s = &catalog->streams[i];
        found = !strcmp(s->table, table) && !strcmp(s->schema, schema) ? i : -1;
    }
    return found;
}

static void clear_stream(struct catalog_stream *stream)
{
    free(stream->schema);
    free(stream->table);
    free(stream->state_key);
    free(stream->backfill_filter);
    json_strings_free(&stream->key);
    json_strings_free(&stream->columns);
    *stream = (struct catalog_stream){0};
}

void catalog_remove(struct catalog *catalog, int stream)
{
    struct catalog_stream *gone = &catalog->streams[stream];
    clear_stream(gone);
    memmove(gone, gone + 1, (size_t)(--catalog->count - stream) * sizeof *gone);
}

void catalog_free(struct catalog **catalog)
{
    struct catalog *c = *catalog;
    *catalog = NULL;
    if (!c) {
        return;
    }
    for (int i = 0; i < c->count; i++) {
        clear_stream(&c->streams[i]);
    }
    free(c->streams);
    free(c);
}

static void read_tail(const struct json_at *root, bool *tail, struct err *faults)
{
    struct err err;
    struct json_at at = json_member(root, "estuary.dev/tail");
    if (!at.item) {
        at = json_member(root, "tail");
    }
    if (at.item && !json_bool(&at, tail, &err)) {
        err_add(faults, &err);
    }
}

static bool all_full_refresh(const struct catalog *catalog)
{
    for (int i = 0; i < catalog->count; i++) {
        if (!catalog->streams[i].full_refresh) {
            return false;
        }
    }
    return true;
}

static bool read_name(const struct json_at *at, char **name, struct err *err)
{
    const char *text;
    if (!json_string(at, &text, err)) {
        return false;
    }
    if (!*text) {
        return json_error(at, err, "must not be empty");
    }
    *name = mem_string(text);
    return true;
}

static bool read_names(const struct json_at *at, struct catalog_stream *stream, struct err *err)
{
    struct json_at name = json_member(at, "name"), namespace = json_member(at, "namespace");
    if (!json_object(at, err) || !read_name(&name, &stream->table, err)) {
        return false;
    }
    if (!namespace.item || (cJSON_IsString(namespace.item) && !*namespace.item->valuestring)) {
        stream->schema = mem_string("public");
        return true;
    }
    return read_name(&namespace, &stream->schema, err);
}

static bool read_sync_mode(const struct json_at *at, bool *full_refresh, struct err *err)
{
    const char *mode = "incremental";
    if (at->item && !json_string(at, &mode, err)) {
        return false;
    }
    *full_refresh = !strcmp(mode, "full_refresh");
    if (!*full_refresh && strcmp(mode, "incremental") != 0) {
        return json_error(at, err, "is %s; it must be full_refresh or incremental",
                          json_show(mode).s);
    }
    return true;
}

static bool is_in(char *const *strings, const char *string)
{
    for (; *strings; strings++) {
        if (!strcmp(*strings, string)) {
            return true;
        }
    }
    return false;
}

/* One column of the key: a path of one step, since columns are not nested. */
static bool read_key_column(const struct json_at *path, char **key, size_t count, struct err *err)
{
    if (!json_array(path, err)) {
        return false;
    }
    if (cJSON_GetArraySize(path->item) != 1) {
        return json_error(path, err, "must hold one column's name: a column has no fields");
    }
    struct json_at column = json_child(path, path->item->child);
    if (!read_name(&column, &key[count], err)) {
        return false;
    }
    char *name = key[count];
    key[count] = NULL;
    bool twice = is_in(key, name);
    key[count] = name;
    return !twice || json_error(&column, err, "names a column of the key a second time");
}

static bool read_key(const struct json_at *at, char ***key, struct err *err)
{
    size_t count = 0;
    const cJSON *item;
    if (!at->item) {
        return true;
    }
    if (!json_array(at, err)) {
        return false;
    }
    int columns = cJSON_GetArraySize(at->item);
    if (columns > COLUMNS_MAX) {
        return json_error(at, err, "names more columns than a table can have");
    }
    if (columns > 0) {
        *key = mem_zero(((size_t)columns + 1) * sizeof **key);
    }
    cJSON_ArrayForEach(item, at->item)
    {
        struct json_at path = json_child(at, item);
        if (!read_key_column(&path, *key, count++, err)) {
            return false;
        }
    }
    return true;
}

/* Includes the columns of the chosen key, whether rows are read by it or not. */
static void read_columns(const struct json_at *stream, struct catalog_stream *s)
{
    struct json_at schema = json_member(stream, "json_schema");
    struct json_at properties = json_member(&schema, "properties");
    const cJSON *item;
    size_t count = 0, room = (size_t)cJSON_GetArraySize(properties.item) + 1;
    if (!json_member(&properties, "_ab_cdc_lsn").item) {
        return;
    }
    for (char **name = s->key; name && *name; name++) {
        room++;
    }
    s->airbyte_look = true;
    s->columns = mem_zero(room * sizeof *s->columns);
    cJSON_ArrayForEach(item, properties.item)
    {
        s->columns[count++] = mem_string(item->string);
    }
    for (char **name = s->key; name && *name; name++) {
        if (!is_in(s->columns, *name)) {
            s->columns[count++] = mem_string(*name);
        }
    }
}

static bool read_generation(const struct json_at *stream, const char *name, int64_t *id,
                            struct err *err)
{
    struct json_at at = json_member(stream, name);
    return !at.item || json_integer(&at, 0, INT64_C(1) << 53, id, err);
}

static bool read_generations(const struct json_at *at, struct catalog_stream *stream,
                             struct err *err)
{
    return read_generation(at, "generation_id", &stream->generation_id, err) &&
           read_generation(at, "minimum_generation_id", &stream->minimum_generation_id, err) &&
           read_generation(at, "sync_id", &stream->sync_id, err);
}

/* False: there is no room for more faults. */
static bool read_stream(const struct json_at *at, struct catalog_stream *stream, struct err *faults)
{
    struct json_at descriptor = json_member(at, "stream");
    struct json_at sync_mode = json_member(at, "sync_mode");
    struct json_at key = json_member(at, "primary_key");
    struct err err;
    if (!json_object(at, &err) || !read_names(&descriptor, stream, &err)) {
        return err_add(faults, &err);
    }
    bool room = true;
    if (!read_sync_mode(&sync_mode, &stream->full_refresh, &err)) {
        err_stream(&err, stream->schema, stream->table);
        room = err_add(faults, &err);
    }
    stream->key_may_repeat = true;
    if (!read_key(&key, &stream->key, &err)) {
        err_stream(&err, stream->schema, stream->table);
        room = err_add(faults, &err);
    }
    if (!read_generations(at, stream, &err)) {
        err_stream(&err, stream->schema, stream->table);
        room = err_add(faults, &err);
    }
    read_columns(&descriptor, stream);
    return room;
}

static void read_streams(const struct json_at *at, struct catalog *catalog, struct err *faults)
{
    const cJSON *item;
    struct err err;
    int count = cJSON_GetArraySize(at->item);
    if (!json_array(at, &err) ||
        (!count && !json_error(at, &err, "is empty: choose at least one stream to capture"))) {
        err_add(faults, &err);
        return;
    }
    catalog->room = count + ROOM_TO_JOIN;
    catalog->streams = mem_zero((size_t)catalog->room * sizeof *catalog->streams);
    cJSON_ArrayForEach(item, at->item)
    {
        struct json_at stream = json_child(at, item);
        if (!read_stream(&stream, &catalog->streams[catalog->count++], faults)) {
            return;
        }
    }
}

static bool is_logical(const struct catalog_stream *stream, bool *logical)
{
    for (int i = 0; i < LOGICAL_STREAMS; i++) {
        if (!strcmp(stream->schema, logical_streams[i].schema) &&
            !strcmp(stream->table, logical_streams[i].table)) {
            return logical[i] = true;
        }
    }
    return false;
}

/* Move the logical streams out of the list of tables. False: no table is left. */
static bool take_logical_streams(struct catalog *catalog)
{
    int kept = 0;
    for (int i = 0; i < catalog->count; i++) {
        if (is_logical(&catalog->streams[i], catalog->logical)) {
            clear_stream(&catalog->streams[i]);
            continue;
        }
        struct catalog_stream stream = catalog->streams[i];
        catalog->streams[i] = (struct catalog_stream){0};
        catalog->streams[kept++] = stream;
    }
    catalog->count = kept;
    return kept > 0;
}

int catalog_by_table(const void *a, const void *b)
{
    const struct catalog_stream *x = *(const struct catalog_stream *const *)a;
    const struct catalog_stream *y = *(const struct catalog_stream *const *)b;
    int order = strcmp(x->schema, y->schema);
    return order ? order : strcmp(x->table, y->table);
}

/* For each stream the index of the first one that is equal to it: its own, if no earlier one is. */
static int *find_firsts(const struct catalog *catalog, int (*order)(const void *, const void *))
{
    size_t count = (size_t)catalog->count;
    const struct catalog_stream *streams = catalog->streams;
    const struct catalog_stream **sorted = mem_alloc(count * sizeof *sorted);
    int *firsts = mem_alloc(count * sizeof *firsts);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &streams[i];
    }
    qsort((void *)sorted, count, sizeof *sorted, order);
    for (size_t i = 0, end; i < count; i = end) {
        const struct catalog_stream *first = sorted[i];
        for (end = i + 1; end < count && order(&sorted[i], &sorted[end]) == 0; end++) {
            first = sorted[end] < first ? sorted[end] : first;
        }
        for (size_t j = i; j < end; j++) {
            firsts[sorted[j] - streams] = (int)(first - streams);
        }
    }
    free((void *)sorted);
    return firsts;
}

bool catalog_check_duplicates(const struct json_at *streams, const struct catalog *catalog,
                              int (*order)(const void *, const void *), const char *what,
                              struct err *err)
{
    struct err duplicates = {0}, one;
    bool room = true;
    int *firsts = find_firsts(catalog, order);
    for (int i = 0; room && i < catalog->count; i++) {
        if (firsts[i] == i) {
            continue;
        }
        const struct catalog_stream *first = &catalog->streams[firsts[i]];
        struct json_at at = json_child(streams, cJSON_GetArrayItem(streams->item, i));
        char *name = stream_name(first->schema, first->table);
        json_error(&at, &one, "has the same %s as %s[%d] (%s), and must have one of its own", what,
                   streams->name, firsts[i], json_show(name).s);
        err_stream(&one, catalog->streams[i].schema, catalog->streams[i].table);
        room = err_add(&duplicates, &one);
        free(name);
    }
    free(firsts);
    return err_collected(err, &duplicates);
}
