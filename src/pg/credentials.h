/* The password of a connection. */
#ifndef PG_CREDENTIALS_H
#define PG_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

/*
 * A new one, for a connection that is made now; free() it. NULL where there is none. ERR_CONFIG:
 * what the platform should have injected is missing.
 */
bool credentials_password(const struct config *, int64_t now_ms, char **password, struct err *);

/* The server refused the password: if it was a token, set the error that says what to do. Returns
 * false. */
bool credentials_refused(const struct config *, struct err *);

#endif
