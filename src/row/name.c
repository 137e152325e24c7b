/* Joining and taking apart names of tables. */
#include "row/name.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static char *append_quoted(char *to, const char *part)
{
    *to++ = '"';
    for (; *part; part++) {
        if (*part == '"') {
            *to++ = '"';
        }
        *to++ = *part;
    }
    *to++ = '"';
    return to;
}

static char *append_part(char *to, const char *part)
{
    return strpbrk(part, ".\"") ? append_quoted(to, part) : stpcpy(to, part);
}

char *stream_name(const char *schema, const char *table)
{
    char *name = mem_alloc(2 * strlen(schema) + 2 * strlen(table) + 6);
    char *end = append_part(name, schema);
    *end++ = '.';
    *append_part(end, table) = '\0';
    return name;
}

/* What stands between quotes; *text goes from the first to behind the last. NULL: no end. */
static char *take_quoted(const char **text)
{
    const char *p = *text + 1;
    char *part = mem_alloc(strlen(p) + 1), *to = part;
    for (; *p && (*p != '"' || p[1] == '"'); p++) {
        p += *p == '"';
        *to++ = *p;
    }
    *to = '\0';
    if (!*p) {
        free(part);
        return NULL;
    }
    *text = p + 1;
    return part;
}

static char *take_part(const char **text)
{
    if (**text == '"') {
        return take_quoted(text);
    }
    size_t len = strcspn(*text, ".\"");
    char *part = mem_string_n(*text, len);
    *text += len;
    return part;
}

bool stream_name_parse(const char *name, char **schema, char **table)
{
    *table = NULL;
    *schema = take_part(&name);
    if (*schema && **schema && *name == '.') {
        name++;
        *table = take_part(&name);
    }
    if (*table && **table && !*name) {
        return true;
    }
    free(*schema);
    free(*table);
    *schema = *table = NULL;
    return false;
}
