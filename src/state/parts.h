/* The two parts that every form of a state is made of: what all streams share, and one stream's
 * own. */
#ifndef STATE_PARTS_H
#define STATE_PARTS_H

#include "merge/checkpoint.h"
#include "json/json.h"

struct shared_part {
    struct capture_identity identity;
    uint64_t cursor; /* 0: not given */
    uint32_t *in_doubt;
    size_t in_doubt_count;
    uint64_t carry; /* 0: not given */
};

/* Read from an object that may hold more. On failure what is half read is the caller's to clear. */
bool shared_part_read(const struct json_at *, struct shared_part *, struct err *);
void shared_part_clear(struct shared_part *);

/* The first member of the identity that both have, with different values; NULL: none. */
const char *shared_part_differ(const struct shared_part *, const struct shared_part *);

/* A text, the caller's to free; left alone where there is none. */
bool text_read(const struct json_at *, char **text, struct err *);

/* An LSN; 0 where there is none. */
bool cursor_read(const struct json_at *, uint64_t *cursor, struct err *);

/* A cursor of a change; left alone where there is none. */
bool carry_read(const struct json_at *, uint64_t *carry, struct err *);

/* All but the id. The same on failure. */
bool stream_part_read(const struct json_at *, struct stream_state *, struct err *);

/* types.c: "types" of a stream; none where there is nothing. The same on failure. */
bool types_read(const struct json_at *, struct user_types *, struct err *);

extern const char *const stream_mode_names[3];

#endif
