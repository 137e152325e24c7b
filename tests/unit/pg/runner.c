#include "runner.h"

#include <criterion/criterion.h>
#include <string.h>

#include "problems.h"

static struct facts facts;
static struct problems problems;
static const struct table_facts of_other = {.owner = (char *)"other"};

static void one_statement(void)
{
    facts = (struct facts){.server = {.user = (char *)"capture"}, .admin = (char *)"master"};
    problem(&problems, "something is missing: run");
    mend(&problems, "SELECT 1");
}

static void clean_up(void)
{
    problems_free(&problems);
}

TestSuite(runner, .init = one_statement, .fini = clean_up);

static void is_left_to(const char *runner)
{
    const char *found = problems.items[0].statements[0].runner;
    cr_assert(runner ? found && !strcmp(found, runner) : !found, "%s", found);
}

Test(runner, an_administrator_runs_what_concerns_objects_of_his_own)
{
    left_to_owner(&problems, &facts, NULL);
    is_left_to(NULL);
    left_to_publisher(&problems, &facts, NULL);
    is_left_to(NULL);
}

Test(runner, a_superuser_runs_everything)
{
    facts.admin = NULL;
    facts.publication.owner = (char *)"publisher";
    left_to_owner(&problems, &facts, "other");
    left_to_publisher(&problems, &facts, &of_other);
    left_to_administrator(&problems, &facts);
    left_to(&problems, &facts, "a superuser");
    is_left_to(NULL);
}

Test(runner, owners_run_what_concerns_their_objects)
{
    left_to_owner(&problems, &facts, "other");
    is_left_to("user \"other\", or by a superuser");
    facts.publication.owner = (char *)"other";
    left_to_publisher(&problems, &facts, &of_other);
    is_left_to("user \"other\", or by a superuser");
}

Test(runner, nobody_gets_the_rights_of_a_superuser)
{
    struct table_facts table = {.owner = (char *)"postgres", .owner_superuser = true};
    left_to_publisher(&problems, &facts, &table);
    is_left_to("a superuser");
    facts.publication =
        (struct publication_facts){.owner = (char *)"postgres", .owner_superuser = true};
    left_to_publisher(&problems, &facts, &of_other);
    is_left_to("a superuser");
}

Test(runner, a_role_is_changed_by_who_may)
{
    left_to_administrator(&problems, &facts);
    is_left_to("a role with CREATEROLE, or by a superuser");
    left_to_replicator(&problems, &facts);
    is_left_to("a superuser");
    facts.server.replicates = true;
    left_to_administrator(&problems, &facts);
    is_left_to("a superuser");
    facts.server.version = 160000;
    left_to_administrator(&problems, &facts);
    is_left_to(
        "a role with CREATEROLE and the ADMIN OPTION of role \"capture\", or by a superuser");
    left_to_replicator(&problems, &facts);
    is_left_to(
        "a role with CREATEROLE, REPLICATION and the ADMIN OPTION of role \"capture\", or by "
        "a superuser");
}

Test(runner, a_right_to_create_is_given_before_it_is_used)
{
    facts.server.database = (char *)"shop";
    mend_create_in_database(&problems, &facts);
    cr_assert_eq(problems.items[0].statement_count, 1, "he may create in the database");
    facts.database_creator = (char *)"other";
    mend_create_in_database(&problems, &facts);
    cr_assert_str_eq(problems.items[0].statements[1].sql,
                     "GRANT CREATE ON DATABASE \"shop\" TO \"master\"");
    cr_assert_str_eq(problems.items[0].statements[1].runner, "user \"other\", or by a superuser");
}

Test(runner, a_table_and_a_publication_of_two_owners_take_the_rights_of_both)
{
    left_to_publisher(&problems, &facts, &of_other);
    is_left_to("user \"master\", once it has the rights of user \"other\" (GRANT \"other\" TO "
               "\"master\"), or by a superuser");
    facts.publication.owner = (char *)"publisher";
    left_to_publisher(&problems, &facts, NULL);
    is_left_to("user \"master\", once it has the rights of user \"publisher\" (GRANT "
               "\"publisher\" TO \"master\"), or by a superuser");
    left_to_publisher(&problems, &facts, &of_other);
    is_left_to("user \"publisher\", once it has the rights of user \"other\" (GRANT \"other\" TO "
               "\"publisher\"), or by a superuser");
}
