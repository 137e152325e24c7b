/* The program as the host of a session of Flow's protocol. */
#include <signal.h>

#include "flow/session.h"
#include "program.h"

static bool write_response(void *context, const struct out *out, struct err *err)
{
    const struct program *p = context;
    return write_out(p, out, err);
}

static bool capture(void *context, const struct flow_request *open, struct codec codec,
                    struct listener *listener, struct err *err)
{
    struct program *p = context;
    struct progress progress = {0};
    struct work work = {open->config, open->catalog, &open->state, codec, listener};
    bool ok = (p->run = run_new(err)) && capture_run(p, &work, &progress, err);
    progress_clear(&progress);
    return ok;
}

bool flow_run(struct program *p, struct err *err)
{
    struct flow_host host = {p, p->log, p->signals, &p->acknowledged, write_response, capture};
    signal(SIGHUP, SIG_IGN); /* it has no catalog file */
    return flow_session(&host, err);
}
