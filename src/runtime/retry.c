/* Pauses that double, and a limit. */
#include "runtime/retry.h"

#ifdef CRASH_POINTS
#include <stdlib.h>
#endif

enum {
    PAUSE_FIRST_US = 200 * 1000,
    PAUSE_MOST_US = 10 * 1000 * 1000,
    GIVE_UP_S = 5 * 60,
};

/* Builds with crash points take it from the environment, so that tests need not wait for
 * minutes. */
static int64_t give_up_us(void)
{
    int64_t seconds = GIVE_UP_S;
#ifdef CRASH_POINTS
    const char *given = getenv("GIVE_UP_S");
    seconds = given ? strtol(given, NULL, 10) : seconds;
#endif
    return seconds * 1000 * 1000;
}

void retry_succeeded(struct retry *retry, int64_t now_us)
{
    *retry = (struct retry){now_us, PAUSE_FIRST_US};
}

bool retry_again(struct retry *retry, const char *what, int64_t now_us, int64_t *pause_us,
                 struct err *err)
{
    if (err->kind != ERR_TRANSIENT) {
        return false;
    }
    if (now_us - retry->success_us > give_up_us()) {
        return err_prefix(err, "%s gave up after %d minutes of trying: ", what, GIVE_UP_S / 60);
    }
    *pause_us = retry->pause_us;
    retry->pause_us = *pause_us * 2 > PAUSE_MOST_US ? PAUSE_MOST_US : *pause_us * 2;
    return true;
}
