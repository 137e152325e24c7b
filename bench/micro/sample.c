/* Values as PostgreSQL sends them, and the messages that they travel in. */
#include "sample.h"

#include <stdint.h>

#include "base/mem.h"

#define SCALAR(id, title)                                                                          \
    {                                                                                              \
        .oid = (id), .class = TYPE_SCALAR, .name = (title)                                         \
    }
#define BINARY(literal) (literal), sizeof(literal) - 1
#define SAME            NULL, 0
#define VALUE(id, title, ...)                                                                      \
    {                                                                                              \
        (title), SCALAR(id, title), __VA_ARGS__                                                    \
    }
#define COLUMN(name, id, ...)                                                                      \
    {                                                                                              \
        (name), SCALAR(id, NULL), __VA_ARGS__                                                      \
    }

#define STAMP_TEXT   "2024-01-15 14:30:00.123456"
#define STAMP_BINARY "\x00\x02\xb1\xfb\x9e\x0f\x2c\x40"
#define NUMERIC_TEXT "12345.6789"
#define UUID_TEXT    "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define UUID_BINARY  "\x0a\x1b\x2c\x3d\x4e\x5f\x60\x71\x82\x93\xa4\xb5\xc6\xd7\xe8\xf9"
#define FLOAT_TEXT   "1234.5678"
#define FLOAT_BINARY "\x40\x93\x4a\x45\x6d\x5c\xfa\xad"
#define JSON_TEXT                                                                                  \
    "{\"tags\": [\"web\", 7], \"name\": \"Ada \\\"L\\\"\", \"visits\": 129, \"open\": true}"

static const struct type int4_type = SCALAR(OID_INT4, "int4");

const struct sample sample_values[] = {
    VALUE(OID_BOOL, "bool", "t", BINARY("\1")),
    VALUE(OID_INT2, "int2", "12345", BINARY("\x30\x39")),
    VALUE(OID_INT4, "int4", "1234567890", BINARY("\x49\x96\x02\xd2")),
    VALUE(OID_INT8, "int8", "1234567890", BINARY("\0\0\0\0\x49\x96\x02\xd2")),
    VALUE(OID_FLOAT4, "float4", "1.5", BINARY("\x3f\xc0\0\0")),
    VALUE(OID_FLOAT8, "float8", FLOAT_TEXT, BINARY(FLOAT_BINARY)),
    VALUE(OID_NUMERIC, "numeric", NUMERIC_TEXT, SAME),
    VALUE(OID_TEXT, "text", "twenty characters ok", SAME),
    VALUE(OID_BYTEA, "bytea", "\\x000102030405060708090a0b0c0d0e0f",
          BINARY("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17")),
    VALUE(OID_UUID, "uuid", UUID_TEXT, BINARY(UUID_BINARY)),
    VALUE(OID_JSON, "json", JSON_TEXT, SAME),
    VALUE(OID_JSONB, "jsonb", JSON_TEXT, SAME),
    VALUE(OID_DATE, "date", "2024-01-15", BINARY("\0\0\x22\x4c")),
    VALUE(OID_TIME, "time", "14:30:00.123456", BINARY("\0\0\0\x0c\x27\x5e\xac\x40")),
    VALUE(OID_TIMESTAMP, "timestamp", STAMP_TEXT, BINARY(STAMP_BINARY)),
    VALUE(OID_TIMESTAMPTZ, "timestamptz", STAMP_TEXT "+00", BINARY(STAMP_BINARY)),
    VALUE(OID_INTERVAL, "interval", "P1Y2M3DT4H5M6.5S", SAME),
    VALUE(OID_INET, "inet", "192.168.1.1", SAME),
    {"int4[]",
     {.class = TYPE_ARRAY, .element = &int4_type, .delimiter = ','},
     "{1,2,3,NULL,500000}",
     SAME},
    {0},
};

const struct sample sample_narrow[] = {
    COLUMN("id", OID_INT8, "1234567890", BINARY("\0\0\0\0\x49\x96\x02\xd2")),
    COLUMN("number", OID_INT4, "12345", BINARY("\0\0\x30\x39")),
    COLUMN("label", OID_TEXT, "twenty characters ok", SAME),
    COLUMN("at", OID_TIMESTAMPTZ, STAMP_TEXT "+00", BINARY(STAMP_BINARY)),
    COLUMN("amount", OID_FLOAT8, FLOAT_TEXT, BINARY(FLOAT_BINARY)),
    {0},
};

