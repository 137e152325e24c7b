/*
 * The table of options as a JSON schema: draft-07, which both platforms turn into a form.
 *
 * Both spellings of a configuration are valid: the flat one and Flow's with `address`. That one of
 * `host` and `address` is required is said by if/then, because a form generator that meets anyOf or
 * oneOf at the root shows alternatives instead of the properties.
 */
#include <inttypes.h>
#include <string.h>

#include "option.h"

static void write_member(struct out *out, const char *name, const char *text)
{
    out_format(out, ",\"%s\":", name);
    json_write_string(out, text, strlen(text));
}

static void write_choices(struct out *out, const char *const *choices)
{
    out_string(out, ",\"enum\":[");
    for (const char *const *choice = choices; *choice; choice++) {
        out_format(out, "%s\"%s\"", choice > choices ? "," : "", *choice);
    }
    out_char(out, ']');
}

static void write_hints(struct out *out, const struct option *option)
{
    if (option->pattern) {
        write_member(out, "pattern", option->pattern);
        write_member(out, "pattern_descriptor", option->pattern_says);
    }
    if (option->example) {
        out_format(out, ",\"examples\":[%s]", option->example);
    }
}

/* "secret" is Flow's word. */
static void write_flags(struct out *out, unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *members;
    } words[] = {
        {OPTION_SECRET, ",\"airbyte_secret\":true,\"secret\":true"},
        {OPTION_MULTILINE, ",\"multiline\":true"},
        {OPTION_FLOW, ",\"airbyte_hidden\":true"},
        {OPTION_SHOWN, ",\"always_show\":true"},
        {OPTION_FLAT, ",\"x-hidden-field\":true"},
        {OPTION_IAM, ",\"x-iam-auth\":true"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        out_string(out, flags & words[i].flag ? words[i].members : "");
    }
}

static void write_option(struct out *out, const struct option *option, const char *leaf, int order)
{
    out_format(out, "\"%s\":{\"type\":\"%s\"", leaf, option->type);
    write_member(out, "title", option->title);
    write_member(out, "description", option->description);
    out_format(out, ",\"order\":%d", order);
    if (option->fallback) {
        out_format(out, ",\"default\":%s", option->fallback);
    }
    if (option->choices) {
        write_choices(out, option->choices);
    }
    if (option->max) {
        int64_t min = option->flags & OPTION_BLANK ? 0 : option->min;
        out_format(out, ",\"minimum\":%" PRId64 ",\"maximum\":%" PRId64, min, option->max);
    }
    if (!strcmp(option->type, "array")) {
        out_string(out, ",\"items\":{\"type\":\"string\"}");
    }
    if (option->members) {
        option->members(out);
    }
    write_hints(out, option);
    write_flags(out, option->flags);
    out_char(out, '}');
}

/* The options of one group, NULL being the root; returns how many. */
static int write_options(struct out *out, const struct option_group *group)
{
    int order = 0;
    for (int i = 0; i < option_count; i++) {
        const char *leaf;
        if (option_group(&options[i], &leaf) == group && !(options[i].flags & OPTION_HIDDEN)) {
            out_string(out, order ? "," : "");
            write_option(out, &options[i], leaf, order++);
        }
    }
    return order;
}

static void write_group(struct out *out, const struct option_group *group, int order)
{
    out_format(out, ",\"%s\":{\"type\":\"object\"", group->name);
    write_member(out, "title", group->title);
    write_member(out, "description", group->description);
    write_flags(out, group->flags);
    out_format(out, ",\"order\":%d,\"properties\":{", order);
    write_options(out, group);
    out_string(out, "}}");
}

static void write_required(struct out *out)
{
    const char *comma = "";
    out_string(out, ",\"required\":[");
    for (int i = 0; i < option_count; i++) {
        if (options[i].flags & OPTION_REQUIRED) {
            out_format(out, "%s\"%s\"", comma, options[i].path);
            comma = ",";
        }
    }
    out_char(out, ']');
}

void config_schema(struct out *out)
{
    out_string(out, "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":\"object\"");
    write_member(out, "title", "PostgreSQL capture");
    write_required(out);
    out_string(out, ",\"if\":{\"not\":{\"required\":[\"address\"]}},"
                    "\"then\":{\"required\":[\"host\"]},\"properties\":{");
    int order = write_options(out, NULL);
    for (int i = 0; i < option_group_count; i++) {
        write_group(out, &option_groups[i], order + i);
    }
    out_string(out, "}}");
}
