/*
 * Log sequence numbers: byte positions in the WAL, 0 meaning none. Their text is PostgreSQL's
 * pg_lsn, "16/B374D848": the high and low 32 bits in hexadecimal.
 */
#ifndef BASE_LSN_H
#define BASE_LSN_H

#include <stdbool.h>
#include <stdint.h>

enum { LSN_TEXT = 18 }; /* bytes that the longest text takes, NUL included */

struct lsn_text {
    char s[LSN_TEXT];
};

/* Returned by value, so that it can be used in place: lsn_format(x).s */
struct lsn_text lsn_format(uint64_t lsn);

/* Bytes of WAL from `from` to `to`; 0 where `from` is not before it. */
static inline uint64_t lsn_distance(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

/* False unless all of `text` is one LSN. */
bool lsn_parse(const char *text, uint64_t *lsn);

#endif
