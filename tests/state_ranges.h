/* Ranges of a stream's state, as tests write them: "-4 4-" is up to 4, and from there on. */
#ifndef TESTS_STATE_RANGES_H
#define TESTS_STATE_RANGES_H

#include <string.h>

#include "base/mem.h"
#include "merge/checkpoint.h"
#include "row/key.h"

/* NULL: `len` is 0. The caller's to free. */
static inline struct key *state_range_key(const char *text, size_t len)
{
    struct key *key = len ? key_new(1) : NULL;
    if (key) {
        key_set(key, 0, text, len);
    }
    return key;
}

/* At most `room` of them. */
static inline void state_ranges_parse(struct stream_state *state, const char *p, size_t room)
{
    state->ranges = mem_zero(room * sizeof *state->ranges);
    for (; *p; p += *p == ' ') {
        struct range_state *range = &state->ranges[state->range_count++];
        size_t len = strcspn(p, "-");
        range->scanned = state_range_key(p, len);
        p += len + 1;
        len = strcspn(p, " ");
        range->until = state_range_key(p, len);
        p += len;
    }
}

#endif
