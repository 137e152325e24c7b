#include "discover/schema.h"

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
static const struct type varchar = SCALAR(OID_VARCHAR, "varchar");
static const struct type bytea = SCALAR(OID_BYTEA, "bytea");
static const struct type timestamptz = SCALAR(OID_TIMESTAMPTZ, "timestamptz");
static const struct type jsonb = SCALAR(OID_JSONB, "jsonb");
static const struct type hstore = SCALAR(16400, "hstore");
static const struct type vector = SCALAR(16401, "vector");
static const struct type ltree = SCALAR(16402, "ltree");
static const struct type mood = {.oid = 16403, .class = TYPE_ENUM, .name = "mood"};
static const struct type range = {
    .oid = 3904, .class = TYPE_RANGE, .name = "int4range", .element = &int4};

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
    schema_column_sourced(&out, &column);
    cr_assert_str_eq(out_text(&out), expected);
}

static void describes(struct discovered_column column, const char *expected)
{
    out.len = 0;
    schema_column(&out, &column);
    cr_assert_str_eq(out_text(&out), expected);
}

static struct discovered_column of(const struct type *type, bool nullable)
{
    return (struct discovered_column){
        .name = "c", .declared = "mood", .type = type, .typmod = -1, .nullable = nullable};
}

Test(schema, numbers_and_booleans)
{
    prints(of(&boolean, false), "{\"type\":\"boolean\"}");
    prints(of(&int4, true), "{\"type\":\"integer\"}");
    prints(of(&float8, false), "{\"type\":[\"number\",\"string\"],\"format\":\"number\"}");
    prints(of(&numeric, true), "{\"type\":\"string\",\"format\":\"number\"}");
}

Test(schema, strings_with_a_form)
{
    prints(of(&bytea, false), "{\"type\":\"string\",\"contentEncoding\":\"base64\"}");
    prints(of(&timestamptz, false), "{\"type\":\"string\",\"format\":\"date-time\"}");
    prints(of(&range, true), "{\"type\":\"string\"}");
    prints(of(&ltree, true), "{\"type\":\"string\"}");
}

Test(schema, declared_length)
{
    struct discovered_column column = of(&varchar, false);
    prints(column, "{\"type\":\"string\"}");
    column.typmod = 24;
    prints(column, "{\"type\":\"string\",\"maxLength\":20}");
    column.type = &numeric; /* a modifier means something else for other types */
    prints(column, "{\"type\":\"string\",\"format\":\"number\"}");
}

Test(schema, json_may_be_anything)
{
    prints(of(&jsonb, true), "{\"contentMediaType\":\"application/json\"}");
}

/* A label that is added later would violate the schema, and so would 24:00:00. */
Test(schema, leaves_out_what_a_later_value_may_violate)
{
    static const struct type time = SCALAR(OID_TIME, "time"), timetz = SCALAR(OID_TIMETZ, "timetz");
    prints(of(&mood, false), "{\"type\":\"string\"}");
    prints(of(&time, false), "{\"type\":\"string\"}");
    prints(of(&timetz, false), "{\"type\":\"string\"}");
}

Test(schema, a_description_has_the_source_type)
{
    struct discovered_column column = of(&mood, false);
    describes(column, "{\"type\":\"string\",\"description\":\"(source type: non-nullable "
                      "mood)\"}");
    column.nullable = true;
    column.comment = "how \"it\" is";
    describes(column,
              "{\"type\":[\"string\",\"null\"],\"description\":\"how \\\"it\\\" is (source type: "
              "mood)\"}");
}

Test(schema, extensions_by_name)
{
    prints(of(&hstore, false),
           "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"null\"]}}");
    prints(of(&vector, true), "{\"type\":\"array\",\"items\":{\"type\":\"number\"}}");
}

Test(schema, arrays_may_nest_and_hold_nulls)
{
    const struct type ints = {.class = TYPE_ARRAY, .element = &int4};
    const struct type documents = {.class = TYPE_ARRAY, .element = &jsonb};
    const struct type vectors = {.class = TYPE_ARRAY, .element = &vector};
    prints(of(&ints, true),
           "{\"type\":\"array\",\"items\":{\"type\":[\"integer\",\"array\",\"null\"]}}");
    prints(of(&documents, false), "{\"type\":\"array\",\"items\":{}}");
    prints(of(&vectors, false), "{\"type\":\"array\",\"items\":{\"type\":[\"array\",\"null\"]}}");
}
