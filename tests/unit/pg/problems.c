#include <criterion/criterion.h>
#include <string.h>

#include "problems.h"

/* A server on which nothing is missing, and a catalog of one table; each test breaks one thing. */
static struct table_facts tables[2];
static struct facts facts;
static struct config config;
static struct catalog_stream stream;
static struct catalog catalog;
static struct problems problems;

static void all_well(void)
{
    static const struct table_facts fine = {
        .schema_exists = true,
        .schema_usable = true,
        .oid = 16384,
        .kind = 'r',
        .persistence = 'p',
        .readable = true,
        .identified = true,
        .published = true,
    };
    tables[0] = tables[1] = fine;
    tables[1].oid++;
    facts = (struct facts){
        .server = {.version = 150004,
                   .wal_level = (char *)"logical",
                   .user = (char *)"flow_capture",
                   .database = (char *)"postgres",
                   .role_limit = -1,
                   .database_limit = -1,
                   .max_slots = 10},
        .publication = {.exists = true,
                        .all_tables = true,
                        .inserts = true,
                        .updates = true,
                        .deletes = true,
                        .truncates = true},
        .tables = tables,
        .stream_count = 1,
        .named = NAMED_TABLES,
        .watermarks = {.columns = true, .unique = true, .writable = true},
    };
    config = (struct config){.slot = (char *)"flow_slot",
                             .publication = (char *)"flow_publication",
                             .watermarks_schema = (char *)"public",
                             .watermarks_table = (char *)"flow_watermarks"};
    stream = (struct catalog_stream){.schema = (char *)"My Schema", .table = (char *)"t"};
    catalog = (struct catalog){.streams = &stream, .count = 1};
}

static void clean_up(void)
{
    problems_free(&problems);
}

TestSuite(problems, .init = all_well, .fini = clean_up);

static void finds(const char *words)
{
    problems_free(&problems);
    problems_find(&facts, &config, &catalog, SLOT_MUST_BE_FREE, &problems);
    cr_assert_eq(problems.count, 1);
    const char *text = problems.items[0].text;
    cr_assert(strstr(text, words), "\"%s\" is not in: %s", words, text);
    cr_assert_null(strchr(text, '\n'), "more than one line: %s", text);
}

static void finds_nothing(void)
{
    problems_free(&problems);
    problems_find(&facts, &config, &catalog, SLOT_MUST_BE_FREE, &problems);
    cr_assert_eq(problems.count, 0, "found: %s", problems.items[0].text);
}

Test(problems, the_restricted_setup_has_none)
{
    finds_nothing();
}

Test(problems, an_old_server_and_a_wrong_wal_level)
{
    facts.server.version = 90624;
    finds("PostgreSQL 9.6");
    facts.server.version = 100000;
    facts.server.wal_level = (char *)"replica";
    finds("ALTER SYSTEM SET wal_level = logical");
}

Test(problems, of_a_table_name_its_stream)
{
    facts.server.wal_level = (char *)"replica";
    tables[0].oid = 0;
    problems_find(&facts, &config, &catalog, SLOT_MUST_BE_FREE, &problems);
    cr_assert_eq(problems.count, 2);
    cr_assert_str_empty(problems.items[0].table);
    cr_assert_str_eq(problems.items[1].schema, "My Schema");
    cr_assert_str_eq(problems.items[1].table, "t");
}

Test(problems, no_room_for_a_slot)
{
    facts.server.slots = 10;
    facts.server.idle_slots = (char *)"old_one";
    finds("nobody reads old_one");
    facts.slot = (struct slot){.exists = true,
                               .logical = true,
                               .plugin = (char *)"pgoutput",
                               .database = (char *)"postgres"};
    finds_nothing();
}

Test(problems, a_slot_that_cannot_serve)
{
    struct slot fine = {.exists = true,
                        .logical = true,
                        .plugin = (char *)"pgoutput",
                        .database = (char *)"postgres"};
    facts.slot = fine;
    facts.slot.plugin = (char *)"test_decoding";
    finds("exists for test_decoding");
    facts.slot = fine;
    facts.slot.database = (char *)"other";
    finds("belongs to database \"other\"");
    facts.slot = fine;
    facts.slot.temporary = true;
    finds("temporary");
    facts.slot = fine;
    facts.slot.invalidation = (char *)"wal_removed";
    finds("wal_removed");
    facts.slot = (struct slot){.exists = true};
    finds("physical replication");
}

Test(problems, a_publication_that_only_others_may_create)
{
    facts.publication = (struct publication_facts){0};
    finds("CREATE PUBLICATION \"flow_publication\" FOR TABLE ONLY \"public\".\"flow_watermarks\", "
          "ONLY \"My Schema\".\"t\" WITH (publish_via_partition_root = true)");
    facts.server.superuser = true;
    finds_nothing();
}

