/* Batches of rows as lines. */
#include "printing/printing.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>

#include "base/mem.h"
#include "bytes_out.h"

static const struct type int4 = {.oid = OID_INT4, .schema = "pg_catalog", .name = "int4"};
static const struct frame plain = {.head = "", .tail = "\n"};

static struct relation *relation;
static struct printing_rows rows;
static struct out lines, expected;
static uint64_t next;
static unsigned home_count;

static void keep_home(void *context, struct batch **batch)
{
    cr_assert_eq(context, &home_count);
    cr_assert_eq((*batch)->producer, home_count, "batches go home in order");
    home_count++;
    batch_free(batch);
}

static void start(void)
{
    relation = relation_new(1);
    relation->schema = mem_string("public");
    relation->name = mem_string("t");
    relation->columns[0] =
        (struct column){mem_string("id"), OID_INT4, -1, true, true, &int4, false};
    out_init(&lines, 64);
    out_init(&expected, 64);
    rows = (struct printing_rows){
        .out = &lines, .first = 7, .home = keep_home, .context = &home_count};
    rows.printer = printer_new(relation, &plain, "public", "t");
    next = rows.first;
}

static void stop(void)
{
    printer_free(&rows.printer);
    relation_free(&relation);
    out_free(&lines);
    out_free(&expected);
}

TestSuite(printing, .init = start, .fini = stop);

/* `count` rows, whose ids are the numbers that they will have; every `gap`th was taken out. */
static struct batch *batch_of(unsigned producer, int count, int gap)
{
    struct batch *batch = batch_new(producer);
    batch_reset(batch, BATCH_ROWS);
    for (int i = 1; i <= count; i++) {
        struct out tuple;
        char id[24];
        if (gap && i % gap == 0) {
            batch_row(batch, NULL);
            continue;
        }
        snprintf(id, sizeof id, "%llu", (unsigned long long)next);
        out_init(&tuple, 64);
        put_int(&tuple, 1, 2);
        put_int(&tuple, strlen(id), 4);
        out_string(&tuple, id);
        batch_row(batch, arena_copy(&batch->arena, tuple.data, tuple.len));
        out_free(&tuple);
        out_format(&expected,
                   "{\"id\":%s,\"_meta\":{\"op\":\"c\",\"source\":{\"schema\":\"public\","
                   "\"snapshot\":true,\"table\":\"t\",\"loc\":[-1,%s,0]}}}\n",
                   id, id);
        next++;
    }
    return batch;
}

static struct batch *chain(struct batch *first, struct batch *second)
{
    first->next = second;
    return first;
}

static void print(int printers, size_t slice_bytes, struct batch *batches, uint64_t expect)
{
    struct err err;
    struct printing *printing = printing_new(printers, slice_bytes, &err);
    cr_assert_not_null(printing);
    cr_assert_eq(print_batches(printing, &rows, batches), expect);
    printing_free(&printing);
}

/* Batches of different lengths, one of them empty, one with a row that is larger than a batch
 * should be. */
static struct batch *some_batches(void)
{
    struct batch *batches[] = {batch_of(0, 1000, 3), batch_of(1, 0, 0),   batch_of(2, 5, 0),
                               batch_of(3, 70, 1),   batch_of(4, 400, 0), batch_of(5, 300, 7)};
    arena_alloc(&batches[4]->arena, 3 * BATCH_BYTES);
    for (int i = 0; i < 5; i++) {
        chain(batches[i], batches[i + 1]);
    }
    return batches[0];
}

ParameterizedTestParameters(printing, lines_come_out_in_the_order_of_the_rows)
{
    static int printers[] = {1, 2, 3, 8};
    return cr_make_param_array(int, printers, 4);
}

ParameterizedTest(int *printers, printing, lines_come_out_in_the_order_of_the_rows)
{
    static const size_t slices[] = {1, 40, 1000, SLICE_BYTES};
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) {
        struct batch *batches = some_batches();
        print(*printers, slices[i], batches, next - rows.first);
        cr_assert_str_eq(out_text(&lines), out_text(&expected));
        cr_assert_eq(home_count, 6);
        lines.len = expected.len = home_count = 0;
        next = rows.first;
    }
}

