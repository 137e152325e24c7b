/* Creating the slot, which may have to wait for transactions older than itself. */
#ifndef PG_SLOT_CREATE_H
#define PG_SLOT_CREATE_H

#include "pg/prerequisites.h"

/* One line for the user, to nobody where there is no `line`. */
void notice(const struct notices *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A temporary one ends with the connection, over which alone it can be read. */
bool slot_create(struct pg *, const struct config *, bool temporary, int stop_fd,
                 const struct notices *, uint64_t *slot_lsn, struct err *);

#endif
