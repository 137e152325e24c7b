/*
 * A binding:
 *
 *   {"resourceConfig":{"namespace":"public","stream":"t","mode":"","priority":0,
 *                      "advanced":{"additional_backfill_filter":"id > 5"}},
 *    "collection":{"key":["/id"],…},"stateKey":"public%2Ft.v1",…}
 *
 * Or its collection is in "linkedCollections", beside the bindings, at "collectionIndex".
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

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

/* Where there are linked collections, the binding's own counts for nothing. *found lies in `linked`. */
static bool find_linked(const struct json_at *at, const struct json_at *linked,
                        struct json_at *found, struct err *err)
{
    struct json_at index = json_member(at, "collectionIndex");
    int64_t i = 0;
    if (!linked->item || (cJSON_IsArray(linked->item) && !linked->item->child)) {
        return true;
    }
    if (!json_array(linked, err) || (index.item && !json_integer(&index, 0, INT32_MAX, &i, err))) {
        return false;
    }
    const cJSON *item = cJSON_GetArrayItem(linked->item, (int)i);
    if (!item) {
        return json_error(index.item ? &index : at, err,
                          "names linked collection %d, and there are %d", (int)i,
                          cJSON_GetArraySize(linked->item));
    }
    *found = json_child(linked, item);
    return json_object(found, err);
}

static bool read_binding(const struct json_at *at, const struct json_at *linked,
                         struct catalog_stream *stream, struct err *err)
{
    struct json_at resource = json_member(at, "resourceConfig");
    struct json_at collection = json_member(at, "collection");
    if (!json_object(at, err) || !find_linked(at, linked, &collection, err)) {
        return false;
    }
    struct json_at key = json_member(&collection, "key");
    struct json_at state_key = json_member(at, "stateKey");
    if (!resource_read(&resource, stream, err)) {
        return false;
    }
    if (stream->key && !*stream->key) {
        json_strings_free(&stream->key);
    }
    if (!state_key.item) {
        stream->state_key = stream_name(stream->schema, stream->table);
    } else if (!resource_name(&state_key, &stream->state_key, err)) {
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

bool bindings_read(const struct json_at *holder, struct catalog **catalog, struct err *err)
{
    const cJSON *item;
    struct json_at bindings = json_member(holder, "bindings"), *at = &bindings;
    struct json_at linked = json_member(holder, "linkedCollections");
    if (at->item && !json_array(at, err)) {
        return false;
    }
    struct catalog *c = mem_zero(sizeof *c);
    c->room = cJSON_GetArraySize(at->item);
    c->streams = mem_zero((size_t)c->room * sizeof *c->streams);
    struct err faults = {0}, one;
    bool room = true;
    cJSON_ArrayForEach(item, at->item)
    {
        struct json_at binding = json_child(at, item);
        if (room && !read_binding(&binding, &linked, &c->streams[c->count++], &one)) {
            room = err_add(&faults, &one);
        }
    }
    /* A change has one binding that it goes to, and a binding a state of its own. */
    if (!err_collected(err, &faults) ||
        !catalog_check_duplicates(at, c, catalog_by_table, "table", err) ||
        !catalog_check_duplicates(at, c, by_state_key, "stateKey", err)) {
        catalog_free(&c);
    }
    *catalog = c;
    return c != NULL;
}

int binding_find(const struct catalog *catalog, const char *state_key)
{
    for (int i = 0; i < catalog->count; i++) {
        if (!strcmp(catalog->streams[i].state_key, state_key)) {
            return i;
        }
    }
    return -1;
}
