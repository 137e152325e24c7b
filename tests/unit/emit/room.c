/*
 * Nobody writes past the room that was asked for, wherever in the buffer the text begins: each value
 * and record is printed at every distance from the buffer's end, behind which marks stand.
 */
#include "base/mem.h"
#include "bytes_out.h"
#include "emit/printer.h"
#include "printed.h"

#define LONG                                                                                       \
    "[1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111" \
    "111111111111111111111111111]"

enum { CAP = 32 * 1024, NEAR = 1200, MARKS = 256, MARK = 0xA5 };

static bool swallow(void *context, const char *data, size_t len)
{
    (void)context, (void)data, (void)len;
    return true;
}

/* `distance` bytes before the end of CAP; what lies behind is ours, and nobody's to write. */
static struct out near_the_end(size_t distance)
{
    struct out out = {.data = mem_alloc(CAP + MARKS), .len = CAP - distance, .cap = CAP};
    memset(out.data + CAP, MARK, MARKS);
    out_sink(&out, swallow, NULL);
    return out;
}

static void expect_marks(struct out *out, size_t distance, const char *what)
{
    cr_assert_eq(out->cap, CAP);
    for (size_t i = 0; i < MARKS; i++) {
        cr_assert_eq((unsigned char)out->data[CAP + i], MARK, "%s, %zu before the end", what,
                     distance);
    }
    out_free(out);
}

static void expect_room(value_writer *writer, const struct type *type, const char *data, size_t len,
                        const char *what)
{
    for (size_t distance = 0; distance < NEAR; distance++) {
        struct out out = near_the_end(distance);
        value_write(writer, &out, type, data, (uint32_t)len);
        expect_marks(&out, distance, what);
    }
}

static void expect_text_room(const struct type *type, const char *text)
{
    expect_room(value_text_writer(type), type, text, strlen(text), text);
}

static void expect_binary_room(uint32_t oid, const char *data, size_t len)
{
    char what[32];
    snprintf(what, sizeof what, "type %u, %zu bytes", oid, len);
    expect_room(value_binary_writer(TYPE_OF(oid)), TYPE_OF(oid), data, len, what);
}

#define BINARY(oid, bytes) expect_binary_room((oid), bytes, sizeof(bytes) - 1)

Test(room, of_binary_values)
{
    BINARY(OID_BOOL, "\0");
    BINARY(OID_INT8, "\x80\0\0\0\0\0\0\0");
    BINARY(OID_FLOAT8, "\xbf\x06\x8d\xb8\xba\xc7\x10\xcb"); /* -4.3e-05 and 17 digits */
    BINARY(OID_FLOAT8, "\xff\xef\xff\xff\xff\xff\xff\xff");
    BINARY(OID_FLOAT8, "\xbf\x3f\x9a\x6b\x50\xb0\xf2\x7d"); /* -0.00048… */
    BINARY(OID_FLOAT4, "\xff\x7f\xff\xff");
    BINARY(OID_UUID, "0123456789abcdef");
    BINARY(OID_TIMESTAMPTZ, "\0\0\0\0\0\0\0\1");
    BINARY(OID_TIMETZ, "\0\0\0\0\0\0\0\1\0\0\0\1");
    BINARY(OID_DATE, "\0\0\0\1");
    BINARY(OID_BYTEA, "");
    for (size_t len = 48; len < 52; len++) { /* more than every writer has room for */
        expect_binary_room(OID_BYTEA, LONG, len);
    }
    BINARY(OID_INT4, "\xff\xff\xff\xff\xff\xff\xff\xff"); /* not one */
}

