/*
 * Airbyte's protocol: the messages of its commands, and the codec of a read.
 *
 * The commands other than read append their one message, one line with its newline; the owner of
 * the output flushes it.
 */
#ifndef AIRBYTE_AIRBYTE_H
#define AIRBYTE_AIRBYTE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/out.h"
#include "config/catalog.h"
#include "config/config.h"
#include "engine/engine.h"

/* SPEC: the schema of the configuration, and what the connector can do. */
void airbyte_spec(struct out *);

/*
 * CONNECTION_STATUS: SUCCEEDED, or FAILED with all that a read would stumble upon, a line each. A
 * server that cannot be asked is an answer too; false is left for being stopped (ERR_STOPPED).
 */
bool airbyte_check(const struct config *, int stop_fd, struct out *, struct err *);

/* CONNECTION_STATUS FAILED, for what fails before there is a config. */
void airbyte_check_failed(struct out *, const char *message);

/* CATALOG: every table that can be captured. On failure it is cut off. */
bool airbyte_discover(const struct config *, int stop_fd, struct out *, struct err *);

/* Streams that are of no table are captured where both catalog and configuration have them: it is an
 * error if the catalog alone does, and a warning if the configuration alone does. */
bool airbyte_check_logical(const struct config *, const struct catalog *, struct log *,
                           struct err *);

/* The messages of a read. `progress` is the engine's: its estimates are sent at the beginning. */
struct airbyte_read;
struct airbyte_read *airbyte_read_new(const struct config *, const struct catalog *,
                                      const struct progress *);
void airbyte_read_free(struct airbyte_read **);

/*
 * A state that came back while the read runs: *lsn, up to which its records are stored. ERR_CONFIG
 * if it is not one that this read has written, or began with. Any one thread.
 */
struct state;
bool airbyte_read_stored(struct airbyte_read *, const struct state *, uint64_t *lsn, struct err *);
struct codec airbyte_codec(struct airbyte_read *);

/* A TRACE ERROR, and where the error names a stream, that stream's status INCOMPLETE. */
void airbyte_error(struct out *, const struct err *);

#endif
