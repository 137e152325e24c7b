/* Naming places and showing foreign text: everything here may be hostile, nothing here may grow. */
#include "path.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* Append a part whole, or leave it out. */
static void append(struct json_path *path, const char *text)
{
    size_t used = strlen(path->s), len = strlen(text);
    if (used + len < sizeof path->s) {
        memcpy(path->s + used, text, len + 1);
    }
}

static bool is_plain(const char *name)
{
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$");
    return len > 0 && len < 64 && !name[len];
}

static void append_name(struct json_path *path, const char *name, bool first)
{
    if (is_plain(name)) {
        append(path, first ? "" : ".");
        append(path, name);
        return;
    }
    append(path, "[");
    append(path, json_show(name).s);
    append(path, "]");
}

/* How many elements stand before the one at a place. */
static size_t index_of(const struct json_at *at)
{
    size_t index = 0;
    const cJSON *item = at->up->item ? at->up->item->child : NULL;
    for (; item && item != at->element; item = item->next) {
        index++;
    }
    return index;
}

static void append_place(struct json_path *path, const struct json_at *at)
{
    if (!at->up) {
        append(path, at->name);
        append(path, ":");
        return;
    }
    append_place(path, at->up);
    if (!at->up->up) {
        append(path, " ");
    }
    if (at->name) {
        append_name(path, at->name, !at->up->up);
    } else {
        char index[24];
        snprintf(index, sizeof index, "[%zu]", index_of(at));
        append(path, index);
    }
}

struct json_path json_path(const struct json_at *at)
{
    struct json_path path = {""};
    append_place(&path, at);
    return path;
}

struct json_shown json_show(const char *text)
{
    struct json_shown shown;
    const size_t limit = sizeof shown.s - sizeof "…\"";
    const char *end = text + strlen(text);
    size_t used = 0;
    shown.s[used++] = '"';
    while (text < end) {
        size_t len = utf8_len(text, end);
        size_t step = len ? len : 1;
        if (used + step > limit) {
            break;
        }
        if (len == 0 || (unsigned char)*text < 0x20 || *text == 0x7F) {
            shown.s[used++] = '?';
        } else {
            memcpy(shown.s + used, text, len);
            used += len;
        }
        text += step;
    }
    snprintf(shown.s + used, sizeof shown.s - used, "%s\"", text < end ? "…" : "");
    return shown;
}
