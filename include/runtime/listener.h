/* What else the main thread attends to while a capture runs: a platform that speaks, or a file that
 * is rewritten. */
#ifndef RUNTIME_LISTENER_H
#define RUNTIME_LISTENER_H

#include <stdbool.h>

#include "base/err.h"

struct listener {
    int fd;                                    /* -1: nothing more will come */
    bool (*take)(void *context, struct err *); /* fd is readable; false ends the capture */
    void (*step)(void *context);               /* called about once a second; or NULL */
    void *context;
};

#endif