const struct sample sample_wide[] = {
    COLUMN("id", OID_INT8, "1234567890", BINARY("\0\0\0\0\x49\x96\x02\xd2")),
    COLUMN("uid", OID_UUID, UUID_TEXT, BINARY(UUID_BINARY)),
    COLUMN("price", OID_NUMERIC, NUMERIC_TEXT, SAME),
    COLUMN("tax", OID_NUMERIC, NUMERIC_TEXT, SAME),
    COLUMN("title", OID_TEXT, "A title of some sixty characters, as people tend to write them",
           SAME),
    COLUMN(
        "body", OID_TEXT,
        "He said \"no\".\nThen, after a while, he said \"perhaps\", and looked out of the window, "
        "where it rained.\n\tIt had rained for days by then, and nobody thought much of it.\n"
        "The \"other\" of them went on reading, or pretended to; it was hard to tell, with the "
        "lamp behind.\nC:\\temp\\file.txt",
        SAME),
    COLUMN("at", OID_TIMESTAMPTZ, STAMP_TEXT "+00", BINARY(STAMP_BINARY)),
    COLUMN("day", OID_TIMESTAMP, STAMP_TEXT, BINARY(STAMP_BINARY)),
    COLUMN("profile", OID_JSONB, JSON_TEXT, SAME),
    COLUMN("done", OID_BOOL, "t", BINARY("\1")),
    COLUMN("note", OID_TEXT, NULL, SAME),
    {0},
};

const char *sample_binary(const struct sample *s, size_t *len)
{
    *len = s->binary ? s->binary_len : s->text ? strlen(s->text) : 0;
    return s->binary ? s->binary : s->text;
}

static int count_columns(const struct sample *row)
{
    int count = 0;
    while (row[count].name) {
        count++;
    }
    return count;
}

struct relation *sample_relation(const struct sample *row)
{
    struct relation *r = relation_new(count_columns(row));
    r->oid = 16384;
    r->schema = mem_string("public");
    r->name = mem_string("sample");
    r->identity = 'd';
    r->key = mem_zero(sizeof *r->key);
    r->key_count = 1;
    for (int i = 0; i < r->column_count; i++) {
        r->columns[i] = (struct column){.name = mem_string(row[i].name),
                                        .type_oid = row[i].type.oid,
                                        .typmod = -1,
                                        .identity = i == 0,
                                        .type = &row[i].type};
    }
    return r;
}

static void put(struct out *out, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        out_char(out, (char)(value >> 8 * i));
    }
}

static void put_string(struct out *out, const char *s)
{
    out_bytes(out, s, strlen(s) + 1);
}

static void put_sized(struct out *out, const char *data, size_t len)
{
    put(out, len, 4);
    out_bytes(out, data, len);
}

void sample_copy_tuple(struct out *out, const struct sample *row)
{
    put(out, (uint64_t)count_columns(row), 2);
    for (; row->name; row++) {
        size_t len;
        const char *data = sample_binary(row, &len);
        if (data) {
            put_sized(out, data, len);
        } else {
            put(out, UINT32_MAX, 4);
        }
    }
}

void sample_wal_tuple(struct out *out, const struct sample *row)
{
    put(out, (uint64_t)count_columns(row), 2);
    for (; row->name; row++) {
        out_char(out, row->text ? 't' : 'n');
        if (row->text) {
            put_sized(out, row->text, strlen(row->text));
        }
    }
}

void sample_relation_message(struct out *out, const struct relation *r)
{
    out_char(out, 'R');
    put(out, r->oid, 4);
    put_string(out, r->schema);
    put_string(out, r->name);
    out_char(out, r->identity);
    put(out, (uint64_t)r->column_count, 2);
    for (int i = 0; i < r->column_count; i++) {
        put(out, r->columns[i].identity, 1);
        put_string(out, r->columns[i].name);
        put(out, r->columns[i].type_oid, 4);
        put(out, UINT32_MAX, 4);
    }
}

static void put_change(struct out *out, char tag, const struct relation *r,
                       const struct sample *row)
{
    out_char(out, tag);
    put(out, r->oid, 4);
    out_char(out, 'N');
    sample_wal_tuple(out, row);
}

void sample_insert_message(struct out *out, const struct relation *r, const struct sample *row)
{
    put_change(out, 'I', r, row);
}

void sample_update_message(struct out *out, const struct relation *r, const struct sample *row)
{
    put_change(out, 'U', r, row);
}

void sample_begin_message(struct out *out)
{
    out_char(out, 'B');
    put(out, UINT64_C(0x16b3748), 8);
    put(out, 0, 8);
    put(out, 1234, 4);
}

void sample_commit_message(struct out *out)
{
    out_char(out, 'C');
    put(out, 0, 1);
    put(out, UINT64_C(0x16b3748), 8);
    put(out, UINT64_C(0x16b3780), 8);
    put(out, 0, 8);
}
