/* Types for a fuzzer to choose from by a byte: all that have a writer of their own, and their
 * arrays. Not jsonb: the server's text is copied as it comes. */
#ifndef FUZZ_TYPES_H
#define FUZZ_TYPES_H

#include "row/type.h"

static const struct type fuzz_scalars[] = {
    {.oid = OID_BOOL, .name = "bool"},
    {.oid = OID_INT2, .name = "int2"},
    {.oid = OID_INT4, .name = "int4"},
    {.oid = OID_INT8, .name = "int8"},
    {.oid = OID_OID, .name = "oid"},
    {.oid = OID_FLOAT4, .name = "float4"},
    {.oid = OID_FLOAT8, .name = "float8"},
    {.oid = OID_NUMERIC, .name = "numeric"},
    {.oid = OID_TEXT, .name = "text"},
    {.oid = OID_BPCHAR, .name = "bpchar"},
    {.oid = OID_NAME, .name = "name"},
    {.oid = OID_CHAR, .name = "char"},
    {.oid = OID_BYTEA, .name = "bytea"},
    {.oid = OID_UUID, .name = "uuid"},
    {.oid = OID_JSON, .name = "json"},
    {.oid = OID_DATE, .name = "date"},
    {.oid = OID_TIME, .name = "time"},
    {.oid = OID_TIMETZ, .name = "timetz"},
    {.oid = OID_TIMESTAMP, .name = "timestamp"},
    {.oid = OID_TIMESTAMPTZ, .name = "timestamptz"},
    {.oid = OID_INTERVAL, .name = "interval"},
    {.oid = OID_INET, .name = "inet"},
    {.oid = 50001, .name = "citext"},
    {.oid = 50002, .name = "hstore"},
    {.oid = 50003, .name = "vector"},
    {.oid = 50004, .class = TYPE_ENUM, .name = "mood"},
    {.oid = 50005, .class = TYPE_COMPOSITE, .name = "pair"},
    {.oid = 3926, .class = TYPE_RANGE, .element = &fuzz_scalars[3], .name = "int8range"},
    {.oid = 3908, .class = TYPE_RANGE, .element = &fuzz_scalars[18], .name = "tsrange"},
    {.oid = 4534, .class = TYPE_MULTIRANGE, .element = &fuzz_scalars[19], .name = "tstzmultirange"},
};

enum { FUZZ_SCALARS = sizeof fuzz_scalars / sizeof *fuzz_scalars };

/* Even bytes choose a type, odd ones its array, which is built in *array. */
static inline const struct type *fuzz_type(unsigned char choice, struct type *array)
{
    const struct type *type = &fuzz_scalars[choice / 2 % FUZZ_SCALARS];
    if (choice % 2 == 0) {
        return type;
    }
    *array = (struct type){.oid = 60000,
                           .class = TYPE_ARRAY,
                           .name = "_array",
                           .element = type,
                           .delimiter = choice >= 2 * FUZZ_SCALARS ? ';' : ','};
    return array;
}

#endif
