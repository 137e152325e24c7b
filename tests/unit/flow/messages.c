/* What is written: schemas, keys, logs, checkpoints. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

static const struct type int4 = {
    .oid = OID_INT4, .class = TYPE_SCALAR, .schema = "pg_catalog", .name = "int4"};
static struct out out;

static void start(void)
{
    out_init(&out, 64);
}

static void stop(void)
{
    out_free(&out);
}

TestSuite(flow_messages, .init = start, .fini = stop);

static struct discovered_column columns[] = {
    {.name = "id", .type = &int4, .typmod = -1, .declared = "integer"},
    {.name = "a/b~c\"", .type = &int4, .typmod = -1, .declared = "integer", .nullable = true},
};
static const int key[] = {0, 1};

static struct discovered_table table(int key_count)
{
    return (struct discovered_table){.schema = "public",
                                     .name = "9 T",
                                     .columns = columns,
                                     .column_count = 2,
                                     .key = key,
                                     .key_count = key_count};
}

/* The key's pointers, joined. */
static const char *pointers(const struct discovered_table *t)
{
    char **names = key_pointers(t);
    json_write_strings(&out, names);
    json_strings_free(&names);
    return out_text(&out);
}

static bool has(const char *text)
{
    return strstr(out_text(&out), text) != NULL;
}

Test(flow_messages, key_pointers_are_escaped)
{
    struct discovered_table t = table(2);
    cr_assert_str_eq(pointers(&t), "[\"/id\",\"/a~1b~0c\\\"\"]");
}

Test(flow_messages, without_a_key_the_place_in_the_log_is_unique)
{
    struct discovered_table t = table(0);
    cr_assert_str_eq(pointers(&t), "[\"/_meta/source/loc/0\",\"/_meta/source/loc/1\","
                                   "\"/_meta/source/loc/2\"]");
}

Test(flow_messages, no_key_of_a_collection_is_a_number_that_may_be_a_string)
{
    struct discovered_table t = table(2);
    static const struct type float8 = {.oid = OID_FLOAT8, .class = TYPE_SCALAR, .name = "float8"};
    columns[1].type = &float8;
    pointers(&t);
    cr_assert(has("/_meta/source/loc/0"));
    cr_assert_not(has("/id"));
}

Test(flow_messages, a_document_schema_is_annotated)
{
    struct discovered_table t = table(1);
    document_schema(&out, &t, &(struct config){0});
    cr_assert(
        has("{\"$defs\":{\"row.public.9_T\":{\"$anchor\":\"row.public.9_T\",\"type\":\"object\","));
    cr_assert(has("\"required\":[\"id\"]}}"));
    cr_assert(has("\"before\":{\"$ref\":\"#row.public.9_T\",\"reduce\":{\"strategy\":"
                  "\"firstWriteWins\"}}"));
    cr_assert(has("{\"$ref\":\"#row.public.9_T\"}"));
    cr_assert(has("\"reduce\":{\"strategy\":\"merge\",\"delete\":true}"));
    cr_assert(has("\"x-infer-schema\":true}"));
    cr_assert_not(has("associative"));
    cr_assert_not(has("additionalProperties"));
}

Test(flow_messages, schema_inference_is_asked_for_unless_it_is_turned_off)
{
    struct discovered_table t = table(1);
    document_schema(&out, &t, &(struct config){.no_schema_inference = true});
    cr_assert_not(has("x-infer-schema"));
}

Test(flow_messages, history_mode_reduces_the_source_by_a_rule_that_cannot_be_applied_early)
{
    struct discovered_table t = table(1);
    document_schema(&out, &t, &(struct config){.history_mode = true});
    cr_assert(has("\"required\":[\"schema\",\"table\",\"loc\"],"
                  "\"reduce\":{\"strategy\":\"lastWriteWins\",\"associative\":false}}"));
}

Test(flow_messages, a_sourced_schema_is_closed)
{
    struct discovered_table t = table(1);
    sourced_schema(&out, &t);
    cr_assert_not(has("reduce"));
    cr_assert(has("\"a/b~c\\\"\":{\"type\":\"integer\"}")); /* though it may be null */
    cr_assert(has("\"required\":[\"_meta\",\"id\"],\"additionalProperties\":false}"));
    cr_assert(has("\"required\":[\"op\",\"source\"],\"additionalProperties\":false}"));
    cr_assert(has("\"required\":[\"id\"],\"additionalProperties\":false}"));
    cr_assert(has("\"loc\"],\"additionalProperties\":false}"));
}

