/* Errors in the words of the configuration that the user wrote. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* How layers that know one spelling name an option, and how Flow's captures have it. */
static const struct {
    const char *ours, *flows;
} spellings[] = {
    {"\"host\" and \"port\" are right", "\"address\" is right"},
    {"\"host\" and \"port\"", "\"address\""},
    {"\"host\", \"port\"", "\"address\""},
    {"correct \"host\"", "correct \"address\""},
    {"give \"password\"", "give \"credentials.password\""},
    {"and \"password\" in the", "and \"credentials.password\" in the"},
    {"set slot_name ", "set advanced.slotName "},
    {"set watermarks_table ", "set advanced.watermarksTable "},
    {"set publication_name ", "set advanced.publicationName "},
};

void flow_error_words(const struct config *config, struct err *err)
{
    char said[sizeof err->message];
    size_t len = 0;
    if (!config || !config->flow_spelling) {
        return;
    }
    for (const char *p = err->message; *p && len < sizeof said - 1;) {
        size_t i = 0, count = sizeof spellings / sizeof *spellings;
        while (i < count && strncmp(p, spellings[i].ours, strlen(spellings[i].ours)) != 0) {
            i++;
        }
        if (i < count) {
            int more = snprintf(said + len, sizeof said - len, "%s", spellings[i].flows);
            len += (size_t)more < sizeof said - len ? (size_t)more : sizeof said - len - 1;
            p += strlen(spellings[i].ours);
        } else {
            said[len++] = *p++;
        }
    }
    said[len] = '\0';
    memcpy(err->message, said, len + 1);
}
