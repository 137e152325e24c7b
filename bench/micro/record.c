/* Whole lines: rows of a chunk, and changes of the stream. */
#include <stdlib.h>

#include "emit/printer.h"
#include "sample.h"
#include "subjects.h"

static const struct frame frame = {.head =
                                       "{\"type\":\"RECORD\",\"record\":{\"namespace\":\"public\","
                                       "\"stream\":\"sample\",\"emitted_at\":",
                                   .neck = ",\"data\":",
                                   .tail = "}}\n"};

struct line {
    struct printer *printer;
    struct out tuple, out;
    struct event event;
    struct source source;
};

static bool drop(void *context, const char *data, size_t len)
{
    (void)context;
    (void)data;
    (void)len;
    return true;
}

static void print_rows(void *context, size_t count)
{
    struct line *l = context;
    for (size_t i = 0; i < count; i++) {
        print_row(&l->out, l->printer, (const uint8_t *)l->tuple.data, i, 0,
                  INT64_C(1700000000000));
    }
}

static void print_changes(void *context, size_t count)
{
    struct line *l = context;
    for (size_t i = 0; i < count; i++) {
        print_change(&l->out, l->printer, &l->event, &l->source, INT64_C(1700000000000));
    }
}

static void measure_row(const struct measure *m, const struct sample *row, bool airbyte,
                        const char *chunk, const char *insert)
{
    struct relation *relation = sample_relation(row);
    struct frame looking = frame;
    looking.airbyte = airbyte;
    struct line l = {.printer = printer_new(relation, &looking, "public", "sample")};
    source_begin(&l.source, &(struct txn){1234, UINT64_C(0x16b3748000), INT64_C(1700000000000000)},
                 UINT64_C(0x16b3700000));
    l.source.lsn = UINT64_C(0x16b3740000);
    out_init(&l.out, 256 * 1024);
    out_sink(&l.out, drop, NULL);
    out_init(&l.tuple, 1024);
    sample_copy_tuple(&l.tuple, row);
    measure(m, chunk, l.tuple.len, print_rows, &l);
    l.tuple.len = 0;
    sample_wal_tuple(&l.tuple, row);
    l.event.kind = EVENT_INSERT;
    l.event.new_tuple = (const uint8_t *)l.tuple.data;
    measure(m, insert, l.tuple.len, print_changes, &l);
    out_free(&l.tuple);
    out_free(&l.out);
    printer_free(&l.printer);
    relation_free(&relation);
}

void bench_record(const struct measure *m)
{
    measure_row(m, sample_narrow, false, "record.row_narrow", "record.change_narrow");
    measure_row(m, sample_wide, false, "record.row_wide", "record.change_wide");
    measure_row(m, sample_narrow, true, "record.airbyte_row_narrow",
                "record.airbyte_change_narrow");
    measure_row(m, sample_wide, true, "record.airbyte_row_wide", "record.airbyte_change_wide");
}
