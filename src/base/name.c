/* Joining and taking apart names of tables. */
#include "base/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char cut[] = "...";

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

struct stream_label stream_label(const char *schema, const char *table)
{
    struct stream_label label;
    char *name = stream_name(schema, table);
    size_t len = strlen(name);
    snprintf(label.s, sizeof label.s, "%s", name);
    if (len >= sizeof label.s) {
        memcpy(label.s + sizeof label.s - sizeof cut, cut, sizeof cut);
    }
    free(name);
    return label;
}

/* The text between quotes; *text moves to behind the closing one. NULL: there is none. */
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
