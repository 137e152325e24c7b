/* Records of rows and changes, whole lines. */
#include "emit/printer.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct type int4 = {.oid = OID_INT4, .class = TYPE_SCALAR, .name = "int4"};
static const struct frame frame = {.head = "{\"data\":", .tail = "}\n"};

/* A table of int4 columns, the first of them its identity. */
static struct relation relation;
static struct column columns[3];
static struct printer *printer;
static struct out out;

static void compile(int count, const char *const *names)
{
    for (int i = 0; i < count; i++) {
        columns[i] = (struct column){.name = names[i], .identity = i == 0, .type = &int4};
    }
    relation = (struct relation){.columns = columns, .column_count = count};
    printer = printer_new(&relation, &frame, "public", "t");
    out_init(&out, 64);
}

static void drop(void)
{
    printer_free(&printer);
    out_free(&out);
}

TestSuite(printer, .fini = drop);

#define TUPLE(s) ((const uint8_t *)(s))
#define SOURCE                                                                                     \
    "\"source\":{\"ts_ms\":1,\"schema\":\"public\",\"table\":\"t\",\"loc\":[1,2,3],\"txid\":7}"

static const char *printed_change(enum event_kind kind, const char *new, char old_kind,
                                  const char *old)
{
    static const struct txn txn = {7, 3, 1000};
    struct event event = {.kind = kind, .old_kind = (enum old_kind)old_kind};
    struct source source;
    source_begin(&source, &txn, 1);
    source.lsn = 2;
    event.new_tuple = TUPLE(new);
    event.old_tuple = TUPLE(old);
    out.len = 0;
    print_change(&out, printer, &event, &source, 0);
    return out_text(&out);
}

Test(printer, prints_a_row_of_a_chunk)
{
    compile(2, (const char *[]){"id", "n"});
    print_row(&out, printer, TUPLE("\0\2\0\0\0\4\0\0\0\1\377\377\377\377"), 5, 0, 0);
    cr_assert_str_eq(
        out_text(&out),
        "{\"data\":{\"id\":1,\"n\":null,\"_meta\":{\"op\":\"c\",\"source\":{\"schema\":"
        "\"public\",\"snapshot\":true,\"table\":\"t\",\"loc\":[-1,5,0]}}}}\n");
}

Test(printer, prints_changes)
{
    compile(2, (const char *[]){"id", "n"});
    cr_expect_str_eq(printed_change(EVENT_INSERT, "\0\2t\0\0\0\0011n", 0, NULL),
                     "{\"data\":{\"id\":1,\"n\":null,\"_meta\":{\"op\":\"c\"," SOURCE "}}}\n");
    cr_expect_str_eq(printed_change(EVENT_UPDATE, "\0\2t\0\0\0\0011u", 0, NULL),
                     "{\"data\":{\"id\":1,\"_meta\":{\"op\":\"u\"," SOURCE "}}}\n");
    cr_expect_str_eq(printed_change(EVENT_DELETE, NULL, 'K', "\0\2t\0\0\0\0011n"),
                     "{\"data\":{\"id\":1,\"_meta\":{\"op\":\"d\"," SOURCE "}}}\n");
}

Test(printer, leaves_a_column_named_meta_out)
{
    compile(3, (const char *[]){"_meta", "id", "Meta"});
    print_row(&out, printer, TUPLE("\0\3\0\0\0\4\0\0\0\1\377\377\377\377\377\377\377\377"), 5, 0,
              0);
    cr_expect_eq(
        strncmp(out_text(&out), "{\"data\":{\"id\":null,\"Meta\":null,\"_meta\":{\"op\"", 44), 0,
        "%s", out_text(&out));
    static const char row[] = "\0\3t\0\0\0\0011nn";
    cr_expect_str_eq(printed_change(EVENT_UPDATE, row, 'O', row),
                     "{\"data\":{\"id\":null,\"Meta\":null,\"_meta\":{\"op\":\"u\"," SOURCE
                     ",\"before\":{\"id\":null,\"Meta\":null}}}}\n");
    cr_expect_str_eq(printed_change(EVENT_DELETE, NULL, 'O', row),
                     "{\"data\":{\"id\":null,\"Meta\":null,\"_meta\":{\"op\":\"d\"," SOURCE
                     "}}}\n");
}

static bool count_bytes(void *context, const char *data, size_t len)
{
    char *text = context;
    strncat(text, data, len);
    return true;
}

static void write_length(char *record, size_t len)
{
    record[0] = (char)('0' + len / 100);
    record[1] = (char)('0' + len / 10 % 10);
    record[2] = (char)('0' + len % 10);
}

