/*
 * Records of streams without a table: messages, and the bounds of transactions. Only the emitter's
 * thread uses it.
 */
#ifndef ENGINE_EXTRAS_H
#define ENGINE_EXTRAS_H

#include "emit/logical.h"
#include "engine/engine.h"

struct extras {
    const struct engine_config *config;
    struct relation *relations[LOGICAL_STREAMS];
    struct printer *printers[LOGICAL_STREAMS]; /* NULL: it is not captured */

    /* The current transaction, if transactions are captured. */
    bool begun;       /* its first record is out */
    uint64_t records; /* records of it, */
    uint64_t *counts; /* for each stream; the last is of messages */
    int *touched;     /* streams with a count */
    int touched_count;
};

void extras_init(struct extras *, const struct engine_config *);
void extras_clear(struct extras *);

/* extras_wants: whether the message is to be printed. extras_print_message: print it. */
bool extras_wants(const struct extras *, const struct event *message);
void extras_print_message(struct extras *, struct out *, const struct event *, struct source *,
                          int64_t now_ms);

/* Whether transactions are captured. Then extras_count() is called before records are printed, of a
 * stream or, with -1, of a message; it returns how many records it has printed itself. */
static inline bool extras_has_transactions(const struct extras *x)
{
    return x->printers[LOGICAL_TRANSACTIONS] != NULL;
}
int extras_count(struct extras *, struct out *, int stream, uint64_t records, struct source *,
                 int64_t now_ms);
int extras_commit(struct extras *, struct out *, uint64_t end_lsn, struct source *, int64_t now_ms);

#endif
