/* Inside of the consumer: records (consumer.c), and states and tables (check.c). */
#ifndef SIM_CONSUMER_H
#define SIM_CONSUMER_H

#include "sim.h"

struct cJSON;

/* A record, read. */
struct read_record {
    int table, id;
    struct row row; /* w 0: not sent */
    char op;
    bool snapshot;
    uint64_t previous, lsn, final; /* "loc" */
    int64_t ts_ms;
    double cursor; /* in the Airbyte look */
    uint32_t xid;
};

void consumer_take_state(struct sim *, const struct cJSON *state, const char *line, size_t len);

#endif
