/* Log lines as the platform reads them from standard error. */
#include <string.h>
#include <time.h>

#include "internal.h"

static void write_field(struct out *out, const char *name, const char *value)
{
    out_format(out, ",\"%s\":", name);
    json_write_string(out, value, strlen(value));
}

void flow_log(struct out *out, const struct log_entry *entry, int64_t now_ms)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(now_ms / 1000);
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    out_format(out, "{\"level\":\"%s\",\"msg\":", levels[entry->level]);
    json_write_string(out, entry->line, strlen(entry->line));
    out_format(out, ",\"ts\":\"%s.%03dZ\"", text, (int)(now_ms % 1000));
    write_field(out, "thread", entry->thread);
    if (entry->status) {
        write_field(out, "eventType", "connectorStatus");
    }
    for (const struct log_field *field = entry->fields; field && field->name; field++) {
        write_field(out, field->name, field->value);
    }
    out_string(out, "}\n");
}
