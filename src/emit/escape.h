/*
 * Escaping for JSON strings: which bytes need it, and copying with it.
 *
 * A byte needs it below 0x20, and if it is a quote or a backslash. The fast paths look at 32 bytes
 * at a time; the portable ones, at 8, must give the same bytes and are public for the tests to
 * prove it.
 */
#ifndef EMIT_ESCAPE_H
#define EMIT_ESCAPE_H

#include <stddef.h>

/* What copying `n` bytes may write: each as \u00XX at worst, and whole blocks past the end. */
#define ESCAPE_ROOM(n) (6 * (size_t)(n) + 32)

/* Copy [s, end) escaped to `p`, which has ESCAPE_ROOM(end - s) bytes; returns the end of the text.
 */
char *escape_copy(char *p, const char *s, const char *end);
char *escape_copy_portable(char *p, const char *s, const char *end);

/* The first byte of [s, end) that needs an escape, or `end`. */
const char *escape_find(const char *s, const char *end);
const char *escape_find_portable(const char *s, const char *end);

/* Write \u00XX: 6 bytes. */
char *escape_unit(char *p, unsigned char c);

#endif
