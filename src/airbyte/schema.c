/* The schema that the Airbyte look proposes: types as Airbyte's destinations read them. */
#include "schema.h"

#include <string.h>

#include "discover/schema.h"
#include "json/json.h"

/* https://docs.airbyte.com/understanding-airbyte/supported-data-types */
struct look {
    const char *type; /* JSON's */
    const char *rest; /* further members */
    bool lossy;       /* some values are null: see value_airbyte_writers */
};

static const struct look string_look = {"string", "", false};

static const struct {
    uint32_t oid;
    struct look look;
} builtin_looks[] = {
    {OID_BOOL, {"boolean", "", false}},
    {OID_INT2, {"number", ",\"airbyte_type\":\"integer\"", false}},
    {OID_INT4, {"number", ",\"airbyte_type\":\"integer\"", false}},
    {OID_INT8, {"number", ",\"airbyte_type\":\"integer\"", false}},
    {OID_OID, {"number", ",\"airbyte_type\":\"integer\"", false}},
    {OID_FLOAT4, {"number", "", true}},
    {OID_FLOAT8, {"number", "", true}},
    {OID_NUMERIC, {"number", "", true}},
    {OID_BYTEA, {"string", ",\"contentEncoding\":\"base64\"", false}},
    {OID_DATE, {"string", ",\"format\":\"date\"", true}},
    {OID_TIMESTAMP,
     {"string", ",\"format\":\"date-time\",\"airbyte_type\":\"timestamp_without_timezone\"", true}},
    {OID_TIMESTAMPTZ,
     {"string", ",\"format\":\"date-time\",\"airbyte_type\":\"timestamp_with_timezone\"", true}},
    {OID_TIME, {"string", ",\"format\":\"time\",\"airbyte_type\":\"time_without_timezone\"", true}},
    {OID_TIMETZ, {"string", ",\"format\":\"time\",\"airbyte_type\":\"time_with_timezone\"", true}},
};

static const struct {
    const char *name;
    struct look look;
} extension_looks[] = {
    {"hstore", {"object", "", false}},
    {"vector", {"array", ",\"items\":{\"type\":\"number\"}", false}},
    {"halfvec", {"array", ",\"items\":{\"type\":\"number\"}", false}},
};

enum { FIRST_USER_OID = 16384 }; /* extensions' types are never below */

static const struct look *look_of(const struct type *type)
{
    bool scalar = type->class == TYPE_SCALAR;
    for (size_t i = 0; scalar && i < sizeof builtin_looks / sizeof *builtin_looks; i++) {
        if (builtin_looks[i].oid == type->oid) {
            return &builtin_looks[i].look;
        }
    }
    scalar = scalar && type->oid >= FIRST_USER_OID;
    for (size_t i = 0; scalar && i < sizeof extension_looks / sizeof *extension_looks; i++) {
        if (!strcmp(extension_looks[i].name, type->name)) {
            return &extension_looks[i].look;
        }
    }
    return &string_look;
}

static void write_look(struct out *out, const struct look *look, bool nullable)
{
    out_format(out, nullable ? "\"type\":[\"%s\",\"null\"]%s" : "\"type\":\"%s\"%s", look->type,
               look->rest);
}

/* The elements of an array of several dimensions are arrays, of which nothing is said. */
static void write_array(struct out *out, const struct discovered_column *column)
{
    static const struct look array = {"array", "", false};
    write_look(out, &array, column->nullable);
    if (column->dimensions < 2) {
        out_string(out, ",\"items\":{");
        write_look(out, look_of(column->type->element), true);
        out_char(out, '}');
    }
}

static void write_description(struct out *out, const char *comment)
{
    if (comment) {
        out_string(out, ",\"description\":");
        json_write_string(out, comment, strlen(comment));
    }
}

void airbyte_schema_column(struct out *out, const struct discovered_column *column)
{
    const struct look *look = look_of(column->type);
    out_char(out, '{');
    if (column->type->class == TYPE_ARRAY && column->type->element) {
        write_array(out, column);
    } else {
        write_look(out, look, column->nullable || look->lossy);
    }
    write_description(out, column->comment);
    out_char(out, '}');
}

/* The record's own takes its place. */
static bool is_own(const char *name)
{
    static const char *const names[] = {"_meta", AIRBYTE_CURSOR, "_ab_cdc_updated_at",
                                        "_ab_cdc_deleted_at"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(names[i], name)) {
            return true;
        }
    }
    return false;
}

void airbyte_schema(struct out *out, const struct discovered_table *table)
{
    out_string(out, "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":\"object\"");
    write_description(out, table->comment);
    out_string(out, ",\"properties\":{");
    for (int i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        if (!is_own(name)) {
            json_write_string(out, name, strlen(name));
            out_char(out, ':');
            airbyte_schema_column(out, &table->columns[i]);
            out_char(out, ',');
        }
    }
    out_string(out, "\"" AIRBYTE_CURSOR "\":{\"type\":\"number\",\"airbyte_type\":\"integer\"},"
                    "\"_ab_cdc_updated_at\":{\"type\":\"string\",\"format\":\"date-time\","
                    "\"airbyte_type\":\"timestamp_with_timezone\"},"
                    "\"_ab_cdc_deleted_at\":{\"type\":[\"string\",\"null\"],\"format\":"
                    "\"date-time\",\"airbyte_type\":\"timestamp_with_timezone\"},\"_meta\":");
    schema_meta(out, &(struct schema_meta){"{\"type\":\"object\"}", "", ""});
    out_string(out, "},\"required\":");
    schema_key(out, table);
    out_char(out, '}');
}
