/* The choice of a writer in the Airbyte look: what looks as it does elsewhere has the plain one. */
#include <stddef.h>

#include "writers.h"

/* Where the plain look has a binary writer there is one here too: chunks ask for one form. */
static const struct {
    uint32_t oid;
    struct value_writers writers;
} forms[] = {
    {OID_NUMERIC, {finite_text, NULL, true}},
    {OID_FLOAT8, {finite_text, finite8_binary, true}},
    {OID_FLOAT4, {finite_text, finite4_binary, true}},
    {OID_JSONB, {string_text, NULL, false}},
    {OID_JSON, {string_text, NULL, false}},
    {OID_TIMESTAMPTZ, {strict_timestamp_text, strict_timestamp_binary, true}},
    {OID_TIMESTAMP, {strict_timestamp_text, strict_timestamp_binary, true}},
    {OID_DATE, {strict_date_text, strict_date_binary, true}},
    {OID_TIME, {strict_time_text, strict_time_binary, true}},
    {OID_TIMETZ, {strict_timetz_text, strict_timetz_binary, true}},
};

struct value_writers value_airbyte_writers(const struct type *type)
{
    if (type->class == TYPE_ARRAY && type->element) {
        return (struct value_writers){airbyte_array_text, NULL, true};
    }
    for (size_t i = 0; type->class == TYPE_SCALAR && i < sizeof forms / sizeof *forms; i++) {
        if (forms[i].oid == type->oid) {
            return forms[i].writers;
        }
    }
    return (struct value_writers){value_text_writer(type), value_binary_writer(type), false};
}
