/* One value of each type, from text and from binary. */
#include "emit/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "subjects.h"

struct printing {
    value_writer *writer;
    const struct type *type;
    const char *data;
    size_t len;
    struct out out;
};

static void print(void *context, size_t count)
{
    struct printing *p = context;
    for (size_t i = 0; i < count; i++) {
        p->out.len = 0;
        value_write(p->writer, &p->out, p->type, p->data, (uint32_t)p->len);
    }
}

static void measure_form(const struct measure *m, const char *form, const struct sample *s,
                         struct printing *p)
{
    char name[64];
    snprintf(name, sizeof name, "value.%s_%s", s->name, form);
    measure(m, name, p->len, print, p);
    print(p, 1);
}

/* A sample whose two forms differ would measure something else than it says. */
static void expect_equal(const struct sample *s, const struct out *a, const struct out *b)
{
    if (a->len != b->len || memcmp(a->data, b->data, a->len) != 0) {
        fprintf(stderr, "value: the two forms of %s differ: %.*s and %.*s\n", s->name, (int)a->len,
                a->data, (int)b->len, b->data);
        exit(EXIT_FAILURE);
    }
}

static void measure_sample(const struct measure *m, const struct sample *s)
{
    struct printing text = {value_text_writer(&s->type), &s->type, s->text, strlen(s->text), {0}};
    struct printing binary = {.writer = value_binary_writer(&s->type), .type = &s->type};
    out_init(&text.out, 4096);
    measure_form(m, "text", s, &text);
    if (binary.writer) {
        binary.data = sample_binary(s, &binary.len);
        out_init(&binary.out, 4096);
        measure_form(m, "binary", s, &binary);
        expect_equal(s, &text.out, &binary.out);
        out_free(&binary.out);
    }
    out_free(&text.out);
}

void bench_value(const struct measure *m)
{
    for (const struct sample *s = sample_values; s->name; s++) {
        measure_sample(m, s);
    }
}
