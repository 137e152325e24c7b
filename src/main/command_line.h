/* The command line: which command, with which options. */
#ifndef MAIN_COMMAND_LINE_H
#define MAIN_COMMAND_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum command {
    COMMAND_FLOW, /* no arguments: Flow's protocol on stdin and stdout */
    COMMAND_SPEC,
    COMMAND_CHECK,
    COMMAND_DISCOVER,
    COMMAND_READ,
    COMMAND_SETUP_SQL,
    COMMAND_STATUS,
    COMMAND_BACKFILL,
    COMMAND_TEARDOWN,
    COMMAND_HELP,
    COMMAND_VERSION,
};

/* Strings are borrowed from argv; NULL: not given. */
struct command_line {
    enum command command;
    enum command about;                   /* of COMMAND_HELP; COMMAND_FLOW: of all */
    const char *config, *catalog, *state; /* paths */
    const char *all;                      /* pattern of tables, instead of a catalog */
    const char *admin, *provider;
    const char *metrics_listen, *metrics_file;
    const char *log_format; /* "plain" or "json" */
    char **tables;          /* of backfill */
    int table_count;
    const char *output; /* directory of files, instead of standard output */
    const char *rotate_mb, *rotate_seconds, *compress; /* of these; command_line_number() */
    bool json, yes, tail;
};

/* `--name=value` and `--name value` both work. ERR_CONFIG says what is wrong with it. Reorders argv. */
bool command_line_parse(struct command_line *, int argc, char **argv, struct err *);

/* The number that an option was given, which was checked; or `otherwise`. */
uint64_t command_line_number(const char *option, uint64_t otherwise);

/* What `--help` shows of a command, or of all. */
const char *command_line_help(enum command about);

#endif
