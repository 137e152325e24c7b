#include "config/catalog.h"

#include <criterion/criterion.h>
#include <string.h>

static struct err err;
static struct catalog *catalog;

static void stop(void)
{
    catalog_free(&catalog);
}

TestSuite(catalog, .fini = stop);

static void parse(const char *json)
{
    catalog_free(&catalog);
    catalog = catalog_parse(json, strlen(json), &err);
    cr_assert_not_null(catalog, "%s", err.message);
}

static void refused(const char *json, const char *message)
{
    struct catalog *none = catalog_parse(json, strlen(json), &err);
    cr_expect_null(none, "%s", json);
    cr_expect_eq(err.kind, ERR_CONFIG);
    cr_expect_str_eq(err.message, message);
    catalog_free(&none);
}

#define STREAM(members) "{\"streams\":[{\"stream\":{\"name\":\"t\"}" members "}]}"

Test(catalog, airbytes_form)
{
    parse(
        "{\"streams\":[{\"stream\":{\"name\":\"T\",\"namespace\":\"s\",\"json_schema\":{\"a\":[1]},"
        "\"supported_sync_modes\":[\"incremental\"]},\"sync_mode\":\"incremental\","
        "\"cursor_field\":[],\"destination_sync_mode\":\"append\",\"primary_key\":[[\"a\"],[\"b\"]]"
        ","
        "\"generation_id\":1},{\"stream\":{\"name\":\"u\"},\"sync_mode\":\"full_refresh\"}],"
        "\"estuary.dev/tail\":true,\"estuary.dev/range\":{}}");
    cr_assert_eq(catalog->count, 2);
    cr_assert(catalog->tail);
    cr_assert_str_eq(catalog->streams[0].schema, "s");
    cr_assert_str_eq(catalog->streams[0].table, "T");
    cr_assert_str_eq(catalog->streams[0].key[0], "a");
    cr_assert_str_eq(catalog->streams[0].key[1], "b");
    cr_assert_null(catalog->streams[0].key[2]);
    cr_assert_not(catalog->streams[0].full_refresh);
    cr_assert_eq(catalog->streams[0].mode, BACKFILL_NORMAL);
    cr_assert_null(catalog->streams[0].state_key);
    cr_assert_str_eq(catalog->streams[1].schema, "public");
    cr_assert(catalog->streams[1].full_refresh);
    cr_assert_null(catalog->streams[1].key);
}

#define SCHEMA(properties)                                                                         \
    "{\"streams\":[{\"stream\":{\"name\":\"t\",\"json_schema\":{\"properties\":" properties "}}}]" \
    "}"

Test(catalog, a_schema_with_the_cursor_asks_for_the_airbyte_look)
{
    parse(SCHEMA("{\"b\":{},\"_ab_cdc_lsn\":{},\"a\":{}}"));
    cr_assert(catalog->streams[0].airbyte_look);
    cr_assert_str_eq(catalog->streams[0].columns[0], "b");
    cr_assert_str_eq(catalog->streams[0].columns[1], "_ab_cdc_lsn");
    cr_assert_str_eq(catalog->streams[0].columns[2], "a");
    cr_assert_null(catalog->streams[0].columns[3]);
}

Test(catalog, the_key_that_was_chosen_is_among_the_columns)
{
    parse("{\"streams\":[{\"stream\":{\"name\":\"t\",\"json_schema\":{\"properties\":{\"b\":{},"
          "\"_ab_cdc_lsn\":{}}}},\"primary_key\":[[\"b\"],[\"a\"]]}]}");
    cr_assert_str_eq(catalog->streams[0].columns[0], "b");
    cr_assert_str_eq(catalog->streams[0].columns[1], "_ab_cdc_lsn");
    cr_assert_str_eq(catalog->streams[0].columns[2], "a");
    cr_assert_null(catalog->streams[0].columns[3]);
}

Test(catalog, any_other_schema_says_nothing)
{
    static const char *const schemas[] = {
        SCHEMA("{\"a\":{}}"), SCHEMA("[\"_ab_cdc_lsn\"]"),
        SCHEMA("null"),       SCHEMA("{}"),
        STREAM(""),           "{\"streams\":[{\"stream\":{\"name\":\"t\",\"json_schema\":true}}]}"};
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        parse(schemas[i]);
        cr_expect_not(catalog->streams[0].airbyte_look, "%s", schemas[i]);
        cr_expect_null(catalog->streams[0].columns, "%s", schemas[i]);
    }
}

