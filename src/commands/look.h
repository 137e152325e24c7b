/* All that `status` shows, read from the server and from the state. */
#ifndef COMMANDS_LOOK_H
#define COMMANDS_LOOK_H

#include "commands/commands.h"
#include "pg/describe.h"
#include "pg/facts.h"
#include "pg/slot.h"

struct look {
    const struct request *request;
    struct facts facts;
    struct slot_reader reader;
    struct problems problems;
    struct problems remarks;          /* remarks that do not keep a capture from running */
    struct table_description *tables; /* of the catalog; NULL: they cannot be described */
};

bool look_read(struct pg *, const struct request *, struct look *, struct err *);
void look_clear(struct look *);

/* The state of a stream of the catalog; NULL: it has none. */
const struct stream_state *look_stream(const struct look *, int stream);

/* "backfill", "active", "ignored", or "" without a state. */
const char *look_mode(const struct stream_state *);

/* The server's estimate of the table's rows; -1: it has none. */
int64_t look_estimate(const struct look *, int stream);

void look_print(struct out *, const struct look *);
void look_write_json(struct out *, const struct look *);

#endif
