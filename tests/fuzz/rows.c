/*
 * A chunk's rows: the frame checked, the row printed, its key taken.
 *
 * Input: the number of columns, for each a byte that chooses its type, then DataRows one
 * after another.
 */
#include "base/bytes.h"
#include "emit/value.h"
#include "record.h"
#include "row/tuple.h"
#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 16 };

static struct relation *read_shape(struct bytes *in)
{
    struct relation *relation = relation_new(bytes_u8(in) % COLUMNS);
    for (int i = 0; i < relation->column_count; i++) {
        char name[] = {(char)('a' + i), '\0'};
        relation->columns[i].name = strdup(name);
        relation->columns[i].type_oid = bytes_u8(in);
    }
    return relation;
}

/* In the forms that a worker would choose; the first columns are the key. */
static void expect_rows(struct bytes *in, struct relation *relation, struct printer *printer)
{
    struct key_description key[2] = {{.column = 0, .bytewise = true},
                                     {.column = 1, .bytewise = true}};
    struct table_description description = {
        .relation = relation,
        .key = key,
        .key_count = relation->column_count < 2 ? relation->column_count : 2,
    };
    struct table table = {.description = &description, .relation = relation};
    struct out out;
    out_init(&out, 256);
    const uint8_t *tuple;
    while (out.len < FUZZ_LINES && bytes_left(in) &&
           (tuple = tuple_check_row(in, relation->column_count))) {
        print_row(&out, printer, tuple, 1, 0, FUZZ_NOW_MS);
        struct key *end = table_row_key(&table, tuple);
        key_free(&end);
    }
    record_expect_lines(&out);
    out_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool airbyte = size % 2; /* both looks */
    struct bytes in = bytes_of(data, size);
    struct type arrays[COLUMNS];
    struct relation *relation = read_shape(&in);
    for (int i = 0; i < relation->column_count; i++) {
        struct column *column = &relation->columns[i];
        column->text =
            !value_prefers_binary(fuzz_type((unsigned char)column->type_oid, &arrays[i]));
    }
    struct printer *printer = record_printer(relation, arrays, airbyte);
    expect_rows(&in, relation, printer);
    printer_free(&printer);
    relation_free(&relation);
    return 0;
}