Test(catalog, generations_are_read)
{
    parse(STREAM(",\"generation_id\":3,\"minimum_generation_id\":2,\"sync_id\":12"));
    cr_assert_eq(catalog->streams[0].generation_id, 3);
    cr_assert_eq(catalog->streams[0].minimum_generation_id, 2);
    cr_assert_eq(catalog->streams[0].sync_id, 12);
    parse(STREAM(",\"generation_id\":null"));
    cr_assert_eq(catalog->streams[0].generation_id, 0);
    cr_assert_eq(catalog->streams[0].minimum_generation_id, 0);
    cr_assert_eq(catalog->streams[0].sync_id, 0);
    refused(STREAM(",\"generation_id\":\"x\""),
            "catalog: streams[0].generation_id must be a whole number, not a string");
}

Test(catalog, no_namespace_is_public)
{
    parse("{\"streams\":[{\"stream\":{\"name\":\"a\"}},{\"stream\":{\"name\":\"b\",\"namespace\":"
          "null}},"
          "{\"stream\":{\"name\":\"c\",\"namespace\":\"\"}}]}");
    for (int i = 0; i < 3; i++) {
        cr_assert_str_eq(catalog->streams[i].schema, "public");
    }
}

Test(catalog, tail_has_two_names)
{
    parse(STREAM(""));
    cr_assert_not(catalog->tail);
    parse("{\"tail\":true,\"streams\":[{\"stream\":{\"name\":\"t\"}}]}");
    cr_assert(catalog->tail);
    parse("{\"estuary.dev/tail\":null,\"tail\":true,\"streams\":[{\"stream\":{\"name\":\"t\"}}]}");
    cr_assert(catalog->tail);
    parse("{\"tail\":true,\"streams\":[{\"stream\":{\"name\":\"t\"},"
          "\"sync_mode\":\"full_refresh\"}]}");
    cr_assert_not(catalog->tail, "all is a full refresh");
    refused("{\"tail\":1,\"streams\":[{\"stream\":{\"name\":\"t\"}}]}",
            "catalog: tail must be true or false, not a number");
    refused("{\"estuary.dev/tail\":\"yes\",\"streams\":[{\"stream\":{\"name\":\"t\"}}]}",
            "catalog: [\"estuary.dev/tail\"] must be true or false, not a string");
}

Test(catalog, no_key_is_the_tables_own)
{
    parse(STREAM(",\"primary_key\":[]"));
    cr_assert_null(catalog->streams[0].key);
    parse(STREAM(",\"primary_key\":null"));
    cr_assert_null(catalog->streams[0].key);
}

Test(catalog, wrong_keys)
{
    refused(STREAM(",\"primary_key\":[\"id\"]"),
            "catalog: streams[0].primary_key[0] must be an array, not a string");
    refused(
        STREAM(",\"primary_key\":[[\"a\",\"b\"]]"),
        "catalog: streams[0].primary_key[0] must hold one column's name: a column has no fields");
    refused(
        STREAM(",\"primary_key\":[[]]"),
        "catalog: streams[0].primary_key[0] must hold one column's name: a column has no fields");
    refused(STREAM(",\"primary_key\":[[\"a\"],[1]]"),
            "catalog: streams[0].primary_key[1][0] must be a string, not a number");
    refused(STREAM(",\"primary_key\":[[null]]"),
            "catalog: streams[0].primary_key[0][0] is missing: it must be a string");
    refused(STREAM(",\"primary_key\":[[\"\"]]"),
            "catalog: streams[0].primary_key[0][0] must not be empty");
    refused(STREAM(",\"primary_key\":[[\"a\"],[\"a\"]]"),
            "catalog: streams[0].primary_key[1][0] names a column of the key a second time");
    refused(STREAM(",\"primary_key\":{}"),
            "catalog: streams[0].primary_key must be an array, not an object");
}

