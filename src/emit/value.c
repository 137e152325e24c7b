/* The choice of a writer: by built-in type, by an extension's type name, by class. */
#include "emit/value.h"

#include <stddef.h>
#include <string.h>

#include "writers.h"

struct form {
    uint32_t oid;
    value_writer *text, *binary;
};

/*
 * Built-in types with a look or a binary form of their own; others are strings. There is a binary
 * writer where that form costs the server no more than the text; a form that is the text all but a
 * header costs it a copy more.
 */
static const struct form builtin_forms[] = {
    {OID_INT4, number_text, int4_binary},
    {OID_INT8, number_text, int8_binary},
    {OID_TEXT, string_text, NULL},
    {OID_VARCHAR, string_text, NULL},
    {OID_NUMERIC, string_text, NULL},
    {OID_TIMESTAMPTZ, timestamp_text, timestamp_binary},
    {OID_UUID, string_text, uuid_binary},
    {OID_FLOAT8, number_text, float8_binary},
    {OID_JSONB, jsonb_text, NULL},
    {OID_BOOL, bool_text, bool_binary},
    {OID_TIMESTAMP, timestamp_text, timestamp_binary},
    {OID_DATE, date_text, date_binary},
    {OID_INT2, number_text, int2_binary},
    {OID_FLOAT4, number_text, float4_binary},
    {OID_BPCHAR, string_text, NULL},
    {OID_BYTEA, bytea_text, bytea_binary},
    {OID_JSON, json_text, NULL},
    {OID_TIME, time_text, time_binary},
    {OID_TIMETZ, timetz_text, timetz_binary},
    {OID_INET, inet_text, NULL},
    {OID_CIDR, inet_text, NULL},
    {OID_OID, number_text, oid_binary},
    {OID_NAME, string_text, NULL},
    {OID_CHAR, char_text, NULL},
};

static const struct {
    const char *name;
    struct form form;
} extension_forms[] = {
    {"citext", {0, string_text, NULL}},
    {"hstore", {0, hstore_text, NULL}},
    {"vector", {0, vector_text, NULL}},
    {"halfvec", {0, vector_text, NULL}},
};

static const struct form string_form = {0, string_text, NULL};

enum { FIRST_USER_OID = 16384 }; /* extensions' types are never below */

static const struct form *extension_form(const struct type *type)
{
    for (size_t i = 0; i < sizeof extension_forms / sizeof *extension_forms; i++) {
        if (strcmp(extension_forms[i].name, type->name) == 0) {
            return &extension_forms[i].form;
        }
    }
    return &string_form;
}

static const struct form *scalar_form(const struct type *type)
{
    for (size_t i = 0; i < sizeof builtin_forms / sizeof *builtin_forms; i++) {
        if (builtin_forms[i].oid == type->oid) {
            return &builtin_forms[i];
        }
    }
    return type->oid >= FIRST_USER_OID && type->name ? extension_form(type) : &string_form;
}

static value_writer *range_writer(const struct type *element)
{
    bool timestamps = element && (element->oid == OID_TIMESTAMP || element->oid == OID_TIMESTAMPTZ);
    return timestamps ? timestamp_range_text : string_text;
}

value_writer *value_text_writer(const struct type *type)
{
    switch (type->class) {
    case TYPE_SCALAR: return scalar_form(type)->text;
    case TYPE_ENUM: return string_text;
    case TYPE_COMPOSITE: return composite_text;
    case TYPE_ARRAY: return type->element ? array_text : string_text;
    case TYPE_RANGE:
    case TYPE_MULTIRANGE: return range_writer(type->element);
    }
    return string_text;
}

value_writer *value_binary_writer(const struct type *type)
{
    return type->class == TYPE_SCALAR ? scalar_form(type)->binary : NULL;
}

bool value_prefers_binary(const struct type *type)
{
    return value_binary_writer(type) != NULL;
}
