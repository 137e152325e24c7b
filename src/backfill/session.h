/* A worker's session with the server. */
#ifndef BACKFILL_SESSION_H
#define BACKFILL_SESSION_H

#include "chunk_reader.h"
#include "runtime/log.h"

/* Open it, with that application_name, unless it is open and alive; what it waits for is logged. */
bool session_open(struct chunk_reader *, const char *name, struct log_wait *, struct err *);

#endif
