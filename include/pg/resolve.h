/* Addresses of a host name: looked up so that a stop is heard meanwhile. */
#ifndef PG_RESOLVE_H
#define PG_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { ADDRESSES = 16, ADDRESS_TEXT = 64 };

struct addresses {
    int count;
    char text[ADDRESSES][ADDRESS_TEXT]; /* numeric, as libpq's hostaddr has it */
};

/*
 * ERR_CONFIG where there is no such name, ERR_TRANSIENT where nobody says. What needs no look-up, an
 * address or the directory of a socket, has none: count 0.
 */
bool resolve(const char *host, int stop_fd, int64_t timeout_us, struct addresses *, struct err *);

#endif
