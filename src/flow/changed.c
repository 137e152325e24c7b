/* Bindings beside what they were in the last version of the capture. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

/* The binding of the same table in the last version, or nothing. Whatever else is wrong there is
 * past. */
struct last {
    struct catalog_stream stream;
    int64_t counter;
};

static int64_t counter_of(const struct json_at *binding)
{
    struct json_at at = json_member(binding, "backfill");
    struct err ignored;
    int64_t counter = 0;
    return at.item && json_integer(&at, 0, UINT32_MAX, &counter, &ignored) ? counter : 0;
}

static int by_table(const void *a, const void *b)
{
    const struct last *x = a, *y = b;
    int order = strcmp(x->stream.schema, y->stream.schema);
    return order ? order : strcmp(x->stream.table, y->stream.table);
}

static void clear(struct catalog_stream *stream)
{
    free(stream->schema);
    free(stream->table);
    free(stream->backfill_filter);
    json_strings_free(&stream->key);
}

/* All that can be read, sorted by table. */
static struct last *read_last(const struct json_at *bindings, size_t *count)
{
    const cJSON *item;
    size_t cap = (size_t)cJSON_GetArraySize(bindings->item);
    struct last *all = mem_zero((cap + 1) * sizeof *all);
    *count = 0;
    cJSON_ArrayForEach(item, bindings->item)
    {
        struct err ignored;
        struct json_at binding = json_child(bindings, item);
        struct json_at resource = json_member(&binding, "resourceConfig");
        struct last *one = &all[*count];
        *one = (struct last){.counter = counter_of(&binding)};
        if (resource_read(&resource, &one->stream, &ignored)) {
            ++*count;
        } else {
            clear(&one->stream);
        }
    }
    qsort(all, *count, sizeof *all, by_table);
    return all;
}

static bool same_text(const char *a, const char *b)
{
    return !strcmp(a ? a : "", b ? b : "");
}

static bool check_one(const struct json_at *binding, const struct catalog_stream *now,
                      const struct last *last, struct err *err)
{
    if (!last || counter_of(binding) > last->counter) {
        return true;
    }
    bool filter = now->mode == last->stream.mode;
    if (filter && same_text(now->backfill_filter, last->stream.backfill_filter)) {
        return true;
    }
    json_error(binding, err,
               "has another %s than what was captured of table %s: raise its backfill counter, "
               "so that the table is backfilled again, or change it back",
               filter ? "advanced.additional_backfill_filter" : "mode",
               stream_label(now->schema, now->table).s);
    return err_stream(err, now->schema, now->table);
}

bool bindings_check_changed(const struct json_at *validate, const struct catalog *catalog,
                            struct err *err)
{
    struct json_at capture = json_member(validate, "lastCapture");
    struct json_at before = json_member(&capture, "bindings");
    struct json_at bindings = json_member(validate, "bindings");
    struct err faults = {0}, one;
    const cJSON *item;
    size_t count;
    int i = 0;
    bool room = true;
    struct last *all = read_last(&before, &count);
    cJSON_ArrayForEach(item, bindings.item)
    {
        const struct catalog_stream *stream = &catalog->streams[i++];
        struct json_at binding = json_child(&bindings, item);
        struct last key = {.stream = *stream};
        const struct last *last = bsearch(&key, all, count, sizeof *all, by_table);
        if (room && !check_one(&binding, stream, last, &one)) {
            room = err_add(&faults, &one);
        }
    }
    for (size_t k = 0; k < count; k++) {
        clear(&all[k].stream);
    }
    free(all);
    return err_collected(err, &faults);
}
