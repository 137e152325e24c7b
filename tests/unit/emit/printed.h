/*
 * Printing one value in a test. The bytes are put in a block of exactly their size, so that a
 * sanitizer sees a read past their end.
 */
#ifndef TEST_PRINTED_H
#define TEST_PRINTED_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/out.h"
#include "emit/value.h"

#define TYPE_OF(o) (&(struct type){.oid = (o), .class = TYPE_SCALAR})
#define NAMED(n)   (&(struct type){.oid = 50000, .class = TYPE_SCALAR, .name = (n)})
#define CLASS_OF(c, e)                                                                             \
    (&(struct type){.oid = 50001, .class = (c), .element = (e), .delimiter = ','})
#define ARRAY_OF(e) CLASS_OF(TYPE_ARRAY, (e))

/* What the writer printed; valid until the next call. */
static inline const char *printed(value_writer *writer, const struct type *type, const void *data,
                                  size_t len)
{
    static struct out out;
    char *exact = malloc(len ? len : 1);
    memcpy(exact, data, len);
    out_free(&out);
    out_init(&out, 0);
    value_write(writer, &out, type, exact, (uint32_t)len);
    free(exact);
    return out_text(&out);
}

static inline const char *text_of(const struct type *type, const char *text)
{
    return printed(value_text_writer(type), type, text, strlen(text));
}

/* `hex`: the binary form; blanks are skipped. */
static inline const char *binary_of(const struct type *type, const char *hex)
{
    static char bytes[8192];
    size_t len = 0;
    for (int n; sscanf(hex, " %2hhx%n", (unsigned char *)bytes + len, &n) == 1; hex += n) {
        len++;
    }
    return printed(value_binary_writer(type), type, bytes, len);
}

/* One golden line: a form, as text or in hexadecimal, and what it prints as. */
struct golden {
    const char *form, *json;
};

typedef const char *printer_of(const struct type *, const char *form);

/* `goldens` ends with one whose form is NULL. */
static inline void expect_goldens(printer_of *print, const struct type *type,
                                  const struct golden *goldens)
{
    for (; goldens->form; goldens++) {
        const char *json = print(type, goldens->form);
        cr_expect_str_eq(json, goldens->json, "%s gives %s", goldens->form, json);
    }
}

/* expect_texts(type, {form, json}, ...) */
#define expect_texts(type, ...)                                                                    \
    expect_goldens(text_of, (type), (const struct golden[]){__VA_ARGS__, {NULL, NULL}})
#define expect_binaries(type, ...)                                                                 \
    expect_goldens(binary_of, (type), (const struct golden[]){__VA_ARGS__, {NULL, NULL}})

#endif
