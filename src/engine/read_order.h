/*
 * The two orders in which the rows of a table are read, as the roster and the plan of a start use
 * them: by the key (read_by_key.c), or in ctid order (read_by_ctid.c).
 */
#ifndef ENGINE_READ_ORDER_H
#define ENGINE_READ_ORDER_H

#include "roster.h"

struct read_order {
    enum terms_use use; /* what rows need of their table while they are read */
    bool has_base;      /* the backfill reads the rows that one snapshot sees: base.c */
    bool of_server;     /* a server that takes over cannot tell which rows were read */

    /* How many ranges to cut a table into: enough to keep the workers busy to the end; 1 if it is
     * small. `far`: the server is, so that a worker reads two in turn. */
    int (*ranges)(const struct config *, const struct table_description *, bool far);

    /* The key that rows are read by, for the state: owned, NULL-terminated; NULL: none. */
    char **(*key)(const struct table_description *);

    /* Whether a state has the same key. */
    bool (*same_key)(char *const *key_columns, const struct table_description *);

    /* Whether a backfill can continue from its state, if its terms are the same. `xmax`: the
     * server's next transaction id. */
    void (*judge)(uint64_t xmax, const struct stream_state *, struct terms_verdict *);

    /* Set what the merger needs besides the key. */
    void (*set_life)(struct member *);
};

const struct read_order *read_order_of(const struct table_description *);
extern const struct read_order read_by_key, read_by_ctid;

/* At the start: take the base snapshots, or read those of the states. */
bool read_by_ctid_take_bases(struct merger_thread *, struct err *);

/* The base snapshot cannot be imported any more. Whether transaction ids say which rows it saw. */
bool read_by_ctid_without_base(struct merger_thread *, struct member *);

/* Write the base snapshot into the state, if a later run could continue from it. */
void read_by_ctid_keep_base(struct member *);

#endif
