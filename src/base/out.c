/* The slow paths of the output buffer. */
#include "base/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

static void resize(struct out *out, size_t cap)
{
    out->data = mem_grow(out->data, cap);
    out->cap = out->allowed = cap;
}

void out_init(struct out *out, size_t cap)
{
    *out = (struct out){0};
    resize(out, cap ? cap : 64);
}

void out_sink(struct out *out, bool (*sink)(void *, const char *, size_t), void *context)
{
    out->sink = sink;
    out->context = context;
}

void out_free(struct out *out)
{
    free(out->data);
    *out = (struct out){0};
}

enum { KEEP_MOST = 16 << 20 }; /* bytes of room to keep; more was for one large value */

bool out_flush(struct out *out)
{
    if (!out->sink) {
        return true;
    }
    size_t len = out->held ? out->hold : out->len, rest = out->len - len;
    out->flushed += len;
    if (len && !out->failed) {
        out->failed = !out->sink(out->context, out->data, len);
    }
    memmove(out->data, out->data + len, rest);
    out->len = rest;
    out->hold = 0;
    if (!rest && out->cap > KEEP_MOST) {
        resize(out, KEEP_MOST);
    }
    return !out->failed;
}

char *out_make_room(struct out *out, size_t size)
{
    if (out->sink) {
        out_flush(out);
    }
    if (size > out->cap - out->len) {
        size_t cap = out->cap ? out->cap : 64;
        while (size > cap - out->len) {
            cap *= 2;
        }
        resize(out, cap);
    }
    return out_allow(out, out->data + out->len, size);
}

bool out_pass(struct out *out, const char *data, size_t len)
{
    CHECK(!out->held);
    if (!out->sink || len <= out->cap - out->len) {
        out_bytes(out, data, len);
        return !out->failed;
    }
    if (out_flush(out)) {
        out->failed = !out->sink(out->context, data, len);
    }
    out->flushed += len;
    return !out->failed;
}

void out_format(struct out *out, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(len >= 0);
    char *p = out_reserve(out, (size_t)len + 1);
    vsnprintf(p, (size_t)len + 1, format, again);
    va_end(again);
    out_commit(out, p + len);
}

const char *out_text(struct out *out)
{
    CHECK(!out->sink);
    *out_reserve(out, 1) = '\0';
    return out->data;
}
