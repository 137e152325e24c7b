/* Log lines as the platform reads them from standard error. */
#include <string.h>
#include <time.h>

#include "internal.h"

void flow_log(struct out *out, enum log_level level, const char *line, int64_t now_ms)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(now_ms / 1000);
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    out_format(out, "{\"level\":\"%s\",\"msg\":", levels[level]);
    json_write_string(out, line, strlen(line));
    out_format(out, ",\"ts\":\"%s.%03dZ\"}\n", text, (int)(now_ms % 1000));
}
