/* The Airbyte look: its values, its records, and the cursors that order them. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "bytes_out.h"
#include "emit/printer.h"
#include "printed.h"

static const char *airbyte_text(const struct type *type, const char *text)
{
    return printed(value_airbyte_writers(type).text, type, text, strlen(text));
}

static const char *airbyte_binary(const struct type *type, const char *hex)
{
    static char bytes[64];
    size_t len = 0;
    for (int n; sscanf(hex, " %2hhx%n", (unsigned char *)bytes + len, &n) == 1; hex += n) {
        len++;
    }
    return printed(value_airbyte_writers(type).binary, type, bytes, len);
}

#define expect_airbyte(type, ...)                                                                  \
    expect_goldens(airbyte_text, (type), (const struct golden[]){__VA_ARGS__, {NULL, NULL}})
#define expect_airbyte_binary(type, ...)                                                           \
    expect_goldens(airbyte_binary, (type), (const struct golden[]){__VA_ARGS__, {NULL, NULL}})

Test(airbyte, numbers_are_json_numbers)
{
    expect_airbyte(TYPE_OF(OID_NUMERIC), {"123.4560", "123.4560"}, {"-0.5", "-0.5"});
    expect_airbyte(TYPE_OF(OID_FLOAT8), {"1.5e+300", "1.5e+300"});
    expect_airbyte(TYPE_OF(OID_INT8), {"9223372036854775807", "9223372036854775807"});
    expect_airbyte_binary(TYPE_OF(OID_FLOAT8), {"3ff8000000000000", "1.5"});
    expect_airbyte_binary(TYPE_OF(OID_FLOAT4), {"3fc00000", "1.5"});
}

Test(airbyte, a_number_that_is_not_finite_is_lost)
{
    expect_airbyte(TYPE_OF(OID_NUMERIC), {"NaN", "null "}, {"-Infinity", "null "});
    expect_airbyte(TYPE_OF(OID_FLOAT4), {"Infinity", "null "});
    expect_airbyte_binary(TYPE_OF(OID_FLOAT8), {"7ff0000000000000", "null "},
                          {"7ff8000000000000", "null "}, {"00", "null "});
    expect_airbyte_binary(TYPE_OF(OID_FLOAT4), {"ff800000", "null "}, {"00", "null "});
}

Test(airbyte, a_timestamp_has_a_zone_where_its_type_has_one)
{
    expect_airbyte(TYPE_OF(OID_TIMESTAMPTZ),
                   {"2024-01-15 14:30:00.5+00", "\"2024-01-15T14:30:00.5Z\""});
    expect_airbyte(TYPE_OF(OID_TIMESTAMP), {"2024-01-15 14:30:00", "\"2024-01-15T14:30:00\""});
    expect_airbyte_binary(TYPE_OF(OID_TIMESTAMPTZ),
                          {"0000000000000001", "\"2000-01-01T00:00:00.000001Z\""});
    expect_airbyte_binary(TYPE_OF(OID_TIMESTAMP),
                          {"0000000000000001", "\"2000-01-01T00:00:00.000001\""});
}

Test(airbyte, a_time_that_rfc_3339_does_not_know_is_lost)
{
    expect_airbyte(TYPE_OF(OID_TIMESTAMPTZ), {"infinity", "null "},
                   {"10000-01-01 00:00:00+00", "null "}, {"0044-03-15 12:00:00+00 BC", "null "},
                   {"", "null "});
    expect_airbyte(TYPE_OF(OID_DATE), {"2024-01-15", "\"2024-01-15\""}, {"-infinity", "null "},
                   {"10000-01-01", "null "}, {"0044-03-15 BC", "null "});
    expect_airbyte_binary(TYPE_OF(OID_TIMESTAMPTZ), {"7fffffffffffffff", "null "},
                          {"8000000000000000", "null "});
    expect_airbyte_binary(TYPE_OF(OID_DATE), {"00000000", "\"2000-01-01\""}, {"7fffffff", "null "},
                          {"80000000", "null "});
}

Test(airbyte, a_time_of_day_has_no_zone_and_a_day_has_no_twenty_fourth_hour)
{
    expect_airbyte(TYPE_OF(OID_TIME), {"01:02:03.5", "\"01:02:03.5\""}, {"24:00:00", "null "},
                   {"1", "null "});
    expect_airbyte_binary(TYPE_OF(OID_TIME), {"0000000000000001", "\"00:00:00.000001\""},
                          {"000000141dd76000", "null "}, {"00", "null "});
    expect_airbyte(TYPE_OF(OID_TIMETZ), {"01:02:03+05", "\"01:02:03+05:00\""},
                   {"01:02:03-05:30", "\"01:02:03-05:30\""}, {"01:02:03+05:30:01", "null "},
                   {"24:00:00+00", "null "}, {"x", "null "});
    expect_airbyte_binary(TYPE_OF(OID_TIMETZ), {"0000000000000000 00000000", "\"00:00:00+00:00\""},
                          {"0000000000000000 00000001", "null "},
                          {"000000141dd76000 00000000", "null "});
}

Test(airbyte, json_is_its_text)
{
    expect_airbyte(TYPE_OF(OID_JSONB), {"{\"a\": 1}", "\"{\\\"a\\\": 1}\""}, {"null", "\"null\""});
    expect_airbyte(ARRAY_OF(TYPE_OF(OID_JSON)), {"{\"{\\\"a\\\":1 } \"}", "[\"{\\\"a\\\":1 } \"]"});
}

Test(airbyte, an_array_tells_of_lost_elements)
{
    expect_airbyte(ARRAY_OF(TYPE_OF(OID_FLOAT8)), {"{1,NaN,NULL}", "[1,null,null] "},
                   {"{1,NULL}", "[1,null]"}, {"{}", "[]"}, {"{", "null "});
    expect_airbyte(ARRAY_OF(TYPE_OF(OID_TIMESTAMPTZ)), {"{\"infinity\"}", "[null] "},
                   {"{{\"2024-01-15 14:30:00+00\"}}", "[[\"2024-01-15T14:30:00Z\"]]"});
    expect_airbyte(ARRAY_OF(TYPE_OF(OID_TEXT)), {"{\"a \",b}", "[\"a \",\"b\"]"});
}

Test(airbyte, both_forms_of_a_type_are_there_or_not_in_both_looks)
{
    for (uint32_t oid = 1; oid < 5000; oid++) {
        const struct type *type = TYPE_OF(oid);
        cr_assert_eq(!value_airbyte_writers(type).binary, !value_binary_writer(type), "%u", oid);
    }
}

static const struct type int4 = {.oid = OID_INT4}, float8 = {.oid = OID_FLOAT8},
                         text = {.oid = OID_TEXT};

/* t (id int4 key, f float8, note text) and a column of one of the look's own names */
static struct relation *table(void)
{
    static int key[] = {0};
    struct relation *r = relation_new(4);
    r->schema = mem_string("public");
    r->name = mem_string("t");
    r->columns[0] = (struct column){mem_string("id"), OID_INT4, -1, true, false, &int4, false};
    r->columns[1] = (struct column){mem_string("f"), OID_FLOAT8, -1, false, false, &float8, false};
    r->columns[2] = (struct column){mem_string("note"), OID_TEXT, -1, false, false, &text, false};
    r->columns[3] =
        (struct column){mem_string("_ab_cdc_lsn"), OID_TEXT, -1, false, false, &text, false};
    r->key = key;
    r->key_count = 1;
    return r;
}

