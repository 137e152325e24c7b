#include "runner.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalogs.h"
#include "problems.h"

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

/* Before version 16 CREATEROLE is enough, but not where the role replicates. */
static void left_to_role_maker(struct problems *problems, const struct facts *facts,
                               bool replicates, const char *needed)
{
    bool older = facts->server.version < 160000;
    char *runner =
        older ? mem_string(replicates ? "a superuser" : "a role with CREATEROLE, or by a superuser")
              : mem_format("a role with %s and the ADMIN OPTION of role \"%s\", or by a superuser",
                           needed, facts->server.user);
    left_to(problems, facts, runner);
    free(runner);
}

void left_to_administrator(struct problems *problems, const struct facts *facts)
{
    left_to_role_maker(problems, facts, facts->server.replicates, "CREATEROLE");
}

void left_to_replicator(struct problems *problems, const struct facts *facts)
{
    left_to_role_maker(problems, facts, true, "CREATEROLE, REPLICATION");
}

void mend_create_in_database(struct problems *problems, const struct facts *facts)
{
    if (facts->admin && facts->database_creator) {
        char *database = sql_name(facts->server.database);
        char *admin = sql_name(facts->admin);
        mend(problems, "GRANT CREATE ON DATABASE %s TO %s", database, admin);
        left_to_owner(problems, facts, facts->database_creator);
        free(admin);
        free(database);
    }
}

void mend_create_in_schema(struct problems *problems, const struct facts *facts,
                           const struct table_facts *table, const char *schema)
{
    if (facts->admin && table->schema_creator) {
        char *name = sql_name(schema);
        char *admin = sql_name(facts->admin);
        mend(problems, "GRANT CREATE ON SCHEMA %s TO %s", name, admin);
        left_to_owner(problems, facts, table->schema_creator);
        free(admin);
        free(name);
    }
}

/* Nobody is to get the rights of a superuser for this. */
static bool is_of_superuser(const struct facts *facts, const struct table_facts *table)
{
    return (facts->publication.owner && facts->publication.owner_superuser) ||
           (table && table->owner && table->owner_superuser);
}

void left_to_publisher(struct problems *problems, const struct facts *facts,
                       const struct table_facts *table)
{
    const char *publisher = facts->publication.owner, *owner = table ? table->owner : NULL;
    if (!facts->admin || !(publisher || owner)) {
        return;
    }
    if (is_of_superuser(facts, table)) {
        left_to(problems, facts, "a superuser");
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
