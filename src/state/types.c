/* The user-defined types that a stream remembers. */
#include <string.h>

#include "parts.h"

static bool read_kind(const struct json_at *at, char *kind, struct err *err)
{
    const char *text;
    if (!json_string(at, &text, err)) {
        return false;
    }
    *kind = *text;
    return (strlen(text) == 1 && strchr("abcdemr", *text)) ||
           json_error(at, err, "is %s; it must be a, b, c, d, e, m or r", json_show(text).s);
}

static bool read_oid(const struct json_at *at, int64_t least, uint32_t *oid, struct err *err)
{
    int64_t value;
    if (!json_integer(at, least, UINT32_MAX, &value, err)) {
        return false;
    }
    *oid = (uint32_t)value;
    return true;
}

/* The inner type: a built-in one, or one of those before it in the list. */
static bool read_inner(const struct json_at *at, const struct user_types *types,
                       struct user_type *type, struct err *err)
{
    if (!strchr("admr", type->kind)) {
        return true;
    }
    return read_oid(at, 1, &type->inner, err) &&
           (type->inner < OID_FIRST_USER || user_types_find(types, type->inner) ||
            json_error(at, err, "must be the oid of a type before it"));
}

static bool read_names(const struct json_at *at, struct user_type *type, struct err *err)
{
    struct json_at schema = json_member(at, "schema"), name = json_member(at, "name");
    const char *texts[2];
    if (type->kind == 'd') {
        return true;
    }
    if (!json_string(&schema, &texts[0], err) || !json_string(&name, &texts[1], err)) {
        return false;
    }
    type->schema = (char *)texts[0];
    type->name = (char *)texts[1];
    return true;
}

static bool read_delimiter(const struct json_at *at, char *delimiter, struct err *err)
{
    const char *text;
    if (!at->item) {
        return true;
    }
    if (!json_string(at, &text, err)) {
        return false;
    }
    *delimiter = *text;
    return strlen(text) == 1 ||
           json_error(at, err, "is %s; it must be one character", json_show(text).s);
}

static bool read_typmod(const struct json_at *at, int32_t *typmod, struct err *err)
{
    int64_t value = -1;
    if (at->item && !json_integer(at, 0, INT32_MAX, &value, err)) {
        return false;
    }
    *typmod = (int32_t)value;
    return true;
}

static bool read_type(const struct json_at *at, struct user_types *types, struct err *err)
{
    struct user_type type = {.delimiter = ','};
    struct json_at oid = json_member(at, "oid"), kind = json_member(at, "kind");
    struct json_at inner = json_member(at, "of"), typmod = json_member(at, "typmod");
    struct json_at delimiter = json_member(at, "delimiter");
    if (!json_object(at, err) || !read_oid(&oid, OID_FIRST_USER, &type.oid, err) ||
        !read_kind(&kind, &type.kind, err) || !read_names(at, &type, err) ||
        !read_inner(&inner, types, &type, err) || !read_typmod(&typmod, &type.typmod, err) ||
        !read_delimiter(&delimiter, &type.delimiter, err)) {
        return false;
    }
    if (user_types_find(types, type.oid)) {
        return json_error(&oid, err, "is that of a type before it");
    }
    user_types_add(types, &type);
    return true;
}

bool types_read(const struct json_at *at, struct user_types *types, struct err *err)
{
    const cJSON *item;
    if (at->item && !json_array(at, err)) {
        return false;
    }
    cJSON_ArrayForEach(item, at->item)
    {
        struct json_at type = json_child(at, item);
        if (!read_type(&type, types, err)) {
            return false;
        }
    }
    return true;
}
