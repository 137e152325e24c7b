/* The command line: which command, with which files. */
#ifndef MAIN_COMMAND_LINE_H
#define MAIN_COMMAND_LINE_H

#include <stdbool.h>

#include "base/err.h"

enum command {
    COMMAND_FLOW, /* no arguments: Flow's protocol on stdin and stdout */
    COMMAND_SPEC,
    COMMAND_CHECK,
    COMMAND_DISCOVER,
    COMMAND_READ,
    COMMAND_HELP,
    COMMAND_VERSION,
};

struct command_line {
    enum command command;
    const char *config, *catalog, *state; /* paths, borrowed from argv; NULL: not given */
};

/* `--name=value` and `--name value` both work. ERR_CONFIG says what is wrong with it. */
bool command_line_parse(struct command_line *, int argc, char **argv, struct err *);

extern const char command_line_help[];

#endif
