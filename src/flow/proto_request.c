/*
 * Requests of protobuf as the documents that they are in JSON: what is wrong in them is then found
 * and named in one place.
 */
#include <cJSON.h>

#include "proto.h"
#include "json/json.h"

/* A member that holds JSON itself. Nothing where there are no bytes. */
static bool add_json(cJSON *to, const char *name, ProtobufCBinaryData json, struct err *err)
{
    if (!json.len) {
        return true;
    }
    cJSON *item = json_parse(name, (const char *)json.data, json.len, err);
    return item && cJSON_AddItemToObject(to, name, item);
}

static void add_strings(cJSON *to, const char *name, char *const *strings, size_t count)
{
    cJSON *array = cJSON_AddArrayToObject(to, name);
    for (size_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(array, cJSON_CreateString(strings[i]));
    }
}

static cJSON *add_object(cJSON *array)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(array, object);
    return object;
}

static void fill_collection(cJSON *object, const Capture__CollectionSpec *collection)
{
    cJSON_AddStringToObject(object, "name", collection->name);
    add_strings(object, "key", collection->key, collection->n_key);
}

/* A binding's: its own, which may be there and empty where the other counts, or one that is linked. */
static void add_collection(cJSON *binding, const Capture__CollectionSpec *own, uint32_t index)
{
    if (own) {
        fill_collection(cJSON_AddObjectToObject(binding, "collection"), own);
    }
    cJSON_AddNumberToObject(binding, "collectionIndex", index);
}

static void add_linked(cJSON *to, Capture__CollectionSpec *const *linked, size_t count)
{
    cJSON *array = cJSON_AddArrayToObject(to, "linkedCollections");
    for (size_t i = 0; i < count; i++) {
        fill_collection(add_object(array), linked[i]);
    }
}

static bool add_capture(cJSON *to, const char *name, const Capture__CaptureSpec *capture,
                        bool config, struct err *err)
{
    if (!capture) {
        return true;
    }
    cJSON *object = cJSON_AddObjectToObject(to, name);
    cJSON_AddStringToObject(object, "name", capture->name);
    if (config && !add_json(object, "config", capture->config_json, err)) {
        return false;
    }
    add_linked(object, capture->linked_collections, capture->n_linked_collections);
    cJSON *bindings = cJSON_AddArrayToObject(object, "bindings");
    for (size_t i = 0; i < capture->n_bindings; i++) {
        const Capture__CaptureSpec__Binding *from = capture->bindings[i];
        cJSON *binding = add_object(bindings);
        if (!add_json(binding, "resourceConfig", from->resource_config_json, err)) {
            return false;
        }
        add_strings(binding, "resourcePath", from->resource_path, from->n_resource_path);
        add_collection(binding, from->collection, from->collection_index);
        cJSON_AddNumberToObject(binding, "backfill", from->backfill);
        if (*from->state_key) {
            cJSON_AddStringToObject(binding, "stateKey", from->state_key);
        }
    }
    return true;
}

static bool add_validate(cJSON *to, const Capture__Request__Validate *validate, struct err *err)
{
    if (!add_json(to, "config", validate->config_json, err)) {
        return false;
    }
    add_linked(to, validate->linked_collections, validate->n_linked_collections);
    cJSON *bindings = cJSON_AddArrayToObject(to, "bindings");
    for (size_t i = 0; i < validate->n_bindings; i++) {
        const Capture__Request__Validate__Binding *from = validate->bindings[i];
        cJSON *binding = add_object(bindings);
        if (!add_json(binding, "resourceConfig", from->resource_config_json, err)) {
            return false;
        }
        add_collection(binding, from->collection, from->collection_index);
        cJSON_AddNumberToObject(binding, "backfill", from->backfill);
    }
    return add_capture(to, "lastCapture", validate->last_capture, false, err);
}

static bool add_request(cJSON *to, const Capture__Request *request, struct err *err)
{
    bool ok = true;
    if (request->spec) {
        cJSON_AddObjectToObject(to, "spec");
    }
    if (request->discover) {
        cJSON *discover = cJSON_AddObjectToObject(to, "discover");
        ok = add_json(discover, "config", request->discover->config_json, err);
    }
    if (ok && request->validate) {
        ok = add_validate(cJSON_AddObjectToObject(to, "validate"), request->validate, err);
    }
    if (ok && request->apply) {
        cJSON *apply = cJSON_AddObjectToObject(to, "apply");
        ok = add_capture(apply, "capture", request->apply->capture, true, err);
    }
    if (ok && request->open) {
        cJSON *open = cJSON_AddObjectToObject(to, "open");
        ok = add_capture(open, "capture", request->open->capture, true, err) &&
             add_json(open, "state", request->open->state_json, err);
    }
    if (ok && request->acknowledge) {
        cJSON *acknowledge = cJSON_AddObjectToObject(to, "acknowledge");
        cJSON_AddNumberToObject(acknowledge, "checkpoints", request->acknowledge->checkpoints);
    }
    return ok;
}

cJSON *proto_request(const char *message, size_t len, struct err *err)
{
    Capture__Request *request = capture__request__unpack(NULL, len, (const uint8_t *)message);
    if (!request) {
        err_set(err, ERR_CONFIG, "request is not a valid message of protobuf");
        return NULL;
    }
    cJSON *document = cJSON_CreateObject();
    if (!add_request(document, request, err)) {
        cJSON_Delete(document);
        document = NULL;
    }
    capture__request__free_unpacked(request, NULL);
    return document;
}
