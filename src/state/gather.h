/* The contents of the messages of a state so far, and the check that they make one checkpoint. */
#ifndef STATE_GATHER_H
#define STATE_GATHER_H

#include "parts.h"
#include "state/state.h"

struct gathered_stream {
    struct stream_state state;
    struct shared_part shared; /* of a STREAM state */
    size_t order;
    bool absent; /* named, but without a state, or replaced by a later one */
};

struct gathered {
    struct shared_part shared;
    struct gathered_stream *streams;
    size_t count, cap;
    bool whole; /* the last GLOBAL or whole state is in `shared` and `streams` */
    bool alone; /* STREAM states are in `streams` */
};

/* A new stream at the end, named by *id, which moves. Valid until the next. */
struct gathered_stream *gathered_add(struct gathered *, char **id);

/* A state of the whole capture begins: forget the previous one. */
void gathered_restart(struct gathered *);

/* Drop what later messages replace and what is not captured, settle the shared part, and check that
 * it all fits together. */
bool gathered_check(struct gathered *, const struct captured_streams *, struct err *);

/* After gathered_check: hand it over. */
void gathered_move(struct gathered *, struct state *);
void gathered_clear(struct gathered *);

#endif
