/* The responses to validate and apply. */
#include <string.h>

#include "internal.h"
#include "pg/describe.h"
#include "pg/prerequisites.h"

static bool check(const struct config *config, const struct catalog *catalog, int stop_fd,
                  struct err *err)
{
    struct problems problems = {0};
    struct pg *pg = pg_open(config, PG_SQL, "source-postgres validate", stop_fd, err);
    bool ok = pg &&
              prerequisites_check(pg, config, catalog, SLOT_MAY_BE_READ, NULL, &problems, err) &&
              (problems.count || tables_check_keys(pg, config, catalog, &problems, err)) &&
              problems_none(&problems, err);
    pg_close(&pg);
    problems_free(&problems);
    return ok;
}

bool flow_validate(const struct config *config, const struct catalog *catalog, int stop_fd,
                   struct out *out, struct err *err)
{
    if (!check(config, catalog, stop_fd, err)) {
        return false;
    }
    out_string(out, "{\"validated\":{\"bindings\":[");
    for (int i = 0; i < catalog->count; i++) {
        char *const path[] = {catalog->streams[i].schema, catalog->streams[i].table, NULL};
        out_string(out, i ? ",{\"resourcePath\":" : "{\"resourcePath\":");
        json_write_strings(out, path);
        out_char(out, '}');
    }
    out_string(out, "]}}\n");
    return true;
}

/* Nothing is made ahead of time: a capture makes what it needs when it is opened. */
void flow_applied(struct out *out)
{
    out_string(out, "{\"applied\":{}}\n");
}