Test(flow_messages, a_log_line)
{
    flow_log(&out, &(struct log_entry){LOG_WARN, "a \"b\"\nc", "main", NULL, false}, 1705329000123);
    cr_assert_str_eq(out_text(&out),
                     "{\"level\":\"warn\",\"msg\":\"a "
                     "\\\"b\\\"\\nc\",\"ts\":\"2024-01-15T14:30:00.123Z\",\"thread\":"
                     "\"main\"}\n");
}

Test(flow_messages, a_log_line_has_fields)
{
    static const struct log_field fields[] = {
        {"table", "a\"b", false}, {"rows", "12", true}, {NULL, NULL, false}};
    flow_log(&out, &(struct log_entry){LOG_INFO, "x", "main", fields, false}, 0);
    cr_assert(has(",\"thread\":\"main\",\"table\":\"a\\\"b\",\"rows\":12}\n"));
}

Test(flow_messages, a_status_is_told_by_who_says_it_and_not_by_its_words)
{
    flow_log(&out, &(struct log_entry){LOG_WARN, "t waits for u", "main", NULL, false}, 0);
    cr_assert(!has("eventType"));
    flow_log(&out, &(struct log_entry){LOG_WARN, "t", "main", NULL, true}, 0);
    cr_assert(has(",\"thread\":\"main\",\"eventType\":\"connectorStatus\"}\n"));
}

/* A capture of t.v2 and u. */
static struct config *config;
static struct state state;
static struct catalog *catalog;
static struct ledger *ledger;

static struct flow_capture *capture_of(const char *given)
{
    const char *open =
        "{\"open\":{\"capture\":{\"config\":{\"host\":\"h\",\"user\":\"u\"},\"bindings\":["
        "{\"resourceConfig\":{\"namespace\":\"public\",\"stream\":\"t\"},\"stateKey\":\"t.v2\"},"
        "{\"resourceConfig\":{\"namespace\":\"public\",\"stream\":\"u\"},\"stateKey\":\"u\"}]},"
        "\"state\":";
    struct flow_request request;
    struct err err;
    struct out notices;
    char *line = mem_format("%s%s}}", open, given);
    out_init(&notices, 0);
    cr_assert(flow_request_parse(&request, FLOW_JSON, line, strlen(line), &notices, &err), "%s",
              err.message);
    out_free(&notices);
    free(line);
    config = request.config;
    state = request.state;
    catalog = request.catalog;
    ledger = ledger_new();
    return flow_capture_new(config, catalog, &state, request.taken_over, FLOW_JSON, ledger);
}

static void drop(struct flow_capture *capture)
{
    flow_capture_free(&capture);
    config_free(&config);
    state_clear(&state);
    catalog_free(&catalog);
    ledger_free(&ledger);
}

static const char *checkpoint_at(struct flow_capture *capture, uint64_t cursor, uint32_t *unseen)
{
    struct codec codec = flow_codec(capture);
    struct capture_identity identity = {(char *)"7", 1, (char *)"s", (char *)"d"};
    struct checkpoint newer = {
        .cursor = cursor, .in_doubt = unseen, .in_doubt_count = unseen ? 1 : 0};
    out.len = 0;
    codec.checkpoint(codec.context, &out, &identity, &newer, NULL);
    return out_text(&out);
}

#define CHECKPOINT(members)                                                                        \
    "{\"checkpoint\":{\"state\":{\"updated\":{" members "},\"mergePatch\":true}}}\n"
#define IDENTITY ",\"system_identifier\":\"7\",\"timeline\":1,\"slot\":\"s\",\"database\":\"d\""

Test(flow_messages, the_first_checkpoint_says_whose_it_is_and_what_is_gone)
{
    struct flow_capture *capture = capture_of(
        "{\"cursor\":\"0/10\",\"unseen\":[5],\"streams\":{\"t.v1\":{\"mode\":\"Active\"},"
        "\"u\":{\"mode\":\"Active\"}}}");
    cr_assert_not_null(state.checkpoint);
    cr_assert_str_eq(
        checkpoint_at(capture, 0x20, NULL),
        CHECKPOINT("\"cursor\":\"0/20\"" IDENTITY ",\"unseen\":null,\"streams\":{\"t.v1\":null}"));
    cr_assert_str_eq(checkpoint_at(capture, 0x30, NULL), CHECKPOINT("\"cursor\":\"0/30\""));
    uint32_t unseen = 6;
    cr_assert_str_eq(checkpoint_at(capture, 0x40, &unseen),
                     CHECKPOINT("\"cursor\":\"0/40\",\"unseen\":[6]"));
    cr_assert_str_eq(checkpoint_at(capture, 0x50, NULL),
                     CHECKPOINT("\"cursor\":\"0/50\",\"unseen\":null"));
    drop(capture);
}