static const struct txn txn = {7, 300, 1700000000123456};

#define CDC(lsn, at, deleted)                                                                      \
    "\"_ab_cdc_lsn\":" lsn ",\"_ab_cdc_updated_at\":\"" at "\",\"_ab_cdc_deleted_at\":" deleted
#define AT     "2023-11-14T22:13:20.123456Z"
#define NULLED "\"change\":\"NULLED\",\"reason\":\"SOURCE_SERIALIZATION_ERROR\"}"

static struct relation *relation;
static struct printer *printer;
static struct out out;

static void begin(const char *const *columns)
{
    struct frame frame = {.head = "{\"data\":", .tail = "}\n", .airbyte = true, .columns = columns};
    relation = table();
    printer = printer_new(relation, &frame, "public", "t");
    out_init(&out, 16);
}

static void end(void)
{
    out_free(&out);
    printer_free(&printer);
    relation->key = NULL;
    relation_free(&relation);
}

TestSuite(airbyte_record, .fini = end);

static const char *change(enum event_kind kind, const char *const *new, const char *const *old)
{
    struct out new_bytes, old_bytes;
    struct source source = {.cursor = 5};
    struct event e = {.kind = kind, .old_kind = old ? OLD_KEY : OLD_NONE, .lsn = 200};
    out_init(&new_bytes, 64);
    out_init(&old_bytes, 64);
    if (new) {
        put_tuple(&new_bytes, 4, new);
        e.new_tuple = (const uint8_t *)new_bytes.data;
    }
    if (old) {
        put_tuple(&old_bytes, 4, old);
        e.old_tuple = (const uint8_t *)old_bytes.data;
    }
    source_begin(&source, &txn, 100);
    print_change(&out, printer, &e, &source, 0);
    out_free(&new_bytes);
    out_free(&old_bytes);
    return out_text(&out);
}

#define VALUES(...)  ((const char *const[]){__VA_ARGS__})
#define COLUMNS(...) ((const char *const[]){__VA_ARGS__, NULL})

#define WITHOUT_META "id", "f", "_ab_cdc_lsn", "_ab_cdc_updated_at", "_ab_cdc_deleted_at"

Test(airbyte_record, of_a_change_has_the_cursor_and_the_times)
{
    begin(COLUMNS(WITHOUT_META));
    cr_expect_str_eq(change(EVENT_UPDATE, VALUES("1", "1.5", "x", "y"), NULL),
                     "{\"data\":{\"id\":1,\"f\":1.5," CDC("5", AT, "null") "}}\n", "%s", out.data);
}

