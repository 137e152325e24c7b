/* Reading values that are text: what each kind may be, and where it goes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "option.h"

void *option_field(struct config *config, const struct option *option)
{
    return (char *)config + option->field;
}

void option_set_string(struct config *config, const struct option *option, const char *value)
{
    char **field = option_field(config, option);
    free(*field);
    *field = mem_string(value);
}

bool option_text(const struct json_at *at, const char **text, struct err *err)
{
    return json_string(at, text, err) && (**text || json_error(at, err, "must not be empty"));
}

bool read_string(const struct json_at *at, const struct option *option, struct config *config,
                 struct err *err)
{
    const char *text;
    if (!option_text(at, &text, err)) {
        return false;
    }
    option_set_string(config, option, text);
    return true;
}

static bool is_choice(const struct option *option, const char *text)
{
    for (const char *const *choice = option->choices; *choice; choice++) {
        if (!strcmp(*choice, text)) {
            return true;
        }
    }
    return false;
}

static bool choice_text(const struct json_at *at, const struct option *option, const char **text,
                        struct err *err)
{
    if (!option_text(at, text, err)) {
        return false;
    }
    if (is_choice(option, *text)) {
        return true;
    }
    struct out list;
    out_init(&list, 128);
    for (const char *const *choice = option->choices; *choice; choice++) {
        out_format(&list, "%s%s", choice > option->choices ? ", " : "", *choice);
    }
    json_error(at, err, "is %s; it must be %s%s", json_show(*text).s,
               option->choices[1] ? "one of " : "", out_text(&list));
    out_free(&list);
    return false;
}

bool read_choice(const struct json_at *at, const struct option *option, struct config *config,
                 struct err *err)
{
    const char *text;
    if (!choice_text(at, option, &text, err)) {
        return false;
    }
    if (option->field != OPTION_NO_FIELD) {
        option_set_string(config, option, text);
    }
    return true;
}

bool read_state_type(const struct json_at *at, const struct option *option, struct config *config,
                     struct err *err)
{
    const char *text;
    if (!choice_text(at, option, &text, err)) {
        return false;
    }
    config->state_type = !strcmp(text, "stream")   ? STATE_STREAM
                         : !strcmp(text, "legacy") ? STATE_LEGACY
                                                   : STATE_GLOBAL;
    return true;
}

bool read_untracked(const struct json_at *at, const struct option *option, struct config *config,
                    struct err *err)
{
    const char *text;
    if (!choice_text(at, option, &text, err)) {
        return false;
    }
    config->on_untracked_change = !strcmp(text, "warn")   ? UNTRACKED_WARN
                                  : !strcmp(text, "fail") ? UNTRACKED_FAIL
                                                          : UNTRACKED_BACKFILL;
    return true;
}

/* A form gives a string; a hand-written configuration may have a boolean. */
bool read_failover_slot(const struct json_at *at, const struct option *option,
                        struct config *config, struct err *err)
{
    const char *text = cJSON_IsTrue(at->item) ? "true" : "false";
    if (!cJSON_IsBool(at->item) && !choice_text(at, option, &text, err)) {
        return false;
    }
    config->failover_slot = !strcmp(text, "true")    ? FAILOVER_ALWAYS
                            : !strcmp(text, "false") ? FAILOVER_NEVER
                                                     : FAILOVER_AUTO;
    return true;
}

bool read_slot(const struct json_at *at, const struct option *option, struct config *config,
               struct err *err)
{
    const char *text;
    if (!option_text(at, &text, err)) {
        return false;
    }
    size_t len = strlen(text);
    if (len > SLOT_NAME || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") != len) {
        return json_error(at, err,
                          "is %s; a slot's name consists of at most %d lower-case letters, digits "
                          "and underscores",
                          json_show(text).s, SLOT_NAME);
    }
    const char *end = len < strlen(SLOT_SUFFIX) ? text : text + len - strlen(SLOT_SUFFIX);
    if (!strcmp(end, SLOT_SUFFIX)) {
        return json_error(at, err,
                          "is %s; names with " SLOT_SUFFIX
                          " at the end are those of the slots that "
                          "full refreshes make and drop",
                          json_show(text).s);
    }
    option_set_string(config, option, text);
    return true;
}

bool read_table(const struct json_at *at, const struct option *option, struct config *config,
                struct err *err)
{
    const char *text;
    char *schema, *table;
    (void)option;
    if (!option_text(at, &text, err)) {
        return false;
    }
    if (!stream_name_parse(text, &schema, &table)) {
        return json_error(at, err, "is %s; it must be schema.table", json_show(text).s);
    }
    free(config->watermarks_schema);
    free(config->watermarks_table);
    config->watermarks_schema = schema;
    config->watermarks_table = table;
    return true;
}

bool read_schemas(const struct json_at *at, const struct option *option, struct config *config,
                  struct err *err)
{
    char **schemas;
    if (!json_strings(at, &schemas, err)) {
        return false;
    }
    for (char **schema = schemas; *schema; schema++) {
        if (!**schema) {
            json_strings_free(&schemas);
            return json_error(at, err, "must not hold an empty name");
        }
    }
    if (!*schemas) {
        json_strings_free(&schemas);
    }
    *(char ***)option_field(config, option) = schemas;
    return true;
}

/* Options of Flow that are ignored, whatever their type. */
bool read_nothing(const struct json_at *at, const struct option *option, struct config *config,
                  struct err *err)
{
    (void)at, (void)option, (void)config, (void)err;
    return true;
}
