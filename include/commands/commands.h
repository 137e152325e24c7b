/* Commands for people: plain text, or JSON where that is asked for. */
#ifndef COMMANDS_COMMANDS_H
#define COMMANDS_COMMANDS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/out.h"
#include "config/catalog.h"
#include "config/config.h"
#include "pg/teardown.h"
#include "state/state.h"

/* The arguments of a command; NULL: not needed, or not given. */
struct request {
    const struct config *config;
    const struct catalog *catalog;
    const char *unlisted; /* status: why there is no catalog, if one was asked for */
    const struct state *state;
    const char *admin;    /* setup-sql: the user of the session; NULL: the configured user */
    const char *provider; /* setup-sql: see pg/setup.h */
    bool json;
    char *const *tables; /* backfill */
    int table_count;
    int stop_fd;
};

bool command_setup_sql(const struct request *, struct out *, struct err *);
bool command_status(const struct request *, struct out *, struct err *);
bool command_backfill(const struct request *, struct out *, struct err *);

/* What teardown would do, for people to read; *pg stays open for doing it. */
bool command_teardown_plan(const struct request *, struct pg **pg, struct teardown *, struct out *,
                           struct err *);

#endif
