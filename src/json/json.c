/* Parsing with cJSON behind a strict check, and the typed readers with their errors. */
#include "json/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"
#include "path.h"

static bool names_differ(const struct json_at *, struct err *);

/* Lines and columns count from 1, columns in characters. */
static bool fault_error(const char *what, const char *text, struct json_fault fault,
                        struct err *err)
{
    size_t line = 1, column = 1;
    for (const char *p = text; p < fault.at; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if ((*p & 0xC0) != 0x80) {
            column++;
        }
    }
    return err_set(err, ERR_CONFIG, "%s is not valid JSON: line %zu, column %zu: %s", what, line,
                   column, fault.reason);
}

cJSON *json_parse(const char *what, const char *text, size_t len, struct err *err)
{
    if (len >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) { /* some editors begin a file with it */
        text += 3;
        len -= 3;
    }
    struct json_fault fault = json_check(text, len);
    if (fault.reason) {
        fault_error(what, text, fault, err);
        return NULL;
    }
    cJSON *item = cJSON_ParseWithLength(text, len);
    if (!item) {
        err_set(err, ERR_SYSTEM, "%s cannot be parsed: out of memory", what);
        return NULL;
    }
    struct json_at root = json_root(what, item);
    if (!names_differ(&root, err)) {
        cJSON_Delete(item);
        return NULL;
    }
    return item;
}

static int by_name(const void *a, const void *b)
{
    const cJSON *const *x = a, *const *y = b;
    return strcmp((*x)->string, (*y)->string);
}

/* Sorted, because an object may have very many members. A null is nothing, and is no duplicate: some
 * models of the protocol print a member that they know under two names as null beside itself. */
static const cJSON *find_duplicate(const cJSON *object)
{
    size_t count = 0, cap = 0;
    const cJSON **members = NULL, *member, *duplicate = NULL;
    cJSON_ArrayForEach(member, object)
    {
        if (!cJSON_IsNull(member)) {
            members = mem_grow_array((void *)members, &cap, count + 1, sizeof(cJSON *));
            members[count++] = member;
        }
    }
    if (count > 1) {
        qsort((void *)members, count, sizeof(cJSON *), by_name);
    }
    for (size_t i = 1; i < count && !duplicate; i++) {
        duplicate = strcmp(members[i - 1]->string, members[i]->string) ? NULL : members[i];
    }
    free((void *)members);
    return duplicate;
}

static bool names_differ(const struct json_at *at, struct err *err)
{
    const cJSON *duplicate = cJSON_IsObject(at->item) ? find_duplicate(at->item) : NULL;
    if (duplicate) {
        struct json_at there = json_child(at, duplicate);
        return json_error(&there, err, "is there twice");
    }
    const cJSON *child;
    cJSON_ArrayForEach(child, at->item)
    {
        struct json_at there = json_child(at, child);
        if (child->child && !names_differ(&there, err)) {
            return false;
        }
    }
    return true;
}

struct json_at json_root(const char *what, const cJSON *item)
{
    return (struct json_at){NULL, what, cJSON_IsNull(item) ? NULL : item, NULL};
}

struct json_at json_member(const struct json_at *object, const char *name)
{
    const cJSON *item = cJSON_IsObject(object->item) ? object->item->child : NULL;
    while (item && (cJSON_IsNull(item) || strcmp(item->string, name) != 0)) {
        item = item->next;
    }
    return (struct json_at){object, name, item, NULL};
}

struct json_at json_child(const struct json_at *parent, const cJSON *item)
{
    return (struct json_at){parent, item->string, cJSON_IsNull(item) ? NULL : item, item};
}

bool json_error(const struct json_at *at, struct err *err, const char *format, ...)
{
    char words[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    struct json_path path = json_path(at);
    err_set(err, ERR_CONFIG, "%s %s", path.s, words);
    return false;
}

static bool has_type(const struct json_at *at, int type)
{
    return at->item && (at->item->type & type);
}

static const char *type_name(const cJSON *item)
{
    switch (item->type & 0xFF) {
    case cJSON_String: return "a string";
    case cJSON_Number: return "a number";
    case cJSON_Array: return "an array";
    case cJSON_Object: return "an object";
    default: return "true or false";
    }
}

static bool wrong_type(const struct json_at *at, const char *wanted, struct err *err)
{
    if (!at->item) {
        return json_error(at, err, "is missing: it must be %s", wanted);
    }
    return json_error(at, err, "must be %s, not %s", wanted, type_name(at->item));
}

bool json_object(const struct json_at *at, struct err *err)
{
    return has_type(at, cJSON_Object) || wrong_type(at, "an object", err);
}

bool json_array(const struct json_at *at, struct err *err)
{
    return has_type(at, cJSON_Array) || wrong_type(at, "an array", err);
}

bool json_string(const struct json_at *at, const char **value, struct err *err)
{
    if (!has_type(at, cJSON_String)) {
        return wrong_type(at, "a string", err);
    }
    *value = at->item->valuestring;
    return true;
}

bool json_bool(const struct json_at *at, bool *value, struct err *err)
{
    if (!has_type(at, cJSON_True | cJSON_False)) {
        return wrong_type(at, "true or false", err);
    }
    *value = has_type(at, cJSON_True);
    return true;
}

bool json_integer(const struct json_at *at, int64_t min, int64_t max, int64_t *value,
                  struct err *err)
{
    if (!has_type(at, cJSON_Number)) {
        return wrong_type(at, "a whole number", err);
    }
    double number = at->item->valuedouble;
    if (!(number >= (double)min && number <= (double)max) || number != trunc(number)) {
        return json_error(at, err, "must be a whole number from %lld to %lld", (long long)min,
                          (long long)max);
    }
    *value = (int64_t)number;
    return true;
}

bool json_strings(const struct json_at *at, char ***value, struct err *err)
{
    if (!json_array(at, err)) {
        return false;
    }
    size_t count = 0;
    char **strings = mem_zero(((size_t)cJSON_GetArraySize(at->item) + 1) * sizeof *strings);
    const cJSON *item;
    cJSON_ArrayForEach(item, at->item)
    {
        struct json_at element = json_child(at, item);
        const char *string = NULL;
        if (!json_string(&element, &string, err)) {
            json_strings_free(&strings);
            return false;
        }
        strings[count++] = mem_string(string);
    }
    *value = strings;
    return true;
}

void json_strings_free(char ***strings)
{
    for (char **s = *strings; s && *s; s++) {
        free(*s);
    }
    free((void *)*strings);
    *strings = NULL;
}
