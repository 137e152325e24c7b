/* Log lines as the platform reads them from standard error. */
#include <string.h>

#include "base/clock.h"
#include "internal.h"

static void write_field(struct out *out, const char *name, const char *value)
{
    out_format(out, ",\"%s\":", name);
    json_write_string(out, value, strlen(value));
}

void flow_log(struct out *out, const struct log_entry *entry, int64_t now_ms)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    char moment[CLOCK_UTC];
    clock_utc(moment, now_ms);
    out_format(out, "{\"level\":\"%s\",\"msg\":", levels[entry->level]);
    json_write_string(out, entry->line, strlen(entry->line));
    write_field(out, "ts", moment);
    write_field(out, "thread", entry->thread);
    if (entry->status) {
        write_field(out, "eventType", "connectorStatus");
    }
    for (const struct log_field *field = entry->fields; field && field->name; field++) {
        if (field->is_number) {
            out_format(out, ",\"%s\":%s", field->name, field->value);
        } else {
            write_field(out, field->name, field->value);
        }
    }
    out_string(out, "}\n");
}