Test(airbyte_record, of_a_delete_says_when)
{
    begin(COLUMNS(WITHOUT_META));
    cr_expect_str_eq(change(EVENT_DELETE, NULL, VALUES("1", NULL, NULL, NULL)),
                     "{\"data\":{\"id\":1," CDC("5", AT, "\"" AT "\"") "}}\n", "%s", out.data);
}

Test(airbyte_record, of_a_move_are_two_with_the_create_newer)
{
    begin(COLUMNS(WITHOUT_META));
    cr_expect_str_eq(
        change(EVENT_MOVE, VALUES("2", NULL, "x", "y"), VALUES("1", NULL, NULL, NULL)),
        "{\"data\":{\"id\":1," CDC("4", AT, "\"" AT "\"") "}}\n"
                                                          "{\"data\":{\"id\":2,\"f\":null," CDC(
                                                              "5", AT, "null") "}}\n",
        "%s", out.data);
}

Test(airbyte_record, says_behind_its_data_what_was_lost)
{
    begin(COLUMNS(WITHOUT_META));
    cr_expect_str_eq(
        change(EVENT_INSERT, VALUES("1", "NaN", "x", "y"), NULL),
        "{\"data\":{\"id\":1,\"f\":null," CDC("5", AT, "null") "},\"meta\":{\"changes\":"
                                                               "[{\"field\":\"f\"," NULLED "]}}\n",
        "%s", out.data);
}

Test(airbyte_record, has_meta_where_that_was_chosen)
{
    begin(COLUMNS("_meta", WITHOUT_META));
    cr_expect_str_eq(
        change(EVENT_UPDATE, VALUES("1", "NaN", "x", "y"), VALUES("1", NULL, NULL, NULL)),
        "{\"data\":{\"id\":1,\"f\":null," CDC(
            "5", AT,
            "null") ",\"_meta\":{\"op\":\"u\",\"source\":"
                    "{\"ts_ms\":1700000000123,\"schema\":\"public\",\"table\":\"t\",\"loc\":[100,0,"
                    "300],\"txid\":7}"
                    ",\"before\":{\"id\":1}}},\"meta\":{\"changes\":[{\"field\":\"f\"," NULLED
                    "]}}\n",
        "%s", out.data);
}

Test(airbyte_record, has_the_key_and_what_was_chosen)
{
    begin(COLUMNS("note", "_ab_cdc_lsn"));
    cr_expect_str_eq(change(EVENT_INSERT, VALUES("1", "NaN", "x", "y"), NULL),
                     "{\"data\":{\"id\":1,\"note\":\"x\",\"_ab_cdc_lsn\":5}}\n", "%s", out.data);
}

/* id 1, f, note "x", and a NULL */
#define ROW(f) (const uint8_t *)"\0\4\0\0\0\4\0\0\0\1\0\0\0\10" f "\0\0\0\1x\377\377\377\377"

Test(airbyte_record, of_a_row_has_the_cursor_of_its_release)
{
    begin(COLUMNS(WITHOUT_META));
    print_row(&out, printer, ROW("\x3f\xf8\0\0\0\0\0\0"), 0, 1, 0);
    out.len = 0;
    print_row(&out, printer, ROW("\x3f\xf8\0\0\0\0\0\0"), 1, 256, 1700000000123);
    print_row(&out, printer, ROW("\x7f\xf8\0\0\0\0\0\0"), 2, 256, 1700000000123);
    cr_expect_str_eq(out_text(&out),
                     "{\"data\":{\"id\":1,\"f\":1.5," CDC(
                         "256", "2023-11-14T22:13:20.123Z",
                         "null") "}}\n"
                                 "{\"data\":{\"id\":1,\"f\":null," CDC(
                                     "256", "2023-11-14T22:13:20.123Z",
                                     "null") "},\"meta\":{\"changes\":[{\"field\":\"f\"," NULLED
                                             "]}}\n",
                     "%s", out.data);
}

Test(airbyte_record, of_a_row_has_meta_where_that_was_chosen)
{
    begin(COLUMNS("_meta", "_ab_cdc_lsn"));
    print_row(&out, printer, ROW("\x3f\xf8\0\0\0\0\0\0"), 9, 256, 0);
    cr_expect_str_eq(
        out_text(&out),
        "{\"data\":{\"id\":1,\"_ab_cdc_lsn\":256,\"_meta\":{\"op\":\"c\",\"source\":{\"schema\":"
        "\"public\",\"snapshot\":true,\"table\":\"t\",\"loc\":[-1,9,0]}}}}\n",
        "%s", out.data);
}

Test(airbyte_record, of_a_patch_has_the_cursor_of_its_release)
{
    begin(COLUMNS(WITHOUT_META));
    struct out bytes;
    out_init(&bytes, 64);
    put_tuple(&bytes, 4, VALUES("1", "2", "x", "y"));
    struct patch patch = {.relation = relation, .tuple = (const uint8_t *)bytes.data, .txn = txn};
    print_patch(&out, printer, &patch, 512, 0);
    cr_expect_str_eq(out_text(&out), "{\"data\":{\"id\":1,\"f\":2," CDC("512", AT, "null") "}}\n",
                     "%s", out.data);
    out_free(&bytes);
}
