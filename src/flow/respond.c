/* Responses in both forms: which of the two is asked here, and nowhere else. */
#include "respond.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto.h"
#include "json/json.h"

#define DOCUMENTATION "https://go.estuary.dev/source-postgresql"

enum { PROTOCOL = 3032023 };

static ProtobufCBinaryData bytes(const struct out *out)
{
    return (ProtobufCBinaryData){out->len, (uint8_t *)out->data};
}

void respond_spec(struct out *out, enum flow_form form, struct out *config, struct out *resource)
{
    char *pointers[] = {(char *)"/namespace", (char *)"/stream"};
    if (form == FLOW_JSON) {
        out_format(out, "{\"spec\":{\"protocol\":%d,\"configSchema\":%s,", PROTOCOL,
                   out_text(config));
        out_format(out, "\"resourceConfigSchema\":%s,\"documentationUrl\":\"%s\",",
                   out_text(resource), DOCUMENTATION);
        out_format(out, "\"resourcePathPointers\":[\"%s\",\"%s\"]}}\n", pointers[0], pointers[1]);
        return;
    }
    Capture__Response response = CAPTURE__RESPONSE__INIT;
    Capture__Response__Spec spec = CAPTURE__RESPONSE__SPEC__INIT;
    spec.protocol = PROTOCOL;
    spec.config_schema_json = bytes(config);
    spec.resource_config_schema_json = bytes(resource);
    spec.documentation_url = (char *)DOCUMENTATION;
    spec.n_resource_path_pointers = 2;
    spec.resource_path_pointers = pointers;
    response.spec = &spec;
    proto_write(out, &response);
}

static void write_validated_json(struct out *out, const struct catalog *catalog)
{
    out_string(out, "{\"validated\":{\"bindings\":[");
    for (int i = 0; i < catalog->count; i++) {
        char *const path[] = {catalog->streams[i].schema, catalog->streams[i].table, NULL};
        out_string(out, i ? ",{\"resourcePath\":" : "{\"resourcePath\":");
        json_write_strings(out, path);
        out_char(out, '}');
    }
    out_string(out, "]}}\n");
}

void respond_validated(struct out *out, enum flow_form form, const struct catalog *catalog)
{
    if (form == FLOW_JSON) {
        write_validated_json(out, catalog);
        return;
    }
    struct {
        Capture__Response__Validated__Binding binding;
        char *path[2];
    } *all = mem_zero(((size_t)catalog->count + 1) * sizeof *all);
    Capture__Response__Validated__Binding **list =
        mem_zero(((size_t)catalog->count + 1) * sizeof *list);
    for (int i = 0; i < catalog->count; i++) {
        all[i].path[0] = catalog->streams[i].schema;
        all[i].path[1] = catalog->streams[i].table;
        capture__response__validated__binding__init(&all[i].binding);
        all[i].binding.n_resource_path = 2;
        all[i].binding.resource_path = all[i].path;
        list[i] = &all[i].binding;
    }
    Capture__Response response = CAPTURE__RESPONSE__INIT;
    Capture__Response__Validated validated = CAPTURE__RESPONSE__VALIDATED__INIT;
    validated.n_bindings = (size_t)catalog->count;
    validated.bindings = list;
    response.validated = &validated;
    proto_write(out, &response);
    free((void *)list);
    free(all);
}

void respond_applied(struct out *out, enum flow_form form)
{
    if (form == FLOW_JSON) {
        out_string(out, "{\"applied\":{}}\n");
        return;
    }
    Capture__Response response = CAPTURE__RESPONSE__INIT;
    Capture__Response__Applied applied = CAPTURE__RESPONSE__APPLIED__INIT;
    response.applied = &applied;
    proto_write(out, &response);
}

void respond_opened(struct out *out, enum flow_form form)
{
    if (form == FLOW_JSON) {
        out_string(out, "{\"opened\":{\"explicitAcknowledgements\":true}}\n");
        return;
    }
    Capture__Response response = CAPTURE__RESPONSE__INIT;
    Capture__Response__Opened opened = CAPTURE__RESPONSE__OPENED__INIT;
    opened.explicit_acknowledgements = true;
    response.opened = &opened;
    proto_write(out, &response);
}

