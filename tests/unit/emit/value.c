/* The choice of a writer, and what holds for all of them. */
#include "printed.h"

Test(value, binary_is_preferred_where_it_is_cheap)
{
    static const uint32_t cheap[] = {
        OID_BOOL,  OID_INT2, OID_INT4, OID_INT8,      OID_OID,         OID_FLOAT4, OID_FLOAT8,
        OID_BYTEA, OID_UUID, OID_DATE, OID_TIMESTAMP, OID_TIMESTAMPTZ, OID_TIME,   OID_TIMETZ,
    };
    for (size_t i = 0; i < sizeof cheap / sizeof *cheap; i++) {
        cr_expect(value_prefers_binary(TYPE_OF(cheap[i])), "%u", cheap[i]);
    }
}

Test(value, all_others_are_selected_as_text)
{
    static const uint32_t others[] = {OID_INTERVAL, OID_MONEY,  OID_INET,    OID_CIDR, OID_XML,
                                      OID_BIT,      OID_VARBIT, OID_CHAR,    OID_TEXT, OID_VARCHAR,
                                      OID_BPCHAR,   OID_NAME,   OID_NUMERIC, OID_JSON, OID_JSONB,
                                      600,          99999};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        cr_expect_not(value_prefers_binary(TYPE_OF(others[i])), "%u", others[i]);
    }
    cr_expect_not(value_prefers_binary(CLASS_OF(TYPE_ENUM, NULL)));
    cr_expect_not(value_prefers_binary(NAMED("citext")));
    cr_expect_not(value_prefers_binary(NAMED("hstore")));
    cr_expect_not(value_prefers_binary(NAMED("vector")));
    cr_expect_not(value_prefers_binary(NAMED("ltree")));
    for (enum type_class class = TYPE_ARRAY; class <= TYPE_COMPOSITE; class ++) {
        cr_expect_not(value_prefers_binary(CLASS_OF(class, TYPE_OF(OID_INT4))));
    }
}

Test(value, a_name_alone_makes_no_extension_type)
{
    struct type type = {.oid = 4000, .class = TYPE_SCALAR, .name = "hstore"};
    expect_texts(&type, {"\"a\"=>\"1\"", "\"\\\"a\\\"=>\\\"1\\\"\""});
    type = (struct type){.oid = 50000, .class = TYPE_COMPOSITE, .name = "vector"};
    expect_texts(&type, {"[1]", "\"[1]\""});
}

/* A sink that remembers how much came, and the sum of the bytes. */
struct tally {
    size_t bytes;
    uint64_t sum;
};

static bool count(void *context, const char *data, size_t len)
{
    struct tally *tally = context;
    tally->bytes += len;
    for (size_t i = 0; i < len; i++) {
        tally->sum += (unsigned char)data[i];
    }
    return true;
}

enum { LARGE = 3000001 };

static void expect_streams(value_writer *writer, const struct type *type, const char *data,
                           size_t len, size_t expected_len)
{
    struct tally tally = {0}, whole = {0};
    struct out out;
    out_init(&out, VALUE_PIECE);
    out_sink(&out, count, &tally);
    value_write(writer, &out, type, data, (uint32_t)len);
    out_flush(&out);
    cr_expect_eq(out.cap, VALUE_PIECE, "reserved %zu", out.cap);
    out_free(&out);
    const char *all = printed(writer, type, data, len);
    count(&whole, all, strlen(all));
    cr_expect_eq(tally.bytes, expected_len, "%zu", tally.bytes);
    cr_expect_eq(tally.bytes, whole.bytes);
    cr_expect_eq(tally.sum, whole.sum);
}

