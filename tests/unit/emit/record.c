/* Rows and changes as whole lines. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "bytes_out.h"
#include "emit/printer.h"

static const struct type int4 = {.oid = OID_INT4, .schema = "pg_catalog", .name = "int4"};
static const struct type text = {.oid = OID_TEXT, .schema = "pg_catalog", .name = "text"};
static const struct frame plain = {.head = "{", .tail = "}\n"};

/* t (id int4 key, v text, w text) */
static struct relation *table(void)
{
    struct relation *r = relation_new(3);
    r->schema = mem_string("public");
    r->name = mem_string("t");
    r->columns[0] = (struct column){mem_string("id"), OID_INT4, -1, true, false, &int4, false};
    r->columns[1] = (struct column){mem_string("v"), OID_TEXT, -1, false, false, &text, false};
    r->columns[2] = (struct column){mem_string("w"), OID_TEXT, -1, false, false, &text, false};
    return r;
}

static const struct txn txn = {7, 300, 1700000000123456};

#define SOURCE                                                                                     \
    "\"source\":{\"ts_ms\":1700000000123,\"schema\":\"public\",\"table\":\"t\","                   \
    "\"loc\":[100,200,300],\"txid\":7}"

static const uint8_t *tuple(struct out *bytes, const char *id, const char *v, const char *w)
{
    out_init(bytes, 64);
    put_tuple(bytes, 3, (const char *[]){id, v, w});
    return (const uint8_t *)bytes->data;
}

/* Values are ids, texts, "\1" for unchanged, NULL for null; a NULL array is no tuple. */
struct print_case {
    enum event_kind kind;
    enum old_kind old_kind;
    const char *const *new, *const *old;
};

static void expect_change(const struct print_case *one, const char *lines, int records)
{
    struct relation *relation = table();
    struct printer *printer = printer_new(relation, &plain, "public", "t");
    struct out out, new = {0}, old = {0};
    struct event e = {.kind = one->kind, .old_kind = one->old_kind};
    e.relation = relation;
    e.new_tuple = one->new ? tuple(&new, one->new[0], one->new[1], one->new[2]) : NULL;
    e.old_tuple = one->old ? tuple(&old, one->old[0], one->old[1], one->old[2]) : NULL;
    struct source source;
    source_begin(&source, &txn, 100);
    source.lsn = 200;
    out_init(&out, 16);
    cr_expect_eq(print_change(&out, printer, &e, &source, 0), records);
    cr_expect_str_eq(out_text(&out), lines, "%s", out_text(&out));
    out_free(&out);
    out_free(&new);
    out_free(&old);
    printer_free(&printer);
    relation_free(&relation);
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__})

Test(record, of_an_insert_is_a_create_with_its_source)
{
    expect_change(&(struct print_case){EVENT_INSERT, OLD_NONE, VALUES("1", "a\"b", NULL), NULL},
                  "{{\"id\":1,\"v\":\"a\\\"b\",\"w\":null,\"_meta\":{\"op\":\"c\"," SOURCE "}}}\n",
                  1);
}

Test(record, of_a_truncate_has_no_row)
{
    expect_change(&(struct print_case){EVENT_TRUNCATE, OLD_NONE, NULL, NULL},
                  "{{\"_meta\":{\"op\":\"t\"," SOURCE "}}}\n", 1);
}

Test(record, of_an_update_lacks_an_unchanged_toast_value)
{
    expect_change(&(struct print_case){EVENT_UPDATE, OLD_NONE, VALUES("1", "\1", "c"), NULL},
                  "{{\"id\":1,\"w\":\"c\",\"_meta\":{\"op\":\"u\"," SOURCE "}}}\n", 1);
}

Test(record, of_an_update_has_the_old_row_and_from_it_what_is_unchanged)
{
    expect_change(&(struct print_case){EVENT_UPDATE, OLD_ROW, VALUES("1", "\1", "c"),
                                       VALUES("1", "big", "b")},
                  "{{\"id\":1,\"v\":\"big\",\"w\":\"c\",\"_meta\":{\"op\":\"u\"," SOURCE
                  ",\"before\":{\"id\":1,\"v\":\"big\",\"w\":\"b\"}}}}\n",
                  1);
}