Test(problems, a_publication_names_only_what_can_be_published)
{
    struct table_facts fine = tables[0], unfit[] = {fine, fine, fine, fine, tables[1]};
    facts.publication = (struct publication_facts){0};
    unfit[0].oid = 0;
    unfit[1].kind = 'v';
    unfit[2].persistence = 'u';
    unfit[3].system = true;
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        tables[0] = unfit[i];
        problems_free(&problems);
        problems_find(&facts, &config, &catalog, SLOT_MUST_BE_FREE, &problems);
        const char *sql = strstr(problems.items[problems.count - 1].text, "CREATE PUBLICATION");
        cr_assert_str_eq(sql,
                         "CREATE PUBLICATION \"flow_publication\" FOR TABLE ONLY "
                         "\"public\".\"flow_watermarks\" WITH (publish_via_partition_root = true)");
    }
}

Test(problems, a_publication_that_the_owner_of_all_tables_may_create)
{
    facts.publication = (struct publication_facts){0};
    facts.server.may_create = true;
    finds("CREATE PUBLICATION");
    tables[0].owned = tables[1].owned = true;
    finds_nothing();
}

Test(problems, a_publication_without_updates_carries_no_watermarks)
{
    facts.publication.updates = false;
    finds("SET (publish = 'insert, update, delete, truncate')");
}

Test(problems, a_watermarks_table_that_only_others_may_create)
{
    tables[1] = (struct table_facts){.schema_exists = true, .schema_usable = true};
    finds("CREATE TABLE \"public\".\"flow_watermarks\" (slot TEXT PRIMARY KEY, watermark TEXT)");
    tables[1].schema_writable = true;
    finds_nothing();
}

Test(problems, a_watermarks_table_that_cannot_serve)
{
    facts.watermarks.writable = false;
    finds("GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE \"public\".\"flow_watermarks\" TO "
          "\"flow_capture\"");
    facts.watermarks.writable = true;
    facts.watermarks.unique = false;
    finds("ADD PRIMARY KEY (slot)");
    facts.watermarks.columns = false;
    finds("watermarks_table");
}

Test(problems, a_table_that_is_not_there_or_not_a_table)
{
    tables[0].kind = 'v';
    finds("is a view");
    tables[0].kind = 'r';
    tables[0].persistence = 'u';
    finds("unlogged");
    tables[0].oid = 0;
    finds("does not exist");
}

Test(problems, a_table_that_may_not_be_read)
{
    tables[0].readable = false;
    finds("GRANT SELECT ON TABLE \"My Schema\".\"t\" TO \"flow_capture\"");
    tables[0].readable = true;
    tables[0].row_security = true;
    finds("BYPASSRLS");
}

Test(problems, an_unpublished_table_that_only_others_may_add)
{
    facts.publication.all_tables = false;
    tables[0].published = false;
    finds("ALTER PUBLICATION \"flow_publication\" ADD TABLE ONLY \"My Schema\".\"t\"");
    facts.publication.owned = tables[0].owned = true;
    finds_nothing();
}

Test(problems, partitions_published_under_another_name)
{
    tables[0].kind = 'p';
    tables[0].published = false;
    finds("SET (publish_via_partition_root = true)");
    facts.server.version = 120000;
    finds("capture those");
    facts.server.version = 150004;
    tables[0].kind = 'r';
    tables[0].partition = true;
    facts.publication.via_root = true;
    finds("capture that one");
}

Test(problems, a_key_of_the_catalogs_that_may_repeat)
{
    char *key[] = {(char *)"a", (char *)"B", NULL};
    stream.key = key;
    tables[0].key_repeats = true;
    finds("run CREATE UNIQUE INDEX ON \"My Schema\".\"t\" (\"a\", \"B\")");
    tables[0].uniques = (char *)"(a, c), (d)";
    finds("choose a key that contains one of (a, c), (d), leave primary_key out");
    tables[0].key_nulls = (char *)"ALTER COLUMN a SET NOT NULL";
    finds(
        "run ALTER TABLE \"My Schema\".\"t\" ALTER COLUMN a SET NOT NULL; CREATE UNIQUE INDEX ON");
    stream.mode = BACKFILL_ONLY_CHANGES;
    finds_nothing();
    stream.mode = BACKFILL_NORMAL;
    stream.key_may_repeat = true;
    finds_nothing();
}