Test(catalog, errors_name_the_stream)
{
    refused(
        "{\"streams\":[{\"stream\":{\"name\":\"t\",\"namespace\":\"s\"},\"sync_mode\":\"cdc\"}]}",
        "catalog: streams[0].sync_mode is \"cdc\"; it must be full_refresh or incremental");
    cr_assert_str_eq(err.schema, "s");
    cr_assert_str_eq(err.table, "t");
}

Test(catalog, all_faults_are_reported)
{
    refused("{\"tail\":1,\"streams\":[5,{\"stream\":{\"name\":\"t\"},\"sync_mode\":\"cdc\","
            "\"primary_key\":5},"
            "{\"stream\":{\"name\":\"u\"}}]}",
            "catalog: tail must be true or false, not a number\n"
            "catalog: streams[0] must be an object, not a number\n"
            "catalog: streams[1].sync_mode is \"cdc\"; it must be full_refresh or incremental\n"
            "catalog: streams[1].primary_key must be an array, not a number");
    refused(
        "{\"streams\":[{\"stream\":{\"name\":\"t\"}},{\"stream\":{\"name\":\"u\"}},"
        "{\"stream\":{\"name\":\"t\"}},{\"stream\":{\"name\":\"u\"}},{\"stream\":{\"name\":"
        "\"t\"}}]}",
        "catalog: streams[2] has the same table as streams[0] (\"public.t\"), and must have one "
        "of its own\n"
        "catalog: streams[3] has the same table as streams[1] (\"public.u\"), and must have one "
        "of its own\n"
        "catalog: streams[4] has the same table as streams[0] (\"public.t\"), and must have one "
        "of its own");
}

Test(catalog, wrong_shapes)
{
    refused("[]", "catalog: must be an object, not an array");
    refused("null", "catalog: is missing: it must be an object");
    refused("{}", "catalog: streams is missing: it must be an array");
    refused("{\"streams\":{}}", "catalog: streams must be an array, not an object");
    refused("{\"streams\":[]}", "catalog: streams is empty: choose at least one stream to capture");
    refused("{\"streams\":[null]}", "catalog: streams[0] is missing: it must be an object");
    refused("{\"streams\":[{}]}", "catalog: streams[0].stream is missing: it must be an object");
    refused("{\"streams\":[{\"stream\":{}}]}",
            "catalog: streams[0].stream.name is missing: it must be a string");
    refused("{\"streams\":[{\"stream\":{\"name\":\"\"}}]}",
            "catalog: streams[0].stream.name must not be empty");
    refused("{\"streams\":[{\"stream\":{\"name\":\"t\",\"namespace\":1}}]}",
            "catalog: streams[0].stream.namespace must be a string, not a number");
    refused(STREAM(",\"sync_mode\":1"),
            "catalog: streams[0].sync_mode must be a string, not a number");
}

Test(catalog, a_stream_is_there_once)
{
    refused(
        "{\"streams\":[{\"stream\":{\"name\":\"t\"}},{\"stream\":{\"name\":\"u\"}},"
        "{\"stream\":{\"name\":\"t\",\"namespace\":\"public\"}}]}",
        "catalog: streams[2] has the same table as streams[0] (\"public.t\"), and must have one "
        "of its own");
    parse("{\"streams\":[{\"stream\":{\"name\":\"t\"}},{\"stream\":{\"name\":\"T\"}},"
          "{\"stream\":{\"name\":\"t\",\"namespace\":\"other\"}}]}");
    cr_assert_eq(catalog->count, 3);
}

Test(catalog, streams_without_a_table_are_kept_apart)
{
    parse("{\"streams\":[{\"stream\":{\"name\":\"messages\",\"namespace\":\"pg_logical\"}},"
          "{\"stream\":{\"name\":\"t\"}},{\"stream\":{\"name\":\"transactions\",\"namespace\":"
          "\"public\"}}]}");
    cr_assert_eq(catalog->count, 2);
    cr_assert_str_eq(catalog->streams[0].table, "t");
    cr_assert_str_eq(catalog->streams[1].table, "transactions");
    cr_assert(catalog->logical[LOGICAL_MESSAGES]);
    cr_assert_not(catalog->logical[LOGICAL_TRANSACTIONS]);
    refused("{\"streams\":[{\"stream\":{\"name\":\"transactions\",\"namespace\":\"pg_logical\"}}]}",
            "catalog: streams holds no table: choose at least one");
}
