/* Parsing arguments. */
#include "command_line.h"

#include <string.h>

const char command_line_help[] =
    "source-postgres captures rows and changes of PostgreSQL tables as JSON lines.\n"
    "\n"
    "  source-postgres spec                          describe the configuration\n"
    "  source-postgres check    --config FILE        test the connection and what a capture needs\n"
    "  source-postgres discover --config FILE        list the tables that can be captured\n"
    "  source-postgres read     --config FILE --catalog FILE [--state FILE]\n"
    "                                                capture the catalog's tables\n"
    "  source-postgres                               speak Flow's capture protocol on stdin and "
    "stdout\n"
    "\n"
    "  --config FILE    endpoint configuration, JSON\n"
    "  --catalog FILE   Airbyte ConfiguredAirbyteCatalog\n"
    "  --state FILE     state of an earlier read, to continue from\n"
    "                   (one of the files can be -, which is standard input)\n"
    "  --help, --version\n"
    "\n"
    "Messages go to stdout, one JSON object a line; logs go to stderr. LOG_LEVEL in the "
    "environment\n"
    "(error, warn, info, debug) sets how much is logged.\n";

static const struct {
    const char *name;
    enum command command;
    bool config, catalog; /* needed */
} commands[] = {
    {"spec", COMMAND_SPEC, false, false},
    {"check", COMMAND_CHECK, true, false},
    {"discover", COMMAND_DISCOVER, true, false},
    {"read", COMMAND_READ, true, true},
};

/* Whether argv[*i] is the option; if so, its value, which may be the next argument. */
static bool take_option(const char *name, int argc, char **argv, int *i, const char **value,
                        struct err *err)
{
    size_t len = strlen(name);
    const char *arg = argv[*i];
    if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, name, len) != 0) {
        return false;
    }
    if (arg[2 + len] == '=') {
        *value = arg + 3 + len;
        return true;
    }
    if (arg[2 + len]) {
        return false;
    }
    if (*i + 1 < argc) {
        *value = argv[++*i];
        return true;
    }
    err_set(err, ERR_CONFIG, "--%s needs a file", name);
    return true;
}

static bool is_command(const char *arg, enum command *command)
{
    for (size_t k = 0; k < sizeof commands / sizeof commands[0]; k++) {
        if (!strcmp(arg, commands[k].name)) {
            *command = commands[k].command;
            return true;
        }
    }
    return false;
}

/* --help and --version win over a command, wherever they stand. */
static bool take_command(struct command_line *c, const char *arg, bool *named, struct err *err)
{
    enum command command;
    if (!is_command(arg, &command)) {
        return err_set(err, ERR_CONFIG,
                       "\"%s\" is no command and no option: the commands are spec, check, "
                       "discover and read; see --help",
                       arg);
    }
    if (!*named) {
        c->command = command;
        return *named = true;
    }
    return c->command == COMMAND_HELP || c->command == COMMAND_VERSION ||
           err_set(err, ERR_CONFIG,
                   "one command only may be given, and \"%s\" comes after another; see --help",
                   arg);
}

static bool parse_argument(struct command_line *c, int argc, char **argv, int *i, bool *named,
                           struct err *err)
{
    const char *arg = argv[*i];
    err->kind = ERR_NONE;
    if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
        c->command = COMMAND_HELP;
        return *named = true;
    }
    if (!strcmp(arg, "--version")) {
        c->command = COMMAND_VERSION;
        return *named = true;
    }
    if (take_option("config", argc, argv, i, &c->config, err) ||
        take_option("catalog", argc, argv, i, &c->catalog, err) ||
        take_option("state", argc, argv, i, &c->state, err)) {
        return err->kind == ERR_NONE;
    }
    return take_command(c, arg, named, err);
}

static bool is_input(const char *path)
{
    return path && !strcmp(path, "-");
}

static bool check_needed(const struct command_line *c, bool named, struct err *err)
{
    for (size_t k = 0; k < sizeof commands / sizeof commands[0]; k++) {
        if (commands[k].command != c->command) {
            continue;
        }
        if (commands[k].config && !c->config) {
            return err_set(err, ERR_CONFIG, "%s needs --config FILE", commands[k].name);
        }
        if (commands[k].catalog && !c->catalog) {
            return err_set(err, ERR_CONFIG, "%s needs --catalog FILE", commands[k].name);
        }
    }
    if (is_input(c->config) + is_input(c->catalog) + is_input(c->state) > 1) {
        return err_set(err, ERR_CONFIG,
                       "one file only can be -, which is standard input: of --config, --catalog "
                       "and --state");
    }
    return named || err_set(err, ERR_CONFIG, "options need a command before them; see --help");
}

bool command_line_parse(struct command_line *c, int argc, char **argv, struct err *err)
{
    bool named = argc == 1;
    *c = (struct command_line){.command = COMMAND_FLOW};
    for (int i = 1; i < argc; i++) {
        if (!parse_argument(c, argc, argv, &i, &named, err)) {
            return false;
        }
    }
    return check_needed(c, named, err);
}
