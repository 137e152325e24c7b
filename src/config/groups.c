/* The objects that hold options. */
#include <string.h>

#include "option.h"

const struct option_group option_groups[] = {
    {"credentials", "Credentials",
     "The password, or a role of a cloud that stands for it. Leave empty where Password is given.",
     OPTION_FLOW | OPTION_IAM},
    {"discoveryFilters", "Discovery filters", "Which tables are offered.", OPTION_FLOW},
    {"advanced", "Advanced", "Encryption, what to discover, and how the backfill reads.", 0},
};
const int option_group_count = sizeof option_groups / sizeof *option_groups;

const struct option_group *option_group(const struct option *option, const char **leaf)
{
    const char *dot = strchr(option->path, '.');
    *leaf = dot ? dot + 1 : option->path;
    for (int i = 0; dot && i < option_group_count; i++) {
        const char *name = option_groups[i].name;
        if (strlen(name) == (size_t)(dot - option->path) &&
            !strncmp(name, option->path, strlen(name))) {
            return &option_groups[i];
        }
    }
    return NULL;
}
