/*
 * A column's type, as far as it matters for reading and printing its values.
 *
 * Types are immutable once made, and live as long as the table of types (pg/types.h) that made
 * them: the whole capture. Domains do not appear: a column of a domain has the domain's base type.
 */
#ifndef ROW_TYPE_H
#define ROW_TYPE_H

#include <stdbool.h>
#include <stdint.h>

/* Object identifiers of built-in types, from PostgreSQL's pg_type.dat: fixed for all versions. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_CHAR = 18,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_JSON = 114,
    OID_XML = 142,
    OID_CIDR = 650,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_MACADDR8 = 774,
    OID_MONEY = 790,
    OID_MACADDR = 829,
    OID_INET = 869,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_INTERVAL = 1186,
    OID_TIMETZ = 1266,
    OID_BIT = 1560,
    OID_VARBIT = 1562,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802,
    OID_JSONPATH = 4072,
};

enum type_class {
    TYPE_SCALAR,
    TYPE_ENUM,
    TYPE_ARRAY,
    TYPE_RANGE,
    TYPE_MULTIRANGE,
    TYPE_COMPOSITE,
};

struct type {
    uint32_t oid;
    enum type_class class;
    const char *schema, *name; /* "pg_catalog", "int4"; extensions' types are known by name alone */
    const struct type *element; /* of an array or a (multi)range: what it is made of; else NULL */
    char delimiter;             /* of an array: between its elements, ',' nearly always */
};

#endif
