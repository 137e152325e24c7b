/* bytea to base64, from text and from binary: a hash, a small document, a picture. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "emit/value.h"
#include "subjects.h"

enum { ROOM = 128 * 1024 };

struct content {
    value_writer *writer;
    const char *data;
    size_t len;
    struct out out;
};

static const struct type bytea = {.oid = OID_BYTEA, .class = TYPE_SCALAR, .name = "bytea"};

static void print(void *context, size_t count)
{
    struct content *c = context;
    for (size_t i = 0; i < count; i++) {
        c->out.len = 0;
        value_write(c->writer, &c->out, &bytea, c->data, (uint32_t)c->len);
        measure_keep(c->out.data);
    }
}

static void measure_form(const struct measure *m, const char *form, size_t size,
                         value_writer *writer, const char *data, size_t len)
{
    char name[64];
    struct content c = {.writer = writer, .data = data, .len = len};
    snprintf(name, sizeof name, "bytea.%s_%zu", form, size);
    out_init(&c.out, ROOM);
    measure(m, name, len, print, &c);
    out_free(&c.out);
}

static void measure_size(const struct measure *m, size_t size)
{
    char *binary = mem_alloc(size), *text = mem_alloc(2 + 2 * size), *end = text;
    *end++ = '\\';
    *end++ = 'x';
    for (size_t i = 0; i < size; i++) {
        unsigned byte = (unsigned)(i * 2654435761U >> 13 & 0xff);
        binary[i] = (char)byte;
        *end++ = "0123456789abcdef"[byte >> 4];
        *end++ = "0123456789abcdef"[byte & 15];
    }
    measure_form(m, "text", size, value_text_writer(&bytea), text, 2 + 2 * size);
    measure_form(m, "binary", size, value_binary_writer(&bytea), binary, size);
    free(binary);
    free(text);
}

void bench_bytea(const struct measure *m)
{
    measure_size(m, 16);
    measure_size(m, 1024);
    measure_size(m, 65536);
}
