/* The CONNECTION_STATUS message: connects, and looks for all that a read would need. */
#include <string.h>

#include "airbyte/airbyte.h"
#include "pg/failover.h"
#include "pg/prerequisites.h"
#include "pg/remarks.h"
#include "json/json.h"

void airbyte_check_failed(struct out *out, const char *message)
{
    out_string(out, "{\"type\":\"CONNECTION_STATUS\",\"connectionStatus\":{\"status\":\"FAILED\","
                    "\"message\":");
    json_write_string(out, message, strlen(message));
    out_string(out, "}}\n");
}

static void add_remark(void *context, const char *line)
{
    struct out *remarks = context;
    out_format(remarks, remarks->len ? "\n%s" : "%s", line);
}

static void write_succeeded(struct out *out, const struct out *remarks)
{
    out_string(out, "{\"type\":\"CONNECTION_STATUS\",\"connectionStatus\":"
                    "{\"status\":\"SUCCEEDED\"");
    if (remarks->len) {
        out_string(out, ",\"message\":");
        json_write_string(out, remarks->data, remarks->len);
    }
    out_string(out, "}}\n");
}

bool airbyte_check(const struct config *config, int stop_fd, struct out *out, struct err *err)
{
    struct problems problems = {0};
    struct out text, remarks;
    out_init(&text, 256);
    out_init(&remarks, 256);
    struct pg *pg = pg_open(config, PG_SQL, "source-postgres check", stop_fd, err);
    bool asked =
        pg && prerequisites_check(pg, config, NULL, SLOT_MAY_BE_OURS, NULL, NULL, &problems, err) &&
        tables_remark(pg, config, NULL, add_remark, &remarks, err) &&
        failover_remark(pg, config, add_remark, &remarks, err);
    pg_close(&pg);
    problems_write(&text, &problems);
    if (asked && !problems.count) {
        write_succeeded(out, &remarks);
    } else if (asked || err->kind != ERR_STOPPED) {
        airbyte_check_failed(out, asked ? out_text(&text) : err->message);
    }
    problems_free(&problems);
    out_free(&text);
    out_free(&remarks);
    return asked || err->kind != ERR_STOPPED;
}
