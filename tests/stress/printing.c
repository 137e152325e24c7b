/*
 * Printers that share chunks of all sizes, by printers of relations that come and go: the lines
 * must be those of one printer, in order; and when the run is stopped meanwhile, the first of them,
 * as whole lines. Every batch must be returned, in order.
 */
#include "printing/printing.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { CHUNKS = 120, STOPPED_CHUNKS = 80, BATCHES = 6, ROWS = 900, SLICE = 2000 };

static const struct type text = {.oid = OID_TEXT, .schema = "pg_catalog", .name = "text"};

struct chunk_check {
    struct out lines, expected;
    unsigned home;
    unsigned seed;
};

static void check(bool fact, const char *what, unsigned chunk)
{
    if (!fact) {
        fprintf(stderr, "printing: %s in chunk %u\n", what, chunk);
        exit(1);
    }
}

static unsigned random_below(struct chunk_check *c, unsigned end)
{
    c->seed = c->seed * 1103515245u + 12345u;
    return (c->seed >> 16) % end;
}

static struct relation *table(void)
{
    struct relation *r = relation_new(1);
    r->schema = mem_string("public");
    r->name = mem_string("t");
    r->columns[0] = (struct column){
        .name = mem_string("v"), .type_oid = OID_TEXT, .typmod = -1, .text = true, .type = &text};
    return r;
}

static void add_row(struct chunk_check *c, struct batch *batch)
{
    uint32_t len = random_below(c, 60);
    uint8_t *tuple = arena_alloc(&batch->arena, 6 + len);
    memset(tuple, 0, 6);
    tuple[1] = 1;
    tuple[5] = (uint8_t)len;
    memset(tuple + 6, 'a' + (int)random_below(c, 26), len);
    batch_row(batch, random_below(c, 5) ? tuple : NULL);
}

static struct batch *make_batches(struct chunk_check *c)
{
    struct batch *first = NULL, **end = &first;
    unsigned count = 1 + random_below(c, BATCHES);
    for (unsigned b = 0; b < count; b++) {
        *end = batch_new(b);
        batch_reset(*end, BATCH_ROWS);
        for (unsigned rows = random_below(c, ROWS); rows; rows--) {
            add_row(c, *end);
        }
        end = &(*end)->next;
    }
    return first;
}

static void go_home(void *context, struct batch **batch)
{
    struct chunk_check *c = context;
    check((*batch)->producer == c->home++, "a batch went home out of order", c->seed);
    batch_free(batch);
}

static void stay(void *context, struct batch **batch)
{
    (void)context, (void)batch;
}

static uint64_t print(struct printing *printing, struct chunk_check *c, struct batch *batches,
                      struct out *out, const struct run *run, bool go)
{
    static const struct frame frame = {
        .head = "{\"at\":", .neck = ",\"data\":", .tail = "}\n", .airbyte = true};
    struct relation *relation = table();
    struct printing_rows rows = {.out = out,
                                 .printer = printer_new(relation, &frame, "public", "t"),
                                 .now_ms = 1700000000000 + c->seed % 1000,
                                 .cursor = c->seed,
                                 .run = run,
                                 .home = go ? go_home : stay,
                                 .context = c};
    uint64_t printed = print_batches(printing, &rows, batches);
    printer_free(&rows.printer);
    relation_free(&relation);
    return printed;
}

static void stop_soon(void *context)
{
    struct run *run = context;
    int64_t until_us = clock_monotonic_us() + 200;
    while (clock_monotonic_us() < until_us) {
    }
    run_stop(run);
}

static uint64_t count_lines(const struct out *out)
{
    uint64_t count = 0;
    for (size_t i = 0; i < out->len; i++) {
        count += out->data[i] == '\n';
    }
    return count;
}

static void print_one(struct printing *one, struct printing *several, unsigned number, bool stopped)
{
    struct err err = {0};
    struct chunk_check c = {.seed = number};
    struct run *run = run_new(&err);
    struct batch *batches = make_batches(&c);
    unsigned count = 0;
    out_init(&c.lines, 64);
    out_init(&c.expected, 64);
    for (const struct batch *batch = batches; batch; batch = batch->next) {
        count++;
    }
    uint64_t all = print(one, &c, batches, &c.expected, NULL, false);
    struct thread *stopper = stopped ? thread_start("stopper", stop_soon, run, &err) : NULL;
    uint64_t printed = print(several, &c, batches, &c.lines, run, true);
    thread_join(&stopper);
    check(printed == count_lines(&c.lines), "another number of lines than was told", number);
    check(stopped ? printed <= all : printed == all, "another number of rows", number);
    check(c.lines.len <= c.expected.len, "more than there is", number);
    check(!memcmp(c.lines.data, c.expected.data, c.lines.len), "other lines", number);
    check(!c.lines.len || c.lines.data[c.lines.len - 1] == '\n', "no whole line", number);
    check(c.home == count, "a batch did not go home", number);
    out_free(&c.lines);
    out_free(&c.expected);
    run_free(&run);
}

int main(void)
{
    struct err err = {0};
    struct printing *one = printing_new(1, SLICE, &err);
    for (int printers = 2; printers <= 4; printers += 2) {
        struct printing *several = printing_new(printers, SLICE, &err);
        check(one && several, err.message, 0);
        for (unsigned i = 1; i <= CHUNKS; i++) {
            print_one(one, several, i, false);
        }
        for (unsigned i = 1; i <= STOPPED_CHUNKS; i++) {
            print_one(one, several, i, true);
        }
        printing_free(&several);
    }
    printing_free(&one);
    puts("printing: all lines came out in order; every stop left a beginning of them");
    return 0;
}