void respond_schema(struct out *out, enum flow_form form, int binding, struct out *schema)
{
    if (form == FLOW_JSON) {
        out_format(out, "{\"sourcedSchema\":{\"binding\":%d,\"documentSchema\":", binding);
        out_bytes(out, schema->data, schema->len);
        out_string(out, "}}\n");
        return;
    }
    Capture__Response response = CAPTURE__RESPONSE__INIT;
    Capture__Response__SourcedSchema sourced = CAPTURE__RESPONSE__SOURCED_SCHEMA__INIT;
    sourced.binding = (uint32_t)binding;
    sourced.schema_json = bytes(schema);
    response.sourced_schema = &sourced;
    proto_write(out, &response);
}

void respond_checkpoint(struct out *out, enum flow_form form, struct out *updated)
{
    if (form == FLOW_JSON) {
        out_string(out, "{\"checkpoint\":{\"state\":{\"updated\":");
        out_bytes(out, updated->data, updated->len);
        out_string(out, ",\"mergePatch\":true}}}\n");
        return;
    }
    Capture__Response response = CAPTURE__RESPONSE__INIT;
    Capture__Response__Checkpoint checkpoint = CAPTURE__RESPONSE__CHECKPOINT__INIT;
    Capture__ConnectorState state = CAPTURE__CONNECTOR_STATE__INIT;
    state.updated_json = bytes(updated);
    state.merge_patch = true;
    checkpoint.state = &state;
    response.checkpoint = &checkpoint;
    proto_write(out, &response);
}

void respond_backfill(struct out *out, enum flow_form form, int binding, bool complete)
{
    if (form == FLOW_JSON) {
        out_format(out, "{\"%s\":{\"binding\":%d}}\n",
                   complete ? "backfillComplete" : "backfillBegin", binding);
        return;
    }
    Capture__Response response = CAPTURE__RESPONSE__INIT;
    Capture__Response__BackfillBegin begin = CAPTURE__RESPONSE__BACKFILL_BEGIN__INIT;
    Capture__Response__BackfillComplete end = CAPTURE__RESPONSE__BACKFILL_COMPLETE__INIT;
    begin.binding = end.binding = (uint32_t)binding;
    response.backfill_begin = complete ? NULL : &begin;
    response.backfill_complete = complete ? &end : NULL;
    proto_write(out, &response);
}

struct discovered respond_discovered(struct out *out, enum flow_form form)
{
    struct discovered discovered = {.out = out, .form = form, .start = out->len};
    if (form == FLOW_JSON) {
        out_string(out, "{\"discovered\":{\"bindings\":[");
    } else {
        proto_begin_discovered(out);
    }
    return discovered;
}

static void add_json(struct out *out, struct found *found, bool first)
{
    out_string(out, first ? "{\"recommendedName\":" : ",{\"recommendedName\":");
    json_write_string(out, found->name, strlen(found->name));
    out_format(out, ",\"resourceConfig\":%s", out_text(&found->resource));
    out_format(out, ",\"documentSchema\":%s,\"key\":", out_text(&found->schema));
    json_write_strings(out, found->key);
    out_string(out, found->fallback ? ",\"isFallbackKey\":true}" : "}");
}

static void add_proto(struct out *out, const struct found *found)
{
    Capture__Response__Discovered__Binding binding = CAPTURE__RESPONSE__DISCOVERED__BINDING__INIT;
    binding.recommended_name = (char *)found->name;
    binding.resource_config_json = bytes(&found->resource);
    binding.document_schema_json = bytes(&found->schema);
    binding.key = found->key;
    while (found->key[binding.n_key]) {
        binding.n_key++;
    }
    binding.is_fallback_key = found->fallback;
    proto_add_discovered(out, &binding);
}

void discovered_add(struct discovered *discovered, struct found *found)
{
    if (discovered->form == FLOW_JSON) {
        add_json(discovered->out, found, !discovered->some);
    } else {
        add_proto(discovered->out, found);
    }
    discovered->some = true;
}

void discovered_end(struct discovered *discovered)
{
    if (discovered->form == FLOW_JSON) {
        out_string(discovered->out, "]}}\n");
    } else {
        proto_end_discovered(discovered->out, discovered->start);
    }
}

void respond_captured(struct frame *frame, enum flow_form form, int binding)
{
    if (form == FLOW_JSON) {
        frame->head = mem_format("{\"captured\":{\"binding\":%d,\"doc\":", binding);
        frame->tail = "}}\n";
    } else {
        proto_captured(frame, (uint32_t)binding);
    }
}