/* Whatever the buffer has room for. */
Test(printer, a_frame_may_want_the_length_first)
{
    static char text[1000];
    static const struct frame counted = {
        .head = "000\0>", .head_len = 5, .close = write_length, .tail = ""};
    compile(2, (const char *[]){"id", "n"});
    printer_free(&printer);
    printer = printer_new(&relation, &counted, "public", "t");
    out_sink(&out, count_bytes, text);
    for (uint64_t i = 0; i < 5; i++) {
        print_row(&out, printer, TUPLE("\0\2\0\0\0\4\0\0\0\1\377\377\377\377"), i, 0, 0);
        cr_assert(out_flush(&out));
        cr_assert_eq(memcmp(text, "113", 4), 0, "%s", text); /* the head's NUL ends it */
        text[0] = '\0';
    }
}

static char cut_column[20];
static uint32_t cut_len;

static void remember_cut(void *context, int stream, const char *column, uint32_t len)
{
    (void)context, (void)stream;
    cr_assert_eq(cut_len, 0, "told twice");
    cut_len = len;
    strcpy(cut_column, column);
}

static void compile_limited(const struct type *type, bool text)
{
    static const struct frame limited = {
        .head = "", .tail = "\n", .value_limit = 4, .cut = remember_cut};
    columns[0] = (struct column){.name = "c", .type = type, .text = text};
    relation = (struct relation){.columns = columns, .column_count = 1};
    printer = printer_new(&relation, &limited, "public", "t");
    out_init(&out, 64);
    cut_len = 0;
}

static const char *printed_value(const char *tuple)
{
    out.len = 0;
    print_row(&out, printer, TUPLE(tuple), 0, 0, 0);
    char *end = strstr((char *)out_text(&out), ",\"_meta\"");
    *end = '\0';
    return out.data + strlen("{\"c\":");
}

Test(printer, long_text_is_cut_between_letters)
{
    static const struct type text = {.oid = OID_TEXT, .class = TYPE_SCALAR, .name = "text"};
    compile_limited(&text, true);
    cr_assert_str_eq(printed_value("\0\1\0\0\0\4abcd"), "\"abcd\"");
    cr_assert_eq(cut_len, 0);
    cr_assert_str_eq(printed_value("\0\1\0\0\0\5abcde"), "\"abcd\"");
    cr_assert_eq(cut_len, 5);
    cr_assert_str_eq(cut_column, "c");
    cr_assert_str_eq(printed_value("\0\1\0\0\0\6ab\xE2\x82\xAC!"), "\"ab\"");
}

Test(printer, long_bytea_is_cut_by_its_bytes_in_both_forms)
{
    static const struct type bytea = {.oid = OID_BYTEA, .class = TYPE_SCALAR, .name = "bytea"};
    compile_limited(&bytea, false);
    cr_assert_str_eq(printed_value("\0\1\0\0\0\5abcde"), "\"YWJjZA==\"");
    drop();
    compile_limited(&bytea, true);
    cr_assert_str_eq(printed_value("\0\1\0\0\0\12\\x61626364"), "\"YWJjZA==\"");
    cr_assert_eq(cut_len, 0);
    cr_assert_str_eq(printed_value("\0\1\0\0\0\14\\x6162636465"), "\"YWJjZA==\"");
    cr_assert_eq(cut_len, 5);
}

Test(printer, long_json_is_a_marker)
{
    static const struct type json = {.oid = OID_JSON, .class = TYPE_SCALAR, .name = "json"};
    compile_limited(&json, true);
    cr_assert_str_eq(printed_value("\0\1\0\0\0\4true"), "true");
    cr_assert_str_eq(printed_value("\0\1\0\0\0\5false"),
                     "{\"flow_truncated\":true,\"original_size\":5}");
}

Test(printer, other_types_are_never_cut)
{
    static const struct type numeric = {
        .oid = OID_NUMERIC, .class = TYPE_SCALAR, .name = "numeric"};
    compile_limited(&numeric, true);
    cr_assert_str_eq(printed_value("\0\1\0\0\0\0067.0000"), "\"7.0000\"");
}

Test(printer, a_key_is_never_cut)
{
    static const struct type text = {.oid = OID_TEXT, .class = TYPE_SCALAR, .name = "text"};
    static const struct frame limited = {
        .head = "", .tail = "\n", .value_limit = 4, .cut = remember_cut};
    compile_limited(&text, true);
    printer_free(&printer);
    columns[0].identity = true;
    printer = printer_new(&relation, &limited, "public", "t");
    cr_assert_str_eq(printed_value("\0\1\0\0\0\5abcde"), "\"abcde\"");
    printer_free(&printer);
    relation.identity = 'f';
    printer = printer_new(&relation, &limited, "public", "t");
    cr_assert_str_eq(printed_value("\0\1\0\0\0\5abcde"), "\"abcd\"");
    printer_free(&printer);
    relation.key = (int[]){0};
    relation.key_count = 1;
    printer = printer_new(&relation, &limited, "public", "t");
    cr_assert_str_eq(printed_value("\0\1\0\0\0\6abcdef"), "\"abcdef\"");
}