Test(record, of_a_delete_has_the_columns_of_the_identity)
{
    expect_change(&(struct print_case){EVENT_DELETE, OLD_KEY, NULL, VALUES("1", NULL, NULL)},
                  "{{\"id\":1,\"_meta\":{\"op\":\"d\"," SOURCE "}}}\n", 1);
}

Test(record, of_a_delete_has_the_whole_row_where_that_is_the_identity)
{
    expect_change(&(struct print_case){EVENT_DELETE, OLD_ROW, NULL, VALUES("1", NULL, "w")},
                  "{{\"id\":1,\"v\":null,\"w\":\"w\",\"_meta\":{\"op\":\"d\"," SOURCE "}}}\n", 1);
}

Test(record, of_a_move_are_a_delete_and_a_create)
{
    expect_change(
        &(struct print_case){EVENT_MOVE, OLD_KEY, VALUES("2", "v", "w"), VALUES("1", NULL, NULL)},
        "{{\"id\":1,\"_meta\":{\"op\":\"d\"," SOURCE "}}}\n"
        "{{\"id\":2,\"v\":\"v\",\"w\":\"w\",\"_meta\":{\"op\":\"c\"," SOURCE "}}}\n",
        2);
}

Test(record, of_what_the_merger_took_is_none)
{
    expect_change(&(struct print_case){EVENT_SKIP, OLD_NONE, VALUES("1", "v", "w"), NULL}, "", 0);
}

static const uint8_t row_tuple[] = {0, 3, 0, 0,   0,    4,   0xff, 0xff, 0xff, 0xfe, 0,
                                    0, 0, 3, 'a', '\n', 'b', 0xff, 0xff, 0xff, 0xff};

static void expect_row(const struct frame *frame, int64_t now_ms, const char *line)
{
    struct relation *relation = table();
    struct printer *printer = printer_new(relation, frame, "public", "t");
    struct out out;
    out_init(&out, 16);
    print_row(&out, printer, row_tuple, 41, 0, 1);
    out.len = 0;
    print_row(&out, printer, row_tuple, 42, 0, now_ms); /* the stamp moves on */
    cr_expect_str_eq(out_text(&out), line, "%s", out_text(&out));
    out_free(&out);
    printer_free(&printer);
    relation_free(&relation);
}

#define ROW                                                                                        \
    "{\"id\":-2,\"v\":\"a\\nb\",\"w\":null,\"_meta\":{\"op\":\"c\",\"source\":{\"schema\":"        \
    "\"public\",\"snapshot\":true,\"table\":\"t\",\"loc\":[-1,42,0]"

Test(record, of_a_backfilled_row_has_its_number)
{
    expect_row(&plain, 0, "{" ROW "}}}}\n");
}

Test(record, stands_in_its_frame_with_the_time_and_the_tag)
{
    static const struct frame framed = {
        .head = "head ", .neck = " neck ", .tail = " tail\n", .tag = "ta\"g"};
    expect_row(&framed, 1700000000999,
               "head 1700000000999 neck " ROW ",\"tag\":\"ta\\\"g\"}}} tail\n");
}

Test(record, of_a_patch_is_a_create_with_the_changes_source)
{
    struct relation *relation = table();
    struct printer *printer = printer_new(relation, &plain, "public", "t");
    struct out out, bytes;
    struct patch patch = {.relation = relation,
                          .tuple = tuple(&bytes, "5", "v", NULL),
                          .txn = txn,
                          .lsn = 200,
                          .previous_commit = 100};
    out_init(&out, 16);
    print_patch(&out, printer, &patch, 0, 0);
    cr_expect_str_eq(out_text(&out),
                     "{{\"id\":5,\"v\":\"v\",\"w\":null,\"_meta\":{\"op\":\"c\"," SOURCE "}}}\n");
    out_free(&out);
    out_free(&bytes);
    printer_free(&printer);
    relation_free(&relation);
}
