/* A printer for a fuzzed shape, and what holds for the lines that it prints. */
#ifndef FUZZ_RECORD_H
#define FUZZ_RECORD_H

#include "emit/printer.h"
#include "types.h"
#include "valid.h"

#define FUZZ_FRAME(look)                                                                           \
    &(struct frame)                                                                                \
    {                                                                                              \
        .head = "{\"type\":\"RECORD\",\"record\":{\"emitted_at\":", .neck = ",\"data\":",          \
        .tail = "}}\n", .tag = "a \"tag\"", .airbyte = (look)                                      \
    }

enum {
    FUZZ_NOW_MS = 1700000000,
    FUZZ_LINES = 1 << 20, /* bytes of output after which an input has shown enough */
};

/* Each column gets a type by its oid; arrays live in `arrays`, one a column. `airbyte`: the look. */
static inline struct printer *record_printer(struct relation *relation, struct type *arrays,
                                             bool airbyte)
{
    for (int i = 0; i < relation->column_count; i++) {
        struct column *column = &relation->columns[i];
        column->type = fuzz_type((unsigned char)column->type_oid, &arrays[i]);
    }
    return printer_new(relation, FUZZ_FRAME(airbyte), "public", "t");
}

/* Every line is one JSON object. Bytes that are no UTF-8 came so, and are not held against it. */
static inline void record_expect_lines(struct out *out)
{
    valid_mend(out->data, out->len);
    for (char *line = out->data, *end = out->data + out->len; line < end;) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline || *line != '{') {
            abort();
        }
        valid_expect(line, (size_t)(newline - line));
        line = newline + 1;
    }
}

#endif