Test(problems, a_watermarks_table_that_runs_code_of_others)
{
    facts.watermarks.owner = (char *)"mallory";
    finds("ALTER TABLE \"public\".\"flow_watermarks\" OWNER TO \"flow_capture\"");
    facts.watermarks.owner = NULL;
    facts.watermarks.trigger_makers = (char *)"PUBLIC";
    finds("REVOKE TRIGGER ON TABLE \"public\".\"flow_watermarks\" FROM PUBLIC");
    facts.watermarks.trigger_makers = NULL;
    facts.watermarks.code = (char *)"rule r, trigger t";
    finds("drop rule r, trigger t");
}

Test(problems, limits_of_connections_bind_all_but_superusers)
{
    config.backfill_workers = 2;
    facts.server.role_limit = 4;
    finds("ALTER ROLE \"flow_capture\" CONNECTION LIMIT 5");
    facts.server.superuser = true;
    finds_nothing();
    facts.server.superuser = false;
    facts.server.role_limit = 5;
    finds_nothing();
    facts.server.database_limit = 4;
    finds("ALTER DATABASE \"postgres\" CONNECTION LIMIT 5");
}

Test(problems, a_publication_that_leaves_deletes_out)
{
    facts.publication.deletes = false;
    finds("does not publish deletes");
}

Test(problems, a_slot_of_two_phases)
{
    facts.slot = (struct slot){.exists = true,
                               .logical = true,
                               .two_phase = true,
                               .plugin = (char *)"pgoutput",
                               .database = (char *)"postgres"};
    finds("two_phase");
}

Test(problems, tables_of_which_some_columns_may_be_read)
{
    facts.survey.offered = 2;
    facts.survey.readable = 1;
    facts.survey.partly = (struct table_list){1, (char *)"s.t"};
    problems_find(&facts, &config, NULL, SLOT_MUST_BE_FREE, &problems);
    cr_assert_eq(problems.count, 1);
    cr_expect(strstr(problems.items[0].text, "GRANT SELECT ON TABLE s.t TO \"flow_capture\""));
}

Test(problems, a_table_without_identity_is_not_published)
{
    tables[0].identified = false;
    finds_nothing(); /* others have published it */
    tables[0].published = false;
    facts.publication.all_tables = false;
    facts.publication.owned = true;
    tables[0].owned = true;
    finds("ALTER TABLE \"My Schema\".\"t\" REPLICA IDENTITY FULL");
    facts.publication = (struct publication_facts){0};
    facts.server.superuser = true;
    finds("ALTER TABLE \"My Schema\".\"t\" REPLICA IDENTITY FULL");
    tables[0].identified = true;
    finds_nothing();
}

Test(problems, all_tables_are_published_only_where_that_is_asked_for_and_breaks_nothing)
{
    facts.publication = (struct publication_facts){0};
    config.publish_all_tables = true;
    finds("FOR ALL TABLES");
    facts.server.superuser = true;
    finds_nothing();
    facts.survey.unidentified = (struct table_list){1, (char *)"s.t"};
    finds("take advanced.publish_all_tables out");
}

Test(problems, an_older_server_has_no_failover_slots)
{
    config.failover_slot = FAILOVER_ALWAYS;
    facts.server.version = 160004;
    finds("the server is PostgreSQL 16: failover slots came with version 17");
    facts.server.version = 170000;
    finds_nothing();
}

Test(problems, the_first_slot_turns_logical_decoding_on)
{
    static const struct {
        const char *wal_level, *effective;
        bool decodes;
    } servers[] = {
        {"logical", NULL, true},      {"replica", NULL, false},      {"minimal", NULL, false},
        {"logical", "logical", true}, {"replica", "logical", true},  {"replica", "replica", true},
        {"logical", "replica", true}, {"minimal", "minimal", false},
    };
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        facts.server.wal_level = (char *)servers[i].wal_level;
        facts.server.effective_wal_level = (char *)servers[i].effective;
        if (servers[i].decodes) {
            finds_nothing();
        } else {
            finds("ALTER SYSTEM SET wal_level = logical");
        }
    }
}

Test(problems, a_table_that_a_publication_for_all_tables_leaves_out)
{
    tables[0].published = false;
    finds("take the table out of its EXCEPT list");
}

Test(problems, records_that_are_asked_for_need_a_server_that_sends_them)
{
    static char all[] = "*", *patterns[] = {all, NULL};
    config.emit_messages = patterns;
    config.emit_truncates = true;
    finds_nothing();
    facts.server.version = 130012;
    finds("advanced.emit_messages needs PostgreSQL 14 or newer, and the server is PostgreSQL 13");
    config.emit_messages = NULL;
    finds_nothing();
    facts.server.version = 100023;
    finds("advanced.emit_truncates needs PostgreSQL 11");
}

Test(problems, truncates_that_are_asked_for_must_be_published)
{
    facts.publication.truncates = false;
    finds_nothing();
    config.emit_truncates = true;
    finds("does not publish truncates");
}
