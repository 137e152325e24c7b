/*
 * The types that every server has, from PostgreSQL's pg_type.dat and pg_range.dat: these numbers
 * are fixed for all versions. Others are asked for. Multiranges are new in version 14.
 */
#ifndef PG_BUILTIN_H
#define PG_BUILTIN_H

#include <stdint.h>

#include "row/type.h"

enum { OID_BOX = 603 };

struct builtin_type {
    uint32_t oid, array_oid;
    const char *name;
};

struct builtin_range {
    struct builtin_type range, multirange;
    uint32_t subtype;
};

static const struct builtin_type builtin_types[] = {
    {OID_BOOL, 1000, "bool"},
    {OID_BYTEA, 1001, "bytea"},
    {OID_CHAR, 1002, "char"},
    {OID_NAME, 1003, "name"},
    {OID_INT8, 1016, "int8"},
    {OID_INT2, 1005, "int2"},
    {OID_INT4, 1007, "int4"},
    {OID_TEXT, 1009, "text"},
    {OID_OID, 1028, "oid"},
    {27, 1010, "tid"},
    {28, 1011, "xid"},
    {29, 1012, "cid"},
    {OID_JSON, 199, "json"},
    {OID_XML, 143, "xml"},
    {600, 1017, "point"},
    {601, 1018, "lseg"},
    {602, 1019, "path"},
    {OID_BOX, 1020, "box"},
    {604, 1027, "polygon"},
    {628, 629, "line"},
    {OID_CIDR, 651, "cidr"},
    {OID_FLOAT4, 1021, "float4"},
    {OID_FLOAT8, 1022, "float8"},
    {718, 719, "circle"},
    {OID_MACADDR8, 775, "macaddr8"},
    {OID_MONEY, 791, "money"},
    {OID_MACADDR, 1040, "macaddr"},
    {OID_INET, 1041, "inet"},
    {OID_BPCHAR, 1014, "bpchar"},
    {OID_VARCHAR, 1015, "varchar"},
    {OID_DATE, 1182, "date"},
    {OID_TIME, 1183, "time"},
    {OID_TIMESTAMP, 1115, "timestamp"},
    {OID_TIMESTAMPTZ, 1185, "timestamptz"},
    {OID_INTERVAL, 1187, "interval"},
    {OID_TIMETZ, 1270, "timetz"},
    {OID_BIT, 1561, "bit"},
    {OID_VARBIT, 1563, "varbit"},
    {OID_NUMERIC, 1231, "numeric"},
    {OID_UUID, 2951, "uuid"},
    {2970, 2949, "txid_snapshot"},
    {3220, 3221, "pg_lsn"},
    {3614, 3643, "tsvector"},
    {3615, 3645, "tsquery"},
    {OID_JSONB, 3807, "jsonb"},
    {OID_JSONPATH, 4073, "jsonpath"},
    {5038, 5039, "pg_snapshot"},
    {5069, 271, "xid8"},
};

static const struct builtin_range builtin_ranges[] = {
    {{3904, 3905, "int4range"}, {4451, 6150, "int4multirange"}, OID_INT4},
    {{3906, 3907, "numrange"}, {4532, 6151, "nummultirange"}, OID_NUMERIC},
    {{3908, 3909, "tsrange"}, {4533, 6152, "tsmultirange"}, OID_TIMESTAMP},
    {{3910, 3911, "tstzrange"}, {4534, 6153, "tstzmultirange"}, OID_TIMESTAMPTZ},
    {{3912, 3913, "daterange"}, {4535, 6155, "datemultirange"}, OID_DATE},
    {{3926, 3927, "int8range"}, {4536, 6157, "int8multirange"}, OID_INT8},
};

#endif
