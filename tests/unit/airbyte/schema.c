#include "schema.h"

#include <criterion/criterion.h>
#include <string.h>

#include "json/json.h"

#define SCALAR(o, n)                                                                               \
    {                                                                                              \
        .oid = (o), .class = TYPE_SCALAR, .schema = "pg_catalog", .name = (n)                      \
    }

static const struct type boolean = SCALAR(OID_BOOL, "bool");
static const struct type int4 = SCALAR(OID_INT4, "int4");
static const struct type float8 = SCALAR(OID_FLOAT8, "float8");
static const struct type numeric = SCALAR(OID_NUMERIC, "numeric");
static const struct type bytea = SCALAR(OID_BYTEA, "bytea");
static const struct type timestamp = SCALAR(OID_TIMESTAMP, "timestamp");
static const struct type timestamptz = SCALAR(OID_TIMESTAMPTZ, "timestamptz");
static const struct type timetz = SCALAR(OID_TIMETZ, "timetz");
static const struct type jsonb = SCALAR(OID_JSONB, "jsonb");
static const struct type hstore = SCALAR(16400, "hstore");
static const struct type vector = SCALAR(16401, "vector");
static const struct type mood = {.oid = 16403, .class = TYPE_ENUM, .name = "mood"};

static struct out out;

static void start(void)
{
    out_init(&out, 64);
}

static void stop(void)
{
    out_free(&out);
}

TestSuite(schema, .init = start, .fini = stop);

static void prints(struct discovered_column column, const char *expected)
{
    out.len = 0;
    airbyte_schema_column(&out, &column);
    cr_expect_str_eq(out_text(&out), expected, "%s", out.data);
}

static struct discovered_column of(const struct type *type, bool nullable)
{
    return (struct discovered_column){
        .name = "c", .type = type, .typmod = -1, .nullable = nullable};
}

Test(schema, of_what_is_always_held_is_nullable_as_the_column_is)
{
    prints(of(&boolean, false), "{\"type\":\"boolean\"}");
    prints(of(&int4, true), "{\"type\":[\"number\",\"null\"],\"airbyte_type\":\"integer\"}");
    prints(of(&bytea, false), "{\"type\":\"string\",\"contentEncoding\":\"base64\"}");
    prints(of(&jsonb, false), "{\"type\":\"string\"}");
    prints(of(&mood, true), "{\"type\":[\"string\",\"null\"]}");
    prints(of(&hstore, true), "{\"type\":[\"object\",\"null\"]}");
    prints(of(&vector, false), "{\"type\":\"array\",\"items\":{\"type\":\"number\"}}");
}

Test(schema, of_what_may_not_be_held_is_nullable)
{
    prints(of(&float8, false), "{\"type\":[\"number\",\"null\"]}");
    prints(of(&numeric, false), "{\"type\":[\"number\",\"null\"]}");
    prints(of(&timestamp, false), "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\","
                                  "\"airbyte_type\":\"timestamp_without_timezone\"}");
    prints(of(&timestamptz, false), "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\","
                                    "\"airbyte_type\":\"timestamp_with_timezone\"}");
    prints(of(&timetz, false), "{\"type\":[\"string\",\"null\"],\"format\":\"time\","
                               "\"airbyte_type\":\"time_with_timezone\"}");
}

Test(schema, of_an_array_tells_its_elements_where_they_are_no_arrays)
{
    const struct type ints = {.class = TYPE_ARRAY, .element = &int4};
    struct discovered_column column = of(&ints, true);
    prints(column, "{\"type\":[\"array\",\"null\"],\"items\":{\"type\":[\"number\",\"null\"],"
                   "\"airbyte_type\":\"integer\"}}");
    column.dimensions = 2;
    column.nullable = false;
    prints(column, "{\"type\":\"array\"}");
}

Test(schema, of_a_table_proposes_the_cursor)
{
    struct err err;
    const int key[] = {1, 0};
    struct discovered_column columns[] = {of(&int4, false), of(&jsonb, false), of(&jsonb, true),
                                          of(&jsonb, true)};
    columns[0].name = "a \"quoted\"";
    columns[1].name = "é";
    columns[1].comment = "what it is";
    columns[2].name = "_meta"; /* the record's own takes its place */
    columns[3].name = "_ab_cdc_lsn";
    struct discovered_table table = {"public", "t", "what\nit is", columns, 4, key, 2, true};
    airbyte_schema(&out, &table);
    cJSON *schema = json_parse("schema", out.data, out.len, &err);
    cr_assert_not_null(schema, "%s", err.message);
    const cJSON *properties = cJSON_GetObjectItem(schema, "properties");
    cr_assert_eq(cJSON_GetArraySize(properties), 6);
    cr_assert(cJSON_HasObjectItem(properties, "a \"quoted\""));
    cr_assert(cJSON_HasObjectItem(cJSON_GetObjectItem(properties, "_ab_cdc_lsn"), "airbyte_type"));
    cr_assert(cJSON_HasObjectItem(cJSON_GetObjectItem(properties, "_meta"), "required"));
    cr_assert(strstr(out_text(&out), "\"required\":[\"é\",\"a \\\"quoted\\\"\"]}"));
    cJSON_Delete(schema);
}

Test(schema, of_a_table_without_columns_parses)
{
    struct err err;
    struct discovered_table table = {.schema = "public", .name = "t"};
    airbyte_schema(&out, &table);
    cJSON *schema = json_parse("schema", out.data, out.len, &err);
    cr_assert_not_null(schema, "%s", err.message);
    cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(schema, "required")), 0);
    cJSON_Delete(schema);
}
