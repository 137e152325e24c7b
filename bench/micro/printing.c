/*
 * Printing alone: batches as the server's rows fill them, over and over, with no server, merger or
 * watermark, by one printer, two, and on up to the cores that there are. The batches hold more than the
 * cache does. Where the lines go to a pipe, another thread reads it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cores.h"
#include "printing/printing.h"
#include "sample.h"
#include "subjects.h"

enum { BATCHES = 16, OUTPUT_BYTES = 256 * 1024, PIPE_READ = 256 * 1024, PIPE_BYTES = 1 << 20 };

static const struct frame frame = {.head =
                                       "{\"type\":\"RECORD\",\"record\":{\"namespace\":\"public\","
                                       "\"stream\":\"sample\",\"emitted_at\":",
                                   .neck = ",\"data\":",
                                   .tail = "}}\n"};

struct recorded {
    struct batch *batches[BATCHES]; /* of the same rows, */
    size_t full;                    /* so many in each */
    struct printing *printing;
    struct printing_rows rows;
    struct out out;
    int pipe[2];
};

static bool drop(void *context, const char *data, size_t len)
{
    (void)context;
    measure_keep(data);
    (void)len;
    return true;
}

static bool write_pipe(void *context, const char *data, size_t len)
{
    const struct recorded *r = context;
    while (len) {
        ssize_t written = write(r->pipe[1], data, len);
        if (written < 0) {
            return false;
        }
        data += written;
        len -= (size_t)written;
    }
    return true;
}

static void read_pipe(void *context)
{
    static char piece[PIPE_READ];
    const struct recorded *r = context;
    while (read(r->pipe[0], piece, sizeof piece) > 0) {
        measure_keep(piece);
    }
}

static void keep(void *context, struct batch **batch)
{
    (void)context;
    *batch = NULL;
}

static void fill(struct batch *batch, const struct out *tuple)
{
    batch_reset(batch, BATCH_ROWS);
    while (batch_bytes(batch) < BATCH_BYTES) {
        batch_row(batch, arena_copy(&batch->arena, tuple->data, tuple->len));
    }
}

/* A chunk of up to all of them, of which the last is not full where the count ends in it. */
static void print_recorded(void *context, size_t count)
{
    struct recorded *r = context;
    while (count) {
        struct batch *chained = NULL;
        for (int i = 0; i < BATCHES && count; i++) {
            struct batch *batch = r->batches[i];
            batch->row_count = count < r->full ? count : r->full;
            count -= batch->row_count;
            batch->next = chained;
            chained = batch;
        }
        print_batches(r->printing, &r->rows, chained);
    }
    out_flush(&r->out);
}

static void give_up(const char *why)
{
    fprintf(stderr, "printing: %s\n", why);
    exit(EXIT_FAILURE);
}

static void measure_with(const struct measure *m, const char *name, size_t bytes,
                         struct recorded *r, bool (*sink)(void *, const char *, size_t))
{
    out_init(&r->out, OUTPUT_BYTES);
    out_sink(&r->out, sink, r);
    r->rows.out = &r->out;
    measure(m, name, bytes, print_recorded, r);
    out_free(&r->out);
}

static void measure_piped(const struct measure *m, const char *name, size_t bytes,
                          struct recorded *r)
{
    struct err err = {0};
    if (pipe(r->pipe)) {
        give_up("cannot make a pipe");
    }
    (void)fcntl(r->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
    struct thread *reader = thread_start("reader", read_pipe, r, &err);
    if (!reader) {
        give_up(err.message);
    }
    measure_with(m, name, bytes, r, write_pipe);
    close(r->pipe[1]);
    thread_join(&reader);
    close(r->pipe[0]);
}

static void measure_printers(const struct measure *m, const char *rows, size_t bytes, int printers,
                             struct recorded *r)
{
    struct err err = {0};
    char name[64];
    r->printing = printing_new(printers, SLICE_BYTES, &err);
    if (!r->printing) {
        give_up(err.message);
    }
    snprintf(name, sizeof name, "printing.%s_%d", rows, printers);
    measure_with(m, name, bytes, r, drop);
    snprintf(name, sizeof name, "printing.%s_%d_piped", rows, printers);
    measure_piped(m, name, bytes, r);
    printing_free(&r->printing);
}

static void measure_rows(const struct measure *m, const char *name, const struct sample *row)
{
    struct relation *relation = sample_relation(row);
    struct recorded r = {.rows = {.now_ms = INT64_C(1700000000000), .home = keep}};
    struct out tuple;
    out_init(&tuple, 1024);
    sample_copy_tuple(&tuple, row);
    r.rows.printer = printer_new(relation, &frame, "public", "sample");
    for (int i = 0; i < BATCHES; i++) {
        r.batches[i] = batch_new(0);
        fill(r.batches[i], &tuple);
    }
    r.full = r.batches[0]->row_count;
    for (int printers = 1; printers == 1 || printers <= cores_usable(); printers *= 2) {
        measure_printers(m, name, tuple.len, printers, &r);
    }
    for (int i = 0; i < BATCHES; i++) {
        batch_free(&r.batches[i]);
    }
    printer_free(&r.rows.printer);
    out_free(&tuple);
    relation_free(&relation);
}

void bench_printing(const struct measure *m)
{
    measure_rows(m, "narrow", sample_narrow);
    measure_rows(m, "wide", sample_wide);
}
