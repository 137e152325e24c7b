/* What every session is set to before it is asked anything. */
#ifndef PG_SETTINGS_H
#define PG_SETTINGS_H

#include "internal.h"

struct setting {
    const char *name, *value; /* as the server shows it */
    int since;                /* the first server version that has it; 0: all that are served */
};

extern const struct setting pg_settings[];
extern const int pg_setting_count;

/*
 * Set a new connection's session, and see that it is so: ERR_CONFIG names what is in between where
 * the server does not have what was set. A pooler whose sessions are not ours alone is refused.
 */
bool pg_settle(struct pg *, struct err *);

#endif
