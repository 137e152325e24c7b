/*
 * A session of Flow's protocol on standard input and output.
 *
 *   REQUESTS --open--> CAPTURE
 *
 * Until a capture is opened, requests are answered one after the other, and the end of the input is
 * the end. From then on only acknowledgements are expected, and the end of the input changes
 * nothing.
 */
#ifndef FLOW_SESSION_H
#define FLOW_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"
#include "runtime/listener.h"

/* The program that a session runs in. All is borrowed. */
struct flow_host {
    void *context;
    struct log *log;
    int stop_fd;            /* readable: the session ends with ERR_STOPPED */
    uint64_t *acknowledged; /* see engine_config */

    /* All of it to standard output; may end with ERR_STOPPED. */
    bool (*write)(void *context, const struct out *, struct err *);

    /* Capture what an open asked for until it is complete, stopped or failed, with the listener
     * served meanwhile. */
    bool (*capture)(void *context, const struct flow_request *open, struct codec, struct listener *,
                    struct err *);
};

/* Until the input or the capture ends. The environment says which form messages have
 * (FLOW_RUNTIME_CODEC), and whether a capture ends once it is caught up (SHUTDOWN_AFTER_POLLING). */
bool flow_session(const struct flow_host *, struct err *);

#endif
