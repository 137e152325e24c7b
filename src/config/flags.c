/*
 * Flow's feature flags: names with commas between, "no_" before one that is to be off. Those known
 * here take effect; for the others a notice says that they do not.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "option.h"

static const struct {
    const char *name;
    size_t field;
    bool value; /* of the field, where the flag is on */
} known[] = {
    {"use_schema_inference", offsetof(struct config, no_schema_inference), false},
    {"emit_sourced_schemas", offsetof(struct config, no_sourced_schemas), false},
    {"emit_backfill_messages", offsetof(struct config, backfill_messages), true},
};

/* The next name: *len bytes, without blanks around; NULL at the end. */
static const char *next_flag(const char **text, size_t *len)
{
    *text += strspn(*text, ", \t\r\n");
    const char *flag = *text;
    *len = strcspn(flag, ",");
    *text += *len;
    while (*len && isspace((unsigned char)flag[*len - 1])) {
        --*len;
    }
    return *len ? flag : NULL;
}

/* The field of the config for the flag, and the value that it gets; NULL: unknown flag. */
static bool *flag_field(struct config *config, const char *flag, size_t len, bool *value)
{
    bool off = len > 3 && !strncmp(flag, "no_", 3);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const char *name = flag + (off ? 3 : 0);
        size_t rest = len - (off ? 3 : 0);
        if (strlen(known[i].name) == rest && !strncmp(known[i].name, name, rest)) {
            *value = known[i].value != off;
            return (bool *)((char *)config + known[i].field);
        }
    }
    return NULL;
}

bool read_flags(const struct json_at *at, const struct option *option, struct config *config,
                struct err *err)
{
    const char *text, *flag;
    size_t len;
    (void)option;
    if (!json_string(at, &text, err)) {
        return false;
    }
    while ((flag = next_flag(&text, &len))) {
        bool value, *field = flag_field(config, flag, len, &value);
        if (field) {
            *field = value;
        }
    }
    return true;
}

void flags_notice(const char *text, struct out *notices)
{
    const char *flag;
    struct config any;
    size_t len;
    while ((flag = next_flag(&text, &len))) {
        bool value;
        if (!flag_field(&any, flag, len, &value)) {
            char *name = mem_string_n(flag, len);
            out_format(notices, "%sadvanced.feature_flags: %s is accepted but not acted on",
                       notices->len ? "\n" : "", json_show(name).s);
            free(name);
        }
    }
}
