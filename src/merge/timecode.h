/* The order of dates and timestamps from their ISO text, as far as keys need it: not for printing.
 */
#ifndef MERGE_TIMECODE_H
#define MERGE_TIMECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timecode {
    int64_t days; /* from 2000-01-01; the infinities are INT64_MIN and INT64_MAX */
    int64_t us;   /* of that day */
};

/*
 * "2024-01-15", "2024-01-15 14:30:00.5", either with "+00" or " BC" behind it, "infinity",
 * "-infinity". All zones are UTC by our settings, so that (days, us) orders as the values do.
 */
bool timecode_parse(const char *text, size_t len, struct timecode *);

#endif
