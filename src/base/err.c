/* Filling errors. Nothing here prints. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/name.h"

/* Text cut off at `size` bytes may have lost the end of a UTF-8 character: cut that too. */
static void mend_end(char *text, size_t size, int len)
{
    size_t end = size - 1, lead = end;
    if (len < 0 || (size_t)len < size) {
        return;
    }
    while (lead > 0 && end - lead < 3 && (text[lead - 1] & 0xC0) == 0x80) {
        lead--;
    }
    unsigned char first = lead > 0 ? (unsigned char)text[lead - 1] : 0;
    size_t wants = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    if (wants > end - lead + 1) {
        text[lead - 1] = '\0';
    }
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list args;
    err->kind = kind;
    err->remedy = REMEDY_NONE;
    err->sqlstate[0] = err->detail[0] = err->schema[0] = err->table[0] = '\0';
    va_start(args, format);
    int len = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    mend_end(err->message, sizeof err->message, len);
    return false;
}

bool err_detail(struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(err->detail, sizeof err->detail, format, args);
    va_end(args);
    mend_end(err->detail, sizeof err->detail, len);
    return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
    char old[sizeof err->message];
    va_list args;
    memcpy(old, err->message, sizeof old);
    va_start(args, format);
    int len = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof err->message) {
        len += snprintf(err->message + len, sizeof err->message - (size_t)len, "%s", old);
    }
    mend_end(err->message, sizeof err->message, len);
    return false;
}

bool err_suffix(struct err *err, const char *format, ...)
{
    size_t len = strlen(err->message), room = sizeof err->message - len;
    va_list args;
    va_start(args, format);
    mend_end(err->message + len, room, vsnprintf(err->message + len, room, format, args));
    va_end(args);
    return false;
}

bool err_remedy(struct err *err, enum err_remedy remedy)
{
    err->remedy = remedy;
    return false;
}

bool err_stream(struct err *err, const char *schema, const char *table)
{
    mend_end(err->schema, sizeof err->schema,
             snprintf(err->schema, sizeof err->schema, "%s", schema));
    mend_end(err->table, sizeof err->table, snprintf(err->table, sizeof err->table, "%s", table));
    return false;
}

bool err_about(struct err *err, const char *schema, const char *table)
{
    if (err->kind == ERR_STOPPED || err->kind == ERR_NONE || *err->table) {
        return false;
    }
    struct stream_label label = stream_label(schema, table);
    char quoted[sizeof label + 4];
    snprintf(quoted, sizeof quoted, "\"%s\".\"%s\"", schema, table);
    if (!strstr(err->message, label.s) && !strstr(err->message, quoted)) {
        err_prefix(err, "table %s: ", label.s);
    }
    return err_stream(err, schema, table);
}

bool err_add(struct err *all, const struct err *one)
{
    static const char more[] = "\n…";
    if (all->kind == ERR_NONE) {
        *all = *one;
        return true;
    }
    size_t used = strlen(all->message), len = strlen(one->message);
    bool fits = used + 1 + len + sizeof more <= sizeof all->message;
    all->detail[0] = '\0';
    all->remedy = all->remedy == one->remedy ? all->remedy : REMEDY_NONE;
    if (strcmp(all->schema, one->schema) != 0 || strcmp(all->table, one->table) != 0) {
        all->schema[0] = all->table[0] = '\0';
    }
    if (fits) {
        all->message[used] = '\n';
        memcpy(all->message + used + 1, one->message, len + 1);
    } else if (used + sizeof more <= sizeof all->message) {
        memcpy(all->message + used, more, sizeof more);
    }
    return fits;
}

bool err_collected(struct err *err, const struct err *all)
{
    if (all->kind == ERR_NONE) {
        return true;
    }
    *err = *all;
    return false;
}

const char *err_kind_name(enum err_kind kind)
{
    switch (kind) {
    case ERR_CONFIG: return "config_error";
    case ERR_TRANSIENT: return "transient_error";
    case ERR_NONE:
    case ERR_SYSTEM:
    case ERR_STOPPED: break;
    }
    return "system_error";
}
