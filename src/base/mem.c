/* malloc and related functions that never return NULL. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

void *mem_exhausted(size_t size)
{
    last_words("source-postgres: out of memory (%zu bytes)\n", size);
    _exit(1); /* may be any thread: no handler of exit() runs */
}

static void *checked(void *p, size_t size)
{
    return p ? p : mem_exhausted(size);
}

void *mem_alloc(size_t size)
{
    size = size ? size : 1;
    return checked(malloc(size), size);
}

void *mem_zero(size_t size)
{
    size = size ? size : 1;
    return checked(calloc(1, size), size);
}

void *mem_grow(void *old, size_t size)
{
    size = size ? size : 1;
    return checked(realloc(old, size), size);
}

char *mem_string(const char *s)
{
    return s ? mem_string_n(s, strlen(s)) : NULL;
}

char *mem_string_n(const char *s, size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (len) {
        memcpy(copy, s, len);
    }
    copy[len] = '\0';
    return copy;
}

char *mem_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return checked(len < 0 ? NULL : text, 0);
}

void *mem_grow_array(void *array, size_t *cap, size_t need, size_t size)
{
    size_t grown = *cap ? *cap : 8;
    if (need <= *cap) {
        return array;
    }
    while (grown < need) {
        grown *= 2;
    }
    *cap = grown;
    return mem_grow(array, grown * size);
}
