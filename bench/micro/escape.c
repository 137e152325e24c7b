/* Strings to JSON: plain ones, text with a quote here and there, and nothing but escapes. */
#include "escape.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "subjects.h"

struct text {
    char *source, *target;
    size_t len;
    char *(*copy)(char *, const char *, const char *);
};

static void escape(void *context, size_t count)
{
    struct text *t = context;
    for (size_t i = 0; i < count; i++) {
        measure_keep(t->copy(t->target, t->source, t->source + t->len));
    }
}

/* Every `step`th byte needs an escape; 0: none does. */
static void measure_text(const struct measure *m, const char *name, size_t len, size_t step,
                         char *(*copy)(char *, const char *, const char *))
{
    struct text t = {mem_alloc(len), mem_alloc(ESCAPE_ROOM(len)), len, copy};
    memset(t.source, 'x', len);
    for (size_t i = 0; step && i < len; i += step) {
        t.source[i] = i / step % 2 ? '\n' : '"';
    }
    measure(m, name, len, escape, &t);
    free(t.source);
    free(t.target);
}

void bench_escape(const struct measure *m)
{
    measure_text(m, "escape.plain_20", 20, 0, escape_copy);
    measure_text(m, "escape.plain_300", 300, 0, escape_copy);
    measure_text(m, "escape.plain_4096", 4096, 0, escape_copy);
    measure_text(m, "escape.one_in_50_of_300", 300, 50, escape_copy);
    measure_text(m, "escape.one_in_8_of_300", 300, 8, escape_copy);
    measure_text(m, "escape.all_of_300", 300, 1, escape_copy);
    measure_text(m, "escape.portable_plain_300", 300, 0, escape_copy_portable);
    measure_text(m, "escape.portable_one_in_50_of_300", 300, 50, escape_copy_portable);
}
