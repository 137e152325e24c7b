/* Parsing arguments. What they mean is said in help.c. */
#include "command_line.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/out.h"

enum {
    OPTION_CONFIG = 1,
    OPTION_CATALOG = 2,
    OPTION_STATE = 4,
    OPTION_ADMIN = 8,
    OPTION_PROVIDER = 16,
    OPTION_JSON = 32,
    OPTION_YES = 64,
    OPTION_METRICS_LISTEN = 128,
    OPTION_METRICS_FILE = 256,
    OPTION_LOG_FORMAT = 512, /* of all commands */
    OPTION_ALL = 1024,
    OPTION_TAIL = 2048,
    OPTION_OUTPUT = 4096,
    OPTION_ROTATE_MB = 8192,
    OPTION_ROTATE_SECONDS = 16384,
    OPTION_COMPRESS = 32768,
    OUTPUT_OPTIONS = OPTION_OUTPUT | OPTION_ROTATE_MB | OPTION_ROTATE_SECONDS | OPTION_COMPRESS,
};

/* Options that a command may have, and those that it needs. */
static const struct {
    const char *name;
    enum command command;
    unsigned known, needed;
} commands[] = {
    {"spec", COMMAND_SPEC, 0, 0},
    {"check", COMMAND_CHECK, OPTION_CONFIG, OPTION_CONFIG},
    {"discover", COMMAND_DISCOVER, OPTION_CONFIG, OPTION_CONFIG},
    {"read", COMMAND_READ,
     OPTION_CONFIG | OPTION_CATALOG | OPTION_ALL | OPTION_TAIL | OPTION_STATE |
         OPTION_METRICS_LISTEN | OPTION_METRICS_FILE | OUTPUT_OPTIONS,
     OPTION_CONFIG},
    {"setup-sql", COMMAND_SETUP_SQL,
     OPTION_CONFIG | OPTION_CATALOG | OPTION_ADMIN | OPTION_PROVIDER, OPTION_CONFIG},
    {"status", COMMAND_STATUS,
     OPTION_CONFIG | OPTION_CATALOG | OPTION_ALL | OPTION_STATE | OPTION_JSON, OPTION_CONFIG},
    {"backfill", COMMAND_BACKFILL, OPTION_CONFIG | OPTION_CATALOG, OPTION_CONFIG},
    {"teardown", COMMAND_TEARDOWN, OPTION_CONFIG | OPTION_YES, OPTION_CONFIG},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

#define PLACE(member) offsetof(struct command_line, member)

/* `place` is of a string where the option has a value, else of a bool. */
static const struct option {
    const char *name, *value;
    unsigned bit;
    size_t place;
    const char *fallback; /* where another option or nothing follows; NULL: it needs a value */
} options[] = {
    {"config", "FILE", OPTION_CONFIG, PLACE(config), NULL},
    {"catalog", "FILE", OPTION_CATALOG, PLACE(catalog), NULL},
    {"state", "FILE", OPTION_STATE, PLACE(state), NULL},
    {"all", "[PATTERN]", OPTION_ALL, PLACE(all), "*"},
    {"tail", NULL, OPTION_TAIL, PLACE(tail), NULL},
    {"admin", "USER", OPTION_ADMIN, PLACE(admin), NULL},
    {"provider", "NAME", OPTION_PROVIDER, PLACE(provider), NULL},
    {"json", NULL, OPTION_JSON, PLACE(json), NULL},
    {"yes", NULL, OPTION_YES, PLACE(yes), NULL},
    {"metrics-listen", "ADDRESS", OPTION_METRICS_LISTEN, PLACE(metrics_listen), NULL},
    {"metrics-file", "FILE", OPTION_METRICS_FILE, PLACE(metrics_file), NULL},
    {"log-format", "FORMAT", OPTION_LOG_FORMAT, PLACE(log_format), NULL},
    {"output", "DIRECTORY", OPTION_OUTPUT, PLACE(output), NULL},
    {"rotate-mb", "NUMBER", OPTION_ROTATE_MB, PLACE(rotate_mb), NULL},
    {"rotate-seconds", "NUMBER", OPTION_ROTATE_SECONDS, PLACE(rotate_seconds), NULL},
    {"compress", "METHOD", OPTION_COMPRESS, PLACE(compress), NULL},
};
enum { OPTIONS = sizeof options / sizeof *options };

struct parser {
    struct command_line *line;
    int argc, next;
    char **argv;
    bool named, help;
    unsigned given; /* options */
};

/* Whether the argument is the option; if so, its value, which may be the next argument. */
static bool take_option(struct parser *p, const char *arg, const struct option *o, struct err *err)
{
    size_t len = strlen(o->name);
    char *place = (char *)p->line + o->place;
    if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, o->name, len) != 0) {
        return false;
    }
    bool joined = arg[2 + len] == '=';
    if ((arg[2 + len] && !joined) || (joined && !o->value)) {
        return false;
    }
    p->given |= o->bit;
    if (!o->value) {
        *(bool *)place = true;
    } else if (joined) {
        *(const char **)(void *)place = arg + 3 + len;
    } else if (p->next < p->argc && !(o->fallback && !strncmp(p->argv[p->next], "--", 2))) {
        *(const char **)(void *)place = p->argv[p->next++];
    } else if (o->fallback) {
        *(const char **)(void *)place = o->fallback;
    } else {
        bool file = !strcmp(o->value, "FILE");
        err_set(err, ERR_CONFIG, "--%s needs %s", o->name, file ? "a file" : o->value);
    }
    return true;
}

