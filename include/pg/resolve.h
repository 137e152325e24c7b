/* Addresses of a host name, looked up so that a stop ends the wait. */
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
 * ERR_CONFIG if there is no such name, ERR_TRANSIENT if no name server answers. An address, or the
 * directory of a socket, needs no look-up: count 0.
 */
bool resolve(const char *host, int stop_fd, int64_t timeout_us, struct addresses *, struct err *);

#endif
