/* teardown: prints what it would drop, and what it keeps. */
#include "commands/commands.h"

static void print_kept(struct out *out, const struct problems *kept)
{
    for (size_t i = 0; i < kept->count; i++) {
        out_format(out, "Left as it is: %s\n", kept->items[i].text);
    }
}

bool command_teardown_plan(const struct request *request, struct pg **pg, struct teardown *teardown,
                           struct out *out, struct err *err)
{
    *teardown = (struct teardown){0};
    *pg = pg_open(request->config, PG_SQL, "source-postgres teardown", request->stop_fd, err);
    if (!*pg || !teardown_plan(*pg, request->config, teardown, err)) {
        return false;
    }
    if (teardown_drops(teardown)) {
        out_format(out, "In database \"%s\" this is to be run:\n\n", request->config->database);
        teardown_sql(out, request->config, teardown);
        out_char(out, '\n');
        if (teardown->slot) {
            out_string(out, "Without its slot the capture can only begin again with all rows.\n");
        }
    } else {
        out_format(out, "In database \"%s\" there is nothing to drop.\n",
                   request->config->database);
    }
    print_kept(out, &teardown->kept);
    return true;
}