static void list_commands(struct out *out)
{
    for (int i = 0; i < COMMANDS; i++) {
        out_format(out, "%s%s", !i ? "" : i + 1 < COMMANDS ? ", " : " and ", commands[i].name);
    }
}

static bool fail_command(const char *arg, struct err *err)
{
    struct nearest nearest = {.wanted = arg};
    struct out names;
    out_init(&names, 128);
    list_commands(&names);
    for (int i = 0; i < COMMANDS; i++) {
        nearest_offer(&nearest, commands[i].name);
    }
    bool found = nearest_found(&nearest);
    err_set(err, ERR_CONFIG, "there is no command \"%s\"%s%s%s: the commands are %s; see --help",
            arg, found ? " (did you mean " : "", found ? nearest.name : "", found ? "?)" : "",
            out_text(&names));
    out_free(&names);
    return false;
}

/* Those of the command, if it is named already. */
static const char *nearest_option(const struct parser *p, const char *arg)
{
    struct nearest nearest = {.wanted = arg};
    unsigned known = ~0U;
    for (int i = 0; i < COMMANDS; i++) {
        known =
            commands[i].command == p->line->command ? commands[i].known | OPTION_LOG_FORMAT : known;
    }
    for (int i = 0; i < OPTIONS; i++) {
        if (options[i].bit & known) {
            nearest_offer(&nearest, options[i].name);
        }
    }
    nearest_offer(&nearest, "help");
    nearest_offer(&nearest, "version");
    return nearest_found(&nearest) ? nearest.name : NULL;
}

static bool fail_option(const struct parser *p, const char *arg, struct err *err)
{
    char *name = mem_string_n(arg, strcspn(arg, "="));
    const char *nearest = nearest_option(p, name);
    if (nearest && !strcmp(name + strspn(name, "-"), nearest) && arg[1] == '-') {
        err_set(err, ERR_CONFIG, "--%s takes no value", nearest);
    } else if (nearest) {
        err_set(err, ERR_CONFIG, "there is no option %s: did you mean --%s?", name, nearest);
    } else {
        err_set(err, ERR_CONFIG, "there is no option %s; see --help", name);
    }
    free(name);
    return false;
}

static bool take_command(struct parser *p, const char *arg, struct err *err)
{
    int i = 0;
    while (i < COMMANDS && strcmp(arg, commands[i].name) != 0) {
        i++;
    }
    if (i == COMMANDS && !p->named) {
        return fail_command(arg, err);
    }
    if (i == COMMANDS) {
        return err_set(err, ERR_CONFIG,
                       "\"%s\" is one word too many: only options come after a command; see --help",
                       arg);
    }
    if (p->named) {
        return err_set(err, ERR_CONFIG,
                       "one command only may be given, and \"%s\" comes after another; see --help",
                       arg);
    }
    p->line->command = commands[i].command;
    return p->named = true;
}

/* To the front of argv, where nothing is that is still to be read. */
static bool take_table(struct parser *p, char *arg)
{
    p->line->tables = p->argv + 1;
    p->line->tables[p->line->table_count++] = arg;
    return true;
}

/* --help and --version win over a command, wherever they stand. */
static bool parse_argument(struct parser *p, struct err *err)
{
    char *arg = p->argv[p->next++];
    err->kind = ERR_NONE;
    if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
        return p->help = true;
    }
    if (!strcmp(arg, "--version")) {
        p->line->command = COMMAND_VERSION;
        return p->named = true;
    }
    for (int i = 0; i < OPTIONS; i++) {
        if (take_option(p, arg, &options[i], err)) {
            return err->kind == ERR_NONE;
        }
    }
    if (p->line->command == COMMAND_VERSION) {
        return true;
    }
    if (arg[0] == '-' && arg[1]) {
        return fail_option(p, arg, err);
    }
    return p->line->command == COMMAND_BACKFILL ? take_table(p, arg) : take_command(p, arg, err);
}