Test(value, large_values_stream_in_bounded_pieces)
{
    char *data = malloc(LARGE);
    memset(data, 'a', LARGE);
    expect_streams(value_text_writer(TYPE_OF(OID_TEXT)), NULL, data, LARGE, LARGE + 2);
    expect_streams(value_binary_writer(TYPE_OF(OID_BYTEA)), NULL, data, LARGE, 4000004 + 2);
    expect_streams(value_binary_writer(TYPE_OF(OID_UUID)), NULL, data, LARGE, LARGE + 2);
    memset(data, 1, LARGE);
    expect_streams(value_text_writer(TYPE_OF(OID_TEXT)), NULL, data, LARGE, 6 * LARGE + 2);
    memset(data, 0xff, LARGE);
    expect_streams(value_binary_writer(TYPE_OF(OID_UUID)), NULL, data, LARGE, 6 * LARGE + 2);
    memset(data, '1', LARGE);
    expect_streams(value_text_writer(TYPE_OF(OID_NUMERIC)), NULL, data, LARGE, LARGE + 2);
    expect_streams(value_text_writer(TYPE_OF(OID_JSON)), NULL, data, LARGE, LARGE);
    memcpy(data, "\\x", 2);
    expect_streams(value_text_writer(TYPE_OF(OID_BYTEA)), NULL, data, LARGE - 1, 2000000 + 2);
    data[0] = data[LARGE - 1] = '"';
    data[1] = '\n';
    expect_streams(value_text_writer(TYPE_OF(OID_JSON)), NULL, data, LARGE, LARGE + 5);
    free(data);
}

/* Whatever the bytes are, each writer must leave one JSON value: checked with the writer of json.
 */
static void expect_json(value_writer *writer, const struct type *type, const char *data, size_t len)
{
    char *json = strdup(printed(writer, type, data, len));
    cr_assert_str_eq(text_of(TYPE_OF(OID_JSON), json), json);
    free(json);
}

static size_t random_value(char *data)
{
    static const char alphabet[] = "{}[](),;:\"\\\"\\=>+-. 0123456789eENULnultrfaxTZBC/\n\x01\xff";
    size_t len = (size_t)rand() % 40;
    int kind = rand() % 3;
    for (size_t i = 0; i < len; i++) {
        data[i] = kind ? alphabet[(size_t)rand() % (sizeof alphabet - kind)] : (char)rand();
    }
    return len;
}

Test(value, every_built_in_type_escapes_what_it_prints)
{
    static const char *const texts[] = {"", "\"", "\\", "\n", "a\"b", "{\"}", "[\\"};
    enum { OIDS = 5000 };
    for (uint32_t oid = 1; oid < OIDS; oid++) {
        if (oid == OID_JSONB) {
            continue; /* copied as it is: the server has made this text itself */
        }
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            expect_json(value_text_writer(TYPE_OF(oid)), TYPE_OF(oid), texts[i], strlen(texts[i]));
        }
    }
}

Test(value, hostile_bytes_still_print_json)
{
    static const uint32_t oids[] = {
        OID_BOOL,  OID_INT2, OID_INT4,   OID_INT8,   OID_OID,     OID_FLOAT4,    OID_FLOAT8,
        OID_BYTEA, OID_CHAR, OID_NAME,   OID_JSON,   OID_DATE,    OID_TIMESTAMP, OID_TIME,
        OID_INET,  OID_UUID, OID_TIMETZ, OID_BPCHAR, OID_NUMERIC,
    };
    char data[40];
    srand(4);
    for (int i = 0; i < 300000; i++) {
        struct type scalar = {.oid = oids[(size_t)rand() % (sizeof oids / sizeof *oids)]};
        const struct type *others[] = {ARRAY_OF(&scalar), NAMED("hstore"), NAMED("vector"),
                                       CLASS_OF(TYPE_RANGE, TYPE_OF(OID_TIMESTAMP))};
        const struct type *other = others[rand() % 4];
        size_t len = random_value(data);
        expect_json(value_text_writer(&scalar), &scalar, data, len);
        expect_json(value_text_writer(other), other, data, len);
        if (value_prefers_binary(&scalar)) {
            expect_json(value_binary_writer(&scalar), &scalar, data, len);
        }
    }
}
