/* Reading the options that restrict discovery, and the credentials. */
#include <fnmatch.h>
#include <string.h>

#include "base/mem.h"
#include "option.h"

/* "table", or "schema.table". */
bool read_patterns(const struct json_at *at, const struct option *option, struct config *config,
                   struct err *err)
{
    char **patterns;
    if (!json_strings(at, &patterns, err)) {
        return false;
    }
    for (char **pattern = patterns; *pattern; pattern++) {
        const char *dot = strchr(*pattern, '.');
        if (!**pattern || dot == *pattern || (dot && (!dot[1] || strchr(dot + 1, '.')))) {
            json_error(at, err, "holds %s; a pattern is table, or schema.table, with one dot",
                       json_show(*pattern).s);
            json_strings_free(&patterns);
            return false;
        }
    }
    if (!*patterns) {
        json_strings_free(&patterns);
    }
    *(char ***)option_field(config, option) = patterns;
    return true;
}

/* "a, b": the items between commas, without blanks around them. */
static char **split(const char *text)
{
    size_t count = 0, cap = 0;
    char **items = NULL;
    for (bool more = true; more;) {
        text += strspn(text, " ");
        size_t len = strcspn(text, ","), end = len;
        while (end && text[end - 1] == ' ') {
            end--;
        }
        items = mem_grow_array((void *)items, &cap, count + 2, sizeof *items);
        items[count++] = mem_string_n(text, end);
        items[count] = NULL;
        more = text[len] == ',';
        text += len + 1;
    }
    return items;
}

bool read_prefixes(const struct json_at *at, const struct option *option, struct config *config,
                   struct err *err)
{
    const char *text;
    if (!json_string(at, &text, err)) {
        return false;
    }
    *(char ***)option_field(config, option) = split(text);
    return true;
}

bool config_emits_message(const struct config *config, const char *prefix)
{
    bool emits = false;
    for (char **item = config->emit_messages; item && *item && !emits; item++) {
        emits = fnmatch(*item, prefix, 0) == 0;
    }
    return emits && strcmp(prefix, OWN_MESSAGES) != 0;
}

/* The option may be given in two places; true in one of them is enough. */
bool read_unpublished(const struct json_at *at, const struct option *option, struct config *config,
                      struct err *err)
{
    bool unpublished;
    (void)option;
    if (!json_bool(at, &unpublished, err)) {
        return false;
    }
    config->discovery.unpublished |= unpublished;
    return true;
}

bool read_auth(const struct json_at *at, const struct option *option, struct config *config,
               struct err *err)
{
    struct credentials *c = &config->credentials;
    if (!read_choice(at, option, config, err)) {
        return false;
    }
    c->auth = !strcmp(c->type, "UserPassword") ? AUTH_PASSWORD
              : !strcmp(c->type, "AWSIAM")     ? AUTH_AWS
                                               : AUTH_TOKEN;
    return true;
}