/* Notes that it was called for the record. */
static void close_record(char *record, size_t len)
{
    cr_assert_eq(record[0], '_');
    cr_assert_eq(record[len - 1], '\n');
    record[0] = '{';
}

Test(printing, each_printer_closes_its_records)
{
    struct frame framed = {.head = "_\"doc\":", .tail = "}\n", .close = close_record};
    printer_free(&rows.printer);
    rows.printer = printer_new(relation, &framed, "public", "t");
    struct batch *batches = some_batches();
    print(3, 100, batches, next - rows.first);
    size_t count = 0;
    for (const char *line = out_text(&lines); *line; line = strchr(line, '\n') + 1) {
        cr_assert(!strncmp(line, "{\"doc\":{\"id\":", 13));
        count++;
    }
    cr_assert_eq(count, next - rows.first);
}

Test(printing, after_a_stop_batches_only_go_home)
{
    for (int printers = 1; printers < 4; printers++) {
        struct err err;
        struct run *run = run_new(&err);
        rows.run = run;
        run_stop(run);
        print(printers, 40, some_batches(), 0);
        cr_assert_str_eq(out_text(&lines), "");
        cr_assert_eq(home_count, 6);
        home_count = 0;
        run_free(&run);
    }
}

/* Takes so many bytes, and then stops the run, or fails. */
struct ending {
    struct run *run;
    size_t left;
};

static bool take_until(void *context, const char *data, size_t len)
{
    struct ending *ending = context;
    if (len >= ending->left && !ending->run) {
        return false;
    }
    if (len >= ending->left) {
        run_stop(ending->run);
    }
    out_bytes(&lines, data, len);
    ending->left -= len < ending->left ? len : ending->left;
    return true;
}

Test(printing, a_stop_ends_it_with_a_whole_line)
{
    for (size_t bytes = 1; bytes < 50000; bytes += 7000) {
        struct err err;
        struct ending ending = {run_new(&err), bytes};
        struct out out;
        out_init(&out, 64);
        out_sink(&out, take_until, &ending);
        rows.out = &out;
        rows.run = ending.run;
        struct batch *batches = some_batches();
        struct printing *printing = printing_new(4, 100, &err);
        uint64_t printed = print_batches(printing, &rows, batches);
        cr_assert(out_flush(&out));
        cr_assert(printed > 0 && printed < next - rows.first);
        cr_assert(!strncmp(out_text(&lines), out_text(&expected), lines.len));
        cr_assert_eq(lines.data[lines.len - 1], '\n');
        for (size_t i = 0; i < lines.len; i++) {
            printed -= lines.data[i] == '\n';
        }
        cr_assert_eq(printed, 0, "as many lines as it says");
        cr_assert_eq(home_count, 6);
        printing_free(&printing);
        out_free(&out);
        run_free(&ending.run);
        lines.len = expected.len = home_count = 0;
        next = rows.first;
    }
}

Test(printing, a_sink_that_fails_ends_it)
{
    struct ending ending = {NULL, 20000};
    struct out out;
    out_init(&out, 64);
    out_sink(&out, take_until, &ending);
    rows.out = &out;
    struct err err;
    struct printing *printing = printing_new(4, 100, &err);
    print_batches(printing, &rows, some_batches());
    cr_assert(out.failed);
    cr_assert_eq(home_count, 6);
    cr_assert_lt(lines.len, 20000);
    cr_assert(!strncmp(out_text(&lines), out_text(&expected), lines.len));
    printing_free(&printing);
    out_free(&out);
}

Test(printing, one_printer_is_enough_for_two_workers)
{
    cr_assert_eq(printing_printers(64, 1), 1);
    cr_assert_eq(printing_printers(64, 2), 1);
    cr_assert_eq(printing_printers(64, 3), 2);
    cr_assert_eq(printing_printers(2, 8), 2);
    cr_assert_eq(printing_printers(1, 64), 1);
    cr_assert_eq(printing_printers(64, 64), 8);
}
