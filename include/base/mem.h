/*
 * Allocation that never returns NULL: if memory runs out, the process ends with a line on stderr.
 * That is safe: a new process continues from the last checkpoint written.
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

/* For other allocators that ran out of memory: end the process as these functions do. */
void *mem_exhausted(size_t size) __attribute__((noreturn));

/* Double the capacity of an array until it holds `need` items of `size` bytes. */
void *mem_grow_array(void *array, size_t *cap, size_t need, size_t size);

#endif
