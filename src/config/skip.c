/*
 * The tables whose rows are not backfilled: schema.table, separated by commas, where * matches any
 * schema or any table. Kept without quotes, as Flow's captures compare them: in a name with dots it
 * does not matter where the schema ends.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/name.h"
#include "option.h"

/* Length up to the next comma that is not between quotes. */
static size_t item_len(const char *text)
{
    size_t len = 0;
    bool quoted = false;
    for (; text[len] && (quoted || text[len] != ','); len++) {
        quoted ^= text[len] == '"';
    }
    return len;
}

/* One item of the list, without quotes. NULL if it is not schema.table. */
static char *table_item(const char *text, size_t len)
{
    char *schema, *table;
    while (len && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    while (len && isspace((unsigned char)text[len - 1])) {
        len--;
    }
    char *item = mem_string_n(text, len);
    const char *dot = strchr(item, '.');
    if (stream_name_parse(item, &schema, &table)) {
        free(item);
        item = mem_format("%s.%s", schema, table);
        free(schema);
        free(table);
    } else if (!dot || dot == item || !dot[1] || strchr(item, '"')) {
        free(item);
        item = NULL;
    }
    return item;
}

bool read_table_list(const struct json_at *at, const struct option *option, struct config *config,
                     struct err *err)
{
    const char *text;
    size_t count = 0, cap = 0;
    char **names = NULL;
    if (!json_string(at, &text, err)) {
        return false;
    }
    for (bool more = true; more;) {
        size_t len = item_len(text);
        names = mem_grow_array((void *)names, &cap, count + 2, sizeof *names);
        names[count] = table_item(text, len);
        if (!names[count]) {
            json_strings_free(&names);
            return json_error(at, err,
                              "must list tables as schema.table, with commas between; * stands for "
                              "any schema or any table");
        }
        names[++count] = NULL;
        more = text[len] == ',';
        text += len + 1;
    }
    *(char ***)option_field(config, option) = names;
    return true;
}

/* Whether *text begins with the name, or with "*", which means any; it moves behind that. */
static bool takes(const char **text, const char *name)
{
    const char *item = *text;
    bool any = *item == '*' && (!item[1] || item[1] == '.');
    size_t len = any ? 1 : strlen(name);
    *text += len;
    return any || !strncasecmp(item, name, len);
}

bool skip_means(const char *item, const char *schema, const char *table)
{
    return takes(&item, schema) && *item++ == '.' && takes(&item, table) && !*item;
}

bool config_skips_backfill(const struct config *config, const char *schema, const char *table)
{
    bool skipped = false;
    for (char **item = config->skip_backfills; item && *item && !skipped; item++) {
        skipped = skip_means(*item, schema, table);
    }
    return skipped;
}
