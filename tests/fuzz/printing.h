/* Printing one value twice: into memory, and through a sink in pieces. Both must be the same JSON.
 */
#ifndef FUZZ_PRINTING_H
#define FUZZ_PRINTING_H

#include "base/out.h"
#include "emit/value.h"
#include "valid.h"

/* What is still expected to come through the sink. */
struct printing_rest {
    const char *p;
    size_t len;
};

static inline bool printing_compare(void *context, const char *data, size_t len)
{
    struct printing_rest *rest = context;
    if (len > rest->len || memcmp(rest->p, data, len) != 0) {
        abort();
    }
    rest->p += len;
    rest->len -= len;
    return true;
}

/* `lossy`: the writer may mark a value by a blank behind it. */
static inline void printing_expect_one(value_writer *writer, bool lossy, const struct type *type,
                                       const char *data, uint32_t len)
{
    struct out whole, pieces;
    out_init(&whole, 64);
    value_write(writer, &whole, type, data, len);
    size_t mark = lossy && whole.data[whole.len - 1] == ' ';
    valid_expect(whole.data, whole.len - mark);

    struct printing_rest rest = {whole.data, whole.len};
    out_init(&pieces, VALUE_PIECE);
    out_sink(&pieces, printing_compare, &rest);
    value_write(writer, &pieces, type, data, len);
    if (!out_flush(&pieces) || rest.len || pieces.cap != VALUE_PIECE) {
        abort();
    }
    out_free(&whole);
    out_free(&pieces);
}

/* In both looks. */
static inline void printing_expect_text(const struct type *type, const char *data, uint32_t len)
{
    struct value_writers airbyte = value_airbyte_writers(type);
    printing_expect_one(value_text_writer(type), false, type, data, len);
    printing_expect_one(airbyte.text, airbyte.lossy, type, data, len);
}

static inline void printing_expect_binary(const struct type *type, const char *data, uint32_t len)
{
    struct value_writers airbyte = value_airbyte_writers(type);
    printing_expect_one(value_binary_writer(type), false, type, data, len);
    printing_expect_one(airbyte.binary, airbyte.lossy, type, data, len);
}

#endif
