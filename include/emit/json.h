/*
 * The pieces of JSON that all printers here are made of: strings and integers.
 *
 * Bytes from 0x80 on pass as they are, so that UTF-8 stays UTF-8.
 */
#ifndef EMIT_JSON_H
#define EMIT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/out.h"

enum { JSON_INTEGER = 20 }; /* bytes that the longest integer takes: "-9223372036854775808" */

/*
 * Append `s` quoted and escaped. Any length streams through in bounded pieces. With `p`: behind
 * what is written up to there; returns the end, not committed (see out_room).
 */
char *json_quote(struct out *, char *p, const char *s, size_t len);
void json_quoted(struct out *, const char *s, size_t len);

/* The same without the quotes, for a string that is put together from parts. */
void json_escaped(struct out *, const char *s, size_t len);

/* Append bytes that are JSON already, of any length, in bounded pieces. With `p` as above. */
char *json_copy(struct out *, char *p, const char *s, size_t len);
void json_raw(struct out *, const char *s, size_t len);

/* Write decimal digits at `p`, which has room for JSON_INTEGER bytes; returns their end. No NUL. */
char *json_u64(char *p, uint64_t);
char *json_i64(char *p, int64_t);

#endif
