/* Whether the capture is alive and moves, judged by what its threads reported last. */
#include "metrics/metrics.h"
#include "runtime/counter.h"

enum {
    BLOCKED_US = 60 * 1000 * 1000, /* a consumer that reads takes some 256 kB in milliseconds */
    SILENT_US = 90 * 1000 * 1000,  /* a server that is well answers each of our reports, at 10 s */
};

static bool is_older(int64_t since_us, int64_t now_us, int64_t most_us)
{
    return since_us && now_us - since_us > most_us;
}

enum health metrics_health(const struct progress *p, int64_t now_us)
{
    if (!shared_load(&p->ready)) {
        return HEALTH_STARTING;
    }
    if (is_older((int64_t)shared_load(&p->writing_since_us), now_us, BLOCKED_US)) {
        return HEALTH_BLOCKED; /* then the reader has to wait, too: it is not the server */
    }
    return is_older((int64_t)shared_load(&p->heard_us), now_us, SILENT_US) ? HEALTH_SILENT
                                                                           : HEALTH_MOVING;
}

const char *metrics_health_words(enum health health)
{
    switch (health) {
    case HEALTH_STARTING: return "starting";
    case HEALTH_MOVING: return "moving";
    case HEALTH_BLOCKED: return "blocked: nobody reads standard output, or the disk is slow";
    case HEALTH_SILENT: return "silent: the server says nothing, or cannot be reached";
    }
    return "";
}