static bool is_input(const char *path)
{
    return path && !strcmp(path, "-");
}

static bool check_format(const struct command_line *c, struct err *err)
{
    return !c->log_format || !strcmp(c->log_format, "plain") || !strcmp(c->log_format, "json") ||
           err_set(err, ERR_CONFIG, "--log-format must be plain or json");
}

static bool check_number(const char *option, const char *value, struct err *err)
{
    size_t digits = value ? strspn(value, "0123456789") : 1;
    return (digits && digits < 8 && (!value || (!value[digits] && strtol(value, NULL, 10)))) ||
           err_set(err, ERR_CONFIG, "--%s must be a whole number from 1 to 9999999", option);
}

uint64_t command_line_number(const char *option, uint64_t otherwise)
{
    return option ? strtoull(option, NULL, 10) : otherwise;
}

static bool check_output(const struct command_line *c, struct err *err)
{
    if (!c->output && (c->rotate_mb || c->rotate_seconds || c->compress)) {
        return err_set(err, ERR_CONFIG,
                       "--rotate-mb, --rotate-seconds and --compress go with --output DIRECTORY");
    }
    if (c->output && c->state) {
        return err_set(err, ERR_CONFIG,
                       "--output goes without --state: the directory has the state of its own, "
                       "and the read goes on from it");
    }
    if (c->output && !*c->output) {
        return err_set(err, ERR_CONFIG, "--output needs the name of a directory");
    }
    if (c->compress && strcmp(c->compress, "zstd") != 0) {
        return err_set(err, ERR_CONFIG, "--compress must be zstd");
    }
    return check_number("rotate-mb", c->rotate_mb, err) &&
           check_number("rotate-seconds", c->rotate_seconds, err);
}

static bool check_files(const struct command_line *c, struct err *err)
{
    if (is_input(c->config) + is_input(c->catalog) + is_input(c->state) > 1) {
        return err_set(err, ERR_CONFIG,
                       "one file only can be -, which is standard input: of --config, --catalog "
                       "and --state");
    }
    if (c->command == COMMAND_READ && !c->catalog == !c->all) {
        return err_set(err, ERR_CONFIG,
                       "read needs either --catalog FILE or --all PATTERN, which say what to "
                       "capture");
    }
    if (c->catalog && c->all) {
        return err_set(err, ERR_CONFIG, "give --catalog FILE or --all PATTERN, not both");
    }
    if (c->tail && !c->all) {
        return err_set(err, ERR_CONFIG,
                       "--tail goes with --all PATTERN; a catalog says \"tail\" itself");
    }
    if (c->command == COMMAND_BACKFILL && !c->table_count) {
        return err_set(err, ERR_CONFIG, "backfill needs the names of tables: schema.table");
    }
    return !c->state || c->catalog || c->all ||
           err_set(err, ERR_CONFIG,
                   "--state needs --catalog FILE or --all PATTERN, which says of what it is");
}

static bool check_options(const struct parser *p, struct err *err)
{
    for (int i = 0; i < COMMANDS; i++) {
        for (int k = 0; commands[i].command == p->line->command && k < OPTIONS; k++) {
            const struct option *o = &options[k];
            if (commands[i].needed & ~p->given & o->bit) {
                return err_set(err, ERR_CONFIG, "%s needs --%s %s", commands[i].name, o->name,
                               o->value);
            }
            if (p->given & ~(commands[i].known | OPTION_LOG_FORMAT) & o->bit) {
                return err_set(err, ERR_CONFIG, "%s has no option --%s; see %s --help",
                               commands[i].name, o->name, commands[i].name);
            }
        }
    }
    return check_files(p->line, err) && check_output(p->line, err);
}

bool command_line_parse(struct command_line *c, int argc, char **argv, struct err *err)
{
    struct parser p = {.line = c, .argc = argc, .next = 1, .argv = argv, .named = argc == 1};
    *c = (struct command_line){.command = COMMAND_FLOW};
    while (p.next < argc) {
        if (!parse_argument(&p, err)) {
            return false;
        }
    }
    if (p.help) {
        c->about = c->command;
        c->command = COMMAND_HELP;
        return true;
    }
    return check_options(&p, err) && check_format(c, err) &&
           (p.named || err_set(err, ERR_CONFIG, "options need a command before them; see --help"));
}