Test(room, of_texts)
{
    value_writer *bytea_writer = value_text_writer(TYPE_OF(OID_BYTEA));
    expect_text_room(TYPE_OF(OID_TIMESTAMPTZ), "2024-02-29 23:59:59.123456+00");
    expect_text_room(TYPE_OF(OID_TIMETZ), "23:59:59.123456+15:59:59");
    expect_text_room(TYPE_OF(OID_NUMERIC), "12345.6789");
    char hex[2 + 2 * 52 + 1] = "\\x";
    memset(hex + 2, '1', 2 * 52);
    for (size_t len = 2 + 2 * 48; len <= 2 + 2 * 51; len += 2) {
        expect_room(bytea_writer, TYPE_OF(OID_BYTEA), hex, len, "bytea");
    }
    expect_text_room(TYPE_OF(OID_INET), "1.2.3.4");
    expect_text_room(TYPE_OF(OID_INET), "::1");
    expect_text_room(TYPE_OF(OID_JSON), "{\"a\":\n[1,\"\\ud800\"]}");
    expect_text_room(ARRAY_OF(TYPE_OF(OID_TEXT)), "{a,NULL,\"b\\\"c\",{d}}");
    expect_text_room(CLASS_OF(TYPE_RANGE, TYPE_OF(OID_TIMESTAMP)), "[\"2024-02-29 23:59:59\",)");
    expect_text_room(CLASS_OF(TYPE_COMPOSITE, NULL), "(1,\xff)");
    expect_text_room(NAMED("hstore"), "\"a\"=>NULL, \"b\"=>\"c\"");
}

/* A writer that copies what it is given without asking for room is found here, whatever its type. */
Test(room, of_long_values_of_every_built_in_type)
{
    enum { OIDS = 5000 };
    for (uint32_t oid = 1; oid < OIDS; oid++) {
        struct out out = near_the_end(VALUE_ROOM);
        value_write(value_text_writer(TYPE_OF(oid)), &out, TYPE_OF(oid), LONG, sizeof LONG - 1);
        char what[32];
        snprintf(what, sizeof what, "type %u", oid);
        expect_marks(&out, VALUE_ROOM, what);
    }
}

/* One column whose name and value have any length; numbers as long as they can be. */
static struct relation *table(size_t name, const struct type *type)
{
    struct relation *r = relation_new(1);
    r->schema = mem_string("public");
    r->name = mem_string("t");
    r->columns[0] = (struct column){
        .name = mem_format("%.*s", (int)name, "abcdefghijklmnopqrstuvwxyzabcdefghij"),
        .type_oid = type->oid,
        .identity = true,
        .type = type};
    return r;
}

static void expect_record_room(struct printer *printer, const struct event *e, const uint8_t *row,
                               size_t distance)
{
    static const struct txn txn = {UINT32_MAX, UINT64_MAX, INT64_MIN};
    struct source source;
    source_begin(&source, &txn, UINT64_MAX);
    source.lsn = UINT64_MAX;
    struct out out = near_the_end(distance);
    print_row(&out, printer, row, UINT64_MAX, 0, 1700000000000);
    expect_marks(&out, distance, "row");
    out = near_the_end(distance);
    print_change(&out, printer, e, &source, 1700000000000);
    expect_marks(&out, distance, "change");
}

Test(room, of_records)
{
    static const char row[] = "\0\1\0\0\0\x10"
                              "0123456789abcdef",
                      no_row[] = "\0\1\xff\xff\xff\xff";
    static const char tuple[] = "\0\1t\0\0\0\x78" LONG, binary[] = "\0\1b\0\0\0\x10"
                                                                   "0123456789abcdef";
    for (size_t name = 1; name < 34; name++) {
        const struct type *type =
            TYPE_OF(name % 2 ? OID_JSON : OID_UUID); /* json is copied, into just its size */
        struct relation *relation = table(name, type);
        struct frame frame = {.head = "{\"h\":",
                              .neck = name % 2 ? "," : NULL,
                              .tail = &"}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}\n"[name],
                              .tag = name % 3 ? "tag" : NULL,
                              .airbyte = name % 5 < 2};
        struct printer *printer = printer_new(relation, &frame, "public", "t");
        struct event e = {
            .kind = EVENT_UPDATE, .old_kind = OLD_ROW, .relation = relation, .lsn = UINT64_MAX};
        e.new_tuple = (const uint8_t *)(name % 2 ? tuple : binary);
        e.old_tuple = (const uint8_t *)(name % 2 ? tuple : binary);
        for (size_t distance = 0; distance < NEAR; distance++) {
            expect_record_room(printer, &e, (const uint8_t *)(name % 3 ? row : no_row), distance);
        }
        printer_free(&printer);
        relation_free(&relation);
    }
}
