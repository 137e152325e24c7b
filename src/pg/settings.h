/* Settings that every session gets before its first query. */
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
 * Apply the settings to a new connection, and check them: ERR_CONFIG names what is in between if
 * the server does not have what was set. A pooler whose sessions are not ours alone is refused.
 */
bool pg_settle(struct pg *, struct err *);

#endif
