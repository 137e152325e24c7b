/*
 * The two orders in which the rows of a table are read, as the roster and the plan of a start see
 * them: by the key (read_by_key.c), or as they are stored (read_by_ctid.c).
 */
#ifndef ENGINE_READ_ORDER_H
#define ENGINE_READ_ORDER_H

#include "roster.h"

struct read_order {
    enum terms_use use; /* what rows need of their table while they are read */
    bool has_base;      /* its rows are those that one snapshot sees: see base.c */

    /* As many ranges as keep the workers busy to the end, of a table large enough to be worth it. */
    int (*ranges)(const struct config *, const struct table_description *);

    /* The key that rows are read by, for the state: owned, NULL-terminated; NULL: none. */
    char **(*key)(const struct table_description *);

    /* Whether that is the key that a state has. */
    bool (*same_key)(char *const *key_columns, const struct table_description *);

    /* Whether a backfill can go on from its state, if its terms are the same. `xmax`: the server's
     * next transaction id. */
    void (*judge)(uint64_t xmax, const struct stream_state *, struct terms_verdict *);

    /* What the merger is to know of it besides the key. */
    void (*set_life)(struct member *);
};

const struct read_order *read_order_of(const struct table_description *);
extern const struct read_order read_by_key, read_by_ctid;

/* At the start: take the snapshots that rows are read in, or those that the states hold. */
bool read_by_ctid_take_bases(struct engine *, struct err *);

/* The state tells a later run of the base, where it could go on from it. */
void read_by_ctid_keep_base(struct member *);

#endif
