/* Reading and writing "files". */
#include "manifest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "name.h"

enum { LENGTH_BITS = 53 }; /* of a number in JSON */

static bool read_file(const struct json_at *at, struct file_entry *entry, struct err *err)
{
    const char *name;
    bool open;
    if (!json_string(at, &name, err)) {
        return false;
    }
    return (file_name_parse(name, &entry->number, &entry->zstd, &open) && !open) ||
           json_error(at, err, "is %s, which is no name of a file", json_show(name).s);
}

static bool read_entry(const struct json_at *at, struct file_entry *entry, struct err *err)
{
    const int64_t most = INT64_C(1) << LENGTH_BITS;
    struct json_at file = json_member(at, "file"), length = json_member(at, "length");
    struct json_at since = json_member(at, "since");
    int64_t bytes = 0;
    if (!directory_name_is_sound(at->name)) {
        return json_error(at, err, "is no name of a table's directory");
    }
    if (!json_object(at, err) || !read_file(&file, entry, err) ||
        !json_integer(&length, 0, most, &bytes, err) ||
        !json_integer(&since, 0, most, &entry->since_ms, err)) {
        return false;
    }
    entry->length = (uint64_t)bytes;
    return true;
}

bool manifest_read(const struct json_at *document,
                   bool (*visit)(void *, struct file_entry *, struct err *), void *context,
                   struct err *err)
{
    struct json_at files = json_member(document, "files");
    const cJSON *item;
    if (!json_object(document, err) || !json_object(&files, err)) {
        return false;
    }
    cJSON_ArrayForEach(item, files.item)
    {
        struct json_at at = json_child(&files, item);
        struct file_entry entry = {0};
        if (!read_entry(&at, &entry, err)) {
            return false;
        }
        entry.directory = mem_string(at.name);
        if (!visit(context, &entry, err)) {
            return false;
        }
    }
    return true;
}

void manifest_begin(struct out *out, const char *state, size_t len)
{
    out_string(out, "{\"state\":");
    out_bytes(out, state, len);
    out_string(out, ",\"files\":{");
}

void manifest_add(struct out *out, const struct file_entry *entry, bool *first)
{
    if (entry->number == 1 && !entry->length) {
        return;
    }
    out_format(out, "%s\"%s\":{\"file\":\"%s\",\"length\":%" PRIu64 ",\"since\":%" PRId64 "}",
               *first ? "" : ",", entry->directory, file_name(entry->number, entry->zstd, false).s,
               entry->length, entry->since_ms);
    *first = false;
}

void manifest_end(struct out *out)
{
    out_string(out, "}}\n");
}
