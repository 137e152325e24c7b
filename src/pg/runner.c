#include "runner.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalogs.h"

void left_to(struct problems *problems, const struct facts *facts, const char *runner)
{
    if (facts->admin) {
        problems_leave_to(problems, runner);
    }
}

void left_to_owner(struct problems *problems, const struct facts *facts, const char *owner)
{
    if (owner) {
        char *runner = mem_format("user \"%s\", or by a superuser", owner);
        left_to(problems, facts, runner);
        free(runner);
    }
}

void left_to_administrator(struct problems *problems, const struct facts *facts)
{
    char *runner = mem_format("who administers role \"%s\", or by a superuser", facts->server.user);
    left_to(problems, facts, runner);
    free(runner);
}

void left_to_publisher(struct problems *problems, const struct facts *facts, const char *owner)
{
    const char *publisher = facts->publication.owner;
    if (!facts->admin || !(publisher || owner)) {
        return;
    }
    if (publisher && owner && !strcmp(publisher, owner)) {
        left_to_owner(problems, facts, owner);
        return;
    }
    const char *member = publisher && owner ? publisher : facts->admin;
    const char *granted = owner ? owner : publisher;
    char *to = sql_name(member);
    char *what = sql_name(granted);
    char *runner =
        mem_format("user \"%s\", once it has the rights of user \"%s\" (GRANT %s TO %s), "
                   "or by a superuser",
                   member, granted, what, to);
    left_to(problems, facts, runner);
    free(runner);
    free(what);
    free(to);
}
