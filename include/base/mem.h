/*
 * Memory that is there or the process is not: running out ends it with a line on stderr, which is
 * safe, because whatever was captured is proved by the last checkpoint written, not by what memory
 * held.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);           /* not cleared; free() it */
void *mem_zero(size_t size);            /* cleared */
void *mem_grow(void *old, size_t size); /* realloc */
char *mem_string(const char *s);        /* strdup; NULL stays NULL */
char *mem_string_n(const char *s, size_t len);
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What an allocator of another kind found: ends the process, as all that fails here does. */
void *mem_exhausted(size_t size) __attribute__((noreturn));

/* Double the capacity of an array until it holds `need` items of `size` bytes. */
void *mem_grow_array(void *array, size_t *cap, size_t need, size_t size);

#endif