Test(flow_messages, the_first_checkpoint_leaves_out_what_the_state_has)
{
    struct flow_capture *capture =
        capture_of("{\"cursor\":\"0/10\"" IDENTITY ",\"streams\":{\"t.v2\":{\"mode\":\"Active\","
                   "\"backfilled\":3},\"u\":{\"mode\":\"Active\",\"key_columns\":[\"id\"]}}}");
    char *id[] = {(char *)"id", NULL};
    struct stream_state streams[] = {
        {.id = (char *)"t.v2", .mode = STREAM_ACTIVE, .backfilled = 4},
        {.id = (char *)"u", .mode = STREAM_ACTIVE, .key_columns = id},
    };
    struct checkpoint whole = {.cursor = 0x10, .streams = streams, .stream_count = 2};
    struct capture_identity identity = {(char *)"7", 1, (char *)"s", (char *)"d"};
    struct codec codec = flow_codec(capture);
    out.len = 0;
    codec.checkpoint(codec.context, &out, &identity, &whole, NULL);
    cr_assert_str_eq(out_text(&out),
                     CHECKPOINT("\"cursor\":\"0/10\",\"streams\":{\"t.v2\":{\"mode\":\"Active\","
                                "\"backfilled\":4,\"key_columns\":null,\"cursor\":null,"
                                "\"snapshot\":null,\"as_of\":null,\"as_of_carry\":null,\"storage\":"
                                "null,\"oid\":null,\"published_by\":"
                                "null,\"terms\":null,\"types\":null,\"ranges\":null}}"));
    drop(capture);
}

Test(flow_messages, a_state_that_no_binding_continues_is_let_go)
{
    struct flow_capture *capture =
        capture_of("{\"cursor\":\"0/10\",\"streams\":{\"t.v1\":{\"mode\":\"Active\"}}}");
    cr_assert_null(state.checkpoint);
    cr_assert_str_eq(checkpoint_at(capture, 0x20, NULL),
                     CHECKPOINT("\"cursor\":\"0/20\"" IDENTITY ",\"streams\":{\"t.v1\":null}"));
    drop(capture);
}

Test(flow_messages, what_another_connector_left_is_removed_at_once)
{
    struct flow_capture *capture =
        capture_of("{\"cursor\":\"0/10\",\"streams\":{\"old\":{\"mode\":\"Active\"}},"
                   "\"bindingStateV1\":{\"u\":{\"mode\":\"Active\"}}}");
    cr_assert_not_null(state.checkpoint);
    cr_assert_str_eq(
        checkpoint_at(capture, 0x20, NULL),
        CHECKPOINT("\"cursor\":\"0/20\"" IDENTITY
                   ",\"unseen\":null,\"bindingStateV1\":null,\"streams\":{\"old\":null}"));
    cr_assert_str_eq(checkpoint_at(capture, 0x30, NULL), CHECKPOINT("\"cursor\":\"0/30\""));
    drop(capture);
}

Test(flow_messages, each_checkpoint_waits_for_its_acknowledgement)
{
    struct flow_capture *capture = capture_of("{}");
    uint64_t cursor = 0;
    checkpoint_at(capture, 0x20, NULL);
    checkpoint_at(capture, 0x30, NULL);
    cr_assert_eq(ledger_count(ledger), 2);
    cr_assert(ledger_take(ledger, 1, &cursor));
    cr_assert_eq(cursor, 0x20);
    drop(capture);
}

Test(flow_messages, documents_are_framed_by_their_binding)
{
    struct flow_capture *capture = capture_of("{}");
    struct codec codec = flow_codec(capture);
    struct frame frame;
    codec.frame(codec.context, 1, &frame);
    cr_assert_str_eq(frame.head, "{\"captured\":{\"binding\":1,\"doc\":");
    cr_assert_str_eq(frame.tail, "}}\n");
    cr_assert_null(frame.neck);
    drop(capture);
}
