/*
 * Printing by one printer, which writes as it goes, or by several. A batch that an oversized row
 * has made larger than the others is printed by one, which writes long lines in parts.
 */
#include "printing/printing.h"

#include <stdlib.h>

#include "base/crash.h"
#include "base/mem.h"
#include "runtime/team.h"

enum {
    PRINTERS_MOST = 8,
    AHEAD = 2,           /* slices per printer */
    TEXT_KEPT = 1 << 20, /* a larger buffer is freed after use */
    SHARED_MOST = 2 * BATCH_BYTES,
};

/* Some rows of a batch. */
struct slice {
    struct batch *batch;
    size_t from, to;
    uint64_t first, end; /* the n of its first row, and of the first one behind it */
    bool last;           /* of its batch */
};

struct printing {
    int printers;
    size_t slice_bytes;
    struct team *team; /* NULL: one printer prints all */

    /* The rows that several printers are printing. */
    const struct printing_rows *rows;
    struct printer *
        *by; /* by each printer: the first is the caller's, the others are copies of it */
    struct slice *slices;
    size_t slice_count, slice_cap;
    struct out *texts; /* of the next slices to be written: index is slice modulo `ahead` */
    size_t ahead;
};

int printing_printers(int cores, int workers)
{
    int most = cores < PRINTERS_MOST ? cores : PRINTERS_MOST, wanted = (workers + 1) / 2;
    return wanted < most ? wanted : most;
}

struct printing *printing_new(int printers, size_t slice_bytes, struct err *err)
{
    struct printing *p = mem_zero(sizeof *p);
    p->printers = printers;
    p->slice_bytes = slice_bytes;
    if (printers > 1) {
        p->ahead = AHEAD * (size_t)printers;
        p->texts = mem_zero(p->ahead * sizeof *p->texts);
        p->by = mem_zero((size_t)printers * sizeof(struct printer *));
        p->team = team_new(printers, "printer", err);
        if (!p->team) {
            printing_free(&p);
        }
    }
    return p;
}

void printing_free(struct printing **printing)
{
    struct printing *p = *printing;
    *printing = NULL;
    if (p) {
        team_free(&p->team);
        for (size_t i = 0; i < p->ahead; i++) {
            out_free(&p->texts[i]);
        }
        free(p->texts);
        free((void *)p->by);
        free(p->slices);
        free(p);
    }
}

static bool stopping(const struct printing_rows *rows)
{
    return rows->run && run_stopping(rows->run);
}

/* Printed by way of a local buffer: the buffers of other printers may be in the same cache line. */
static void print_slice(void *context, size_t piece, int member)
{
    const struct printing *p = context;
    const struct printing_rows *rows = p->rows;
    const struct slice *slice = &p->slices[piece];
    struct out text = p->texts[piece % p->ahead];
    uint64_t n = slice->first;
    if (!text.cap) {
        out_init(&text, p->slice_bytes);
    }
    for (size_t i = slice->from; i < slice->to && !stopping(rows); i++) {
        if (slice->batch->rows[i]) {
            print_row(&text, p->by[member], slice->batch->rows[i], n++, rows->cursor, rows->now_ms);
            crash_point("row-printed");
        }
    }
    p->texts[piece % p->ahead] = text;
}

/* After a stop the text may be incomplete: then it is not written. */
static bool write_slice(void *context, size_t piece)
{
    struct printing *p = context;
    struct slice *slice = &p->slices[piece];
    struct out *text = &p->texts[piece % p->ahead];
    bool ok = !stopping(p->rows) && out_pass(p->rows->out, text->data, text->len);
    text->len = 0;
    if (text->cap > TEXT_KEPT) {
        out_free(text);
    }
    if (ok && slice->last) {
        p->rows->home(p->rows->context, &slice->batch);
    }
    return ok;
}

static size_t rows_a_slice(const struct printing *p, const struct batch *batch)
{
    size_t bytes = batch->arena.bytes ? batch->arena.bytes : 1;
    size_t rows = batch->row_count * p->slice_bytes / bytes;
    return rows ? rows : 1;
}

/* At least one slice, which returns the batch to its pool. */
static uint64_t cut_batch(struct printing *p, struct batch *batch, uint64_t n)
{
    size_t step = rows_a_slice(p, batch), from = 0;
    do {
        size_t to = batch->row_count - from < step ? batch->row_count : from + step;
        struct slice slice = {batch, from, to, n, n, to == batch->row_count};
        for (; from < to; from++) {
            slice.end += batch->rows[from] != NULL;
        }
        p->slices = mem_grow_array(p->slices, &p->slice_cap, p->slice_count + 1, sizeof slice);
        p->slices[p->slice_count++] = slice;
        n = slice.end;
    } while (from < batch->row_count);
    return n;
}

/* Print the slices that were cut. Returns the n behind the last row that was written. */
static uint64_t print_slices(struct printing *p, const struct printing_rows *rows)
{
    const struct teamwork work = {p, p->slice_count, p->ahead, print_slice, write_slice};
    p->rows = rows;
    p->by[0] = rows->printer;
    for (int i = 1; i < p->printers; i++) {
        p->by[i] = printer_copy(rows->printer);
    }
    size_t written = team_work(p->team, &work);
    for (int i = 1; i < p->printers; i++) {
        printer_free(&p->by[i]);
    }
    for (size_t i = written; i < p->slice_count; i++) {
        p->texts[i % p->ahead].len = 0;
        if (p->slices[i].last) {
            rows->home(rows->context, &p->slices[i].batch);
        }
    }
    return written ? p->slices[written - 1].end : rows->first;
}

/* Returns the n behind the last row that was printed. */
static uint64_t print_alone(const struct printing_rows *rows, struct batch *batch)
{
    uint64_t n = rows->first;
    for (size_t i = 0; i < batch->row_count && !stopping(rows); i++) {
        if (batch->rows[i]) {
            print_row(rows->out, rows->printer, batch->rows[i], n++, rows->cursor, rows->now_ms);
            crash_point("row-printed");
        }
    }
    rows->home(rows->context, &batch);
    return n;
}

static bool is_shared(const struct printing *p, const struct batch *batch)
{
    return p->team && batch->arena.bytes <= SHARED_MOST;
}

/* Print the batches up to the first one that is not shared. Returns likewise. */
static uint64_t print_shared(struct printing *p, const struct printing_rows *rows,
                             struct batch **batches)
{
    struct batch *first = *batches;
    uint64_t n = rows->first;
    p->slice_count = 0;
    for (; *batches && is_shared(p, *batches); *batches = (*batches)->next) {
        n = cut_batch(p, *batches, n);
    }
    return p->slice_count > 1 ? print_slices(p, rows) : print_alone(rows, first);
}

uint64_t print_batches(struct printing *p, const struct printing_rows *rows, struct batch *batches)
{
    struct printing_rows left = *rows;
    while (batches) {
        struct batch *batch = batches;
        if (is_shared(p, batch)) {
            left.first = print_shared(p, &left, &batches);
        } else {
            batches = batch->next;
            left.first = print_alone(&left, batch);
        }
    }
    return left.first - rows->first;
}
