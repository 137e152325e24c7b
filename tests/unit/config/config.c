#include "base/cores.h"
#include "parse.h"

TestSuite(config, .init = start, .fini = stop);

Test(config, the_smallest_one_has_defaults)
{
    parse("{\"host\":\"h\",\"user\":\"u\"}");
    cr_assert_str_eq(config->host, "h");
    cr_assert_eq(config->port, 5432);
    cr_assert_str_eq(config->user, "u");
    cr_assert_null(config->password);
    cr_assert_str_eq(config->database, "postgres");
    cr_assert_str_eq(config->slot, "flow_slot");
    cr_assert_str_eq(config->publication, "flow_publication");
    cr_assert_str_eq(config->watermarks_schema, "public");
    cr_assert_str_eq(config->watermarks_table, "flow_watermarks");
    cr_assert_null(config->sslmode);
    cr_assert_null(config->skip_backfills);
    cr_assert_null(config->discover_schemas);
    cr_assert_null(config->source_tag);
    cr_assert_not(config->history_mode);
    cr_assert_eq(config->statement_timeout_ms, 0);
    cr_assert_eq(config->backfill_chunk_size, 50000);
    cr_assert_eq(config->backfill_workers, 1);
    cr_assert_eq(config->memory_limit_mb, 64);
    cr_assert_eq(config->wal_warn_mb, 1024);
    cr_assert_eq(config->wal_stop_mb, 0);
    cr_assert_eq(config->state_type, STATE_GLOBAL);
    cr_assert_eq(notices.len, 0);
}

Test(config, the_originals_flat_form)
{
    parse("{\"database\":\"flow\",\"host\":\"localhost\",\"password\":\"flow\",\"port\":5433,"
          "\"user\":\"flow_capture\",\"publication_name\":\"p\",\"slot_name\":\"s_1\","
          "\"watermarks_table\":\"ops.marks\"}");
    cr_assert_str_eq(config->database, "flow");
    cr_assert_str_eq(config->password, "flow");
    cr_assert_eq(config->port, 5433);
    cr_assert_str_eq(config->publication, "p");
    cr_assert_str_eq(config->slot, "s_1");
    cr_assert_str_eq(config->other_slot, "s_1__full_refresh");
    cr_assert_str_eq(config->watermarks_schema, "ops");
    cr_assert_str_eq(config->watermarks_table, "marks");
}

Test(config, the_other_slot_has_a_name_that_the_server_takes)
{
    char text[200], name[64] = {0};
    memset(name, 'a', 63);
    snprintf(text, sizeof text, WITH("\"slot_name\":\"%s\""), name);
    parse(text);
    cr_assert_eq(strlen(config->other_slot), 63);
    cr_assert_str_neq(config->slot, config->other_slot);
    config_use_other_slot(config);
    cr_assert_str_eq(config->other_slot, name);
}

Test(config, flows_form)
{
    parse("{\"address\":\"db.example:6000\",\"user\":\"u\",\"database\":\"d\",\"historyMode\":true,"
          "\"credentials\":{\"auth_type\":\"UserPassword\",\"password\":\"secret\"},"
          "\"networkTunnel\":null,\"advanced\":{\"publicationName\":\"p\",\"slotName\":\"s\","
          "\"watermarksTable\":\"a.b\",\"skip_backfills\":\"public.x, other.y\","
          "\"backfill_chunk_size\":100,\"sslmode\":\"verify-full\",\"discover_schemas\":[\"a\","
          "\"b\"],"
          "\"min_backfill_xid\":\"123\",\"source_tag\":\"tag\",\"statement_timeout\":\"5m\"}}");
    cr_assert_str_eq(config->host, "db.example");
    cr_assert_eq(config->port, 6000);
    cr_assert_str_eq(config->password, "secret");
    cr_assert(config->history_mode);
    cr_assert_str_eq(config->publication, "p");
    cr_assert_str_eq(config->slot, "s");
    cr_assert_str_eq(config->watermarks_schema, "a");
    cr_assert_str_eq(config->skip_backfills[0], "public.x");
    cr_assert_str_eq(config->skip_backfills[1], "other.y");
    cr_assert_null(config->skip_backfills[2]);
    cr_assert_eq(config->backfill_chunk_size, 100);
    cr_assert_str_eq(config->sslmode, "verify-full");
    cr_assert_str_eq(config->discover_schemas[1], "b");
    cr_assert_null(config->discover_schemas[2]);
    cr_assert_eq(config->min_backfill_xid, 123);
    cr_assert_str_eq(config->source_tag, "tag");
    cr_assert_eq(config->statement_timeout_ms, 300000);
    cr_assert_eq(notices.len, 0);
}

Test(config, our_own_options)
{
    parse(ADVANCED("\"backfill_workers\":64,\"memory_limit_mb\":16,\"state_type\":\"stream\","
                   "\"sslrootcert\":\"A\\nB\",\"sslcert\":\"C\",\"sslkey\":\"D\""));
    cr_assert_eq(config->backfill_workers, 64);
    cr_assert_eq(config->memory_limit_mb, 16);
    cr_assert_eq(config->state_type, STATE_STREAM);
    cr_assert_str_eq(config->sslrootcert, "A\nB");
    cr_assert_str_eq(config->sslcert, "C");
    cr_assert_str_eq(config->sslkey, "D");
}

Test(config, workers_chosen_by_cores_and_memory)
{
    cr_assert_eq(config_workers_of(1, 64), 1);
    cr_assert_eq(config_workers_of(2, 64), 2);
    cr_assert_eq(config_workers_of(64, 64), 5);
    cr_assert_eq(config_workers_of(64, 16), 1);
    cr_assert_eq(config_workers_of(64, 1048576), 8);
    parse(ADVANCED("\"backfill_workers\":0,\"memory_limit_mb\":1024"));
    cr_assert_eq(config->backfill_workers, config_workers_of(cores_usable(), 1024));
    parse(ADVANCED("\"memory_limit_mb\":16,\"backfill_workers\":0"));
    cr_assert_eq(config->backfill_workers, 1);
}

Test(config, what_is_required)
{
    refused("{\"user\":\"u\"}", "config: host is missing: give host, or address");
    refused("{\"host\":\"h\"}", "config: user is missing");
    refused("{\"host\":\"h\",\"user\":null}", "config: user is missing");
    refused("{}", "config: host is missing: give host, or address\nconfig: user is missing");
}

Test(config, all_faults_are_reported)
{
    refused(
        "{\"port\":0,\"slotname\":\"s\",\"credentials\":{\"pasword\":\"hush\"},\"database\":1,"
        "\"advanced\":{\"sslmod\":\"x\",\"backfill_workers\":65}}",
        "config: slotname is not an option; the nearest one is slot_name\n"
        "config: credentials.pasword is not an option; the nearest one is credentials.password\n"
        "config: advanced.sslmod is not an option; the nearest one is advanced.sslmode\n"
        "config: host is missing: give host, or address\n"
        "config: port must be a whole number from 1 to 65535\n"
        "config: user is missing\n"
        "config: database must be a string, not a number\n"
        "config: advanced.backfill_workers must be a whole number from 0 to 64");
    refused("{\"host\":5,\"user\":\"u\"}", "config: host must be a string, not a number");
}

Test(config, one_thing_is_said_once)
{
    refused("{\"host\":\"h\",\"address\":\"h2\",\"user\":\"u\"}",
            "config: address says the same as host: give one of the two");
    refused(WITH("\"password\":\"a\",\"credentials\":{\"password\":\"b\"}"),
            "config: credentials.password says the same as password: give one of the two");
    refused(
        WITH("\"slot_name\":\"a__full_refresh\""),
        "config: slot_name is \"a__full_refresh\"; names with __full_refresh at the end are those "
        "of the slots that full refreshes make and drop");
    refused(WITH("\"slot_name\":\"a\",\"advanced\":{\"slotName\":\"b\"}"),
            "config: advanced.slotName says the same as slot_name: give one of the two");
}

Test(config, an_option_given_twice_with_one_value_counts_once)
{
    parse(
        "{\"address\":\"h\",\"user\":\"u\",\"password\":\"a\",\"credentials\":{\"password\":\"a\"},"
        "\"slot_name\":\"b\",\"advanced\":{\"slotName\":\"b\"}}");
    cr_assert_str_eq(config->password, "a");
    cr_assert_str_eq(config->slot, "b");
}

Test(config, messages_name_options_as_they_were_written)
{
    parse("{\"host\":\"h\",\"user\":\"u\"}");
    cr_assert_str_eq(config_words(config)->place, "\"host\" and \"port\"");
    cr_assert_str_eq(config_words(config)->slot, "slot_name");
    parse("{\"address\":\"h\",\"user\":\"u\"}");
    cr_assert_str_eq(config_words(config)->place, "\"address\"");
    cr_assert_str_eq(config_words(config)->slot, "advanced.slotName");
}

Test(config, a_default_in_one_spelling_does_not_bar_the_other)
{
    parse("{\"address\":\"h:99\",\"port\":5432,\"user\":\"u\",\"slot_name\":\"flow_slot\","
          "\"advanced\":{\"slotName\":\"mine\"}}");
    cr_assert_eq(config->port, 99);
    cr_assert_str_eq(config->slot, "mine");
}

Test(config, unknown_options_name_the_nearest)
{
    refused(WITH("\"hots\":1"), "config: hots is not an option; the nearest one is host");
    refused(WITH("\"slotname\":1"),
            "config: slotname is not an option; the nearest one is slot_name");
    refused(WITH("\"Password\":\"hush\""),
            "config: Password is not an option; the nearest one is password");
    refused(WITH("\"sslmode\":\"require\""),
            "config: sslmode is not an option; the nearest one is advanced.sslmode");
    refused(ADVANCED("\"slot_name\":\"s\""),
            "config: advanced.slot_name is not an option; the nearest one is advanced.slotName");
    refused(WITH("\"advanced.sslmode\":\"require\""),
            "config: [\"advanced.sslmode\"] is not an option; the nearest one is advanced.sslmode");
    refused(WITH("\"credentials\":{\"advanced\":{}}"),
            "config: credentials.advanced is not an option; the nearest one is address");
    refused(
        WITH("\"credentials\":{\"pasword\":\"hush\"}"),
        "config: credentials.pasword is not an option; the nearest one is credentials.password");
}

Test(config, unknown_names_of_any_length_do_no_harm)
{
    char json[5000] = "{\"";
    memset(json + 2, 'x', 4000);
    strcpy(json + 4002, "\":1}");
    cr_assert_null(config_parse(json, strlen(json), &notices, &err));
    cr_assert_lt(strlen(err.message), 300);
}

Test(config, wrong_types)
{
    refused("[]", "config: must be an object, not an array");
    refused("null", "config: is missing: it must be an object");
    refused(WITH("\"port\":\"5432\""), "config: port must be a whole number, not a string");
    refused(WITH("\"database\":1"), "config: database must be a string, not a number");
    refused(WITH("\"password\":[\"hush\"]"), "config: password must be a string, not an array");
    refused(WITH("\"advanced\":true"), "config: advanced must be an object, not true or false");
    refused(WITH("\"historyMode\":\"true\""),
            "config: historyMode must be true or false, not a string");
    refused(ADVANCED("\"discover_schemas\":\"public\""),
            "config: advanced.discover_schemas must be an array, not a string");
    refused(ADVANCED("\"discover_schemas\":[\"a\",{}]"),
            "config: advanced.discover_schemas[1] must be a string, not an object");
}

Test(config, out_of_range)
{
    refused(WITH("\"port\":0"), "config: port must be a whole number from 1 to 65535");
    refused(WITH("\"port\":65536"), "config: port must be a whole number from 1 to 65535");
    refused(WITH("\"port\":1.5"), "config: port must be a whole number from 1 to 65535");
    refused(ADVANCED("\"backfill_chunk_size\":-1"),
            "config: advanced.backfill_chunk_size must be a whole number from 1 to 10000000");
    refused(ADVANCED("\"backfill_workers\":65"),
            "config: advanced.backfill_workers must be a whole number from 0 to 64");
    refused(ADVANCED("\"memory_limit_mb\":15"),
            "config: advanced.memory_limit_mb must be a whole number from 16 to 1048576");
}

Test(config, empty_strings)
{
    refused("{\"host\":\"\",\"user\":\"u\"}", "config: host must not be empty");
    refused("{\"host\":\"h\",\"user\":\"\"}", "config: user must not be empty");
    refused(WITH("\"slot_name\":\"\""), "config: slot_name must not be empty");
    parse(WITH("\"password\":\"\""));
    cr_assert_null(config->password);
    parse(ADVANCED("\"slotName\":\"\",\"sslmode\":\"\",\"skip_backfills\":\"\",\"source_tag\":\"\","
                   "\"min_backfill_xid\":\"\",\"statement_timeout\":\"\",\"discover_schemas\":[]"));
    cr_assert_str_eq(config->slot, "flow_slot");
    cr_assert_null(config->sslmode);
    cr_assert_null(config->skip_backfills);
    cr_assert_null(config->discover_schemas);
    refused(ADVANCED("\"discover_schemas\":[\"\"]"),
            "config: advanced.discover_schemas must not hold an empty name");
}

Test(config, notices_name_options_that_have_no_effect)
{
    parse(ADVANCED("\"read_only_capture\":true,\"capture_as_partitions\":true,"
                   "\"feature_flags\":\"x\",\"discover_only_published\":false"));
    cr_assert(config->read_only_capture && config->capture_as_partitions);
    cr_assert_str_eq(out_text(&notices),
                     "advanced.feature_flags: \"x\" is accepted but not acted on");
    parse(ADVANCED("\"read_only_capture\":false,\"feature_flags\":\"\""));
    cr_assert_eq(notices.len, 0);
}

Test(config, nulls_are_not_given)
{
    parse(WITH("\"port\":null,\"password\":null,\"advanced\":null,\"credentials\":null,"
               "\"address\":null"));
    parse(ADVANCED("\"sslmode\":null,\"backfill_workers\":null"));
    cr_assert_eq(config->backfill_workers, 1);
}

Test(config, secrets_stay_out_of_messages)
{
    static const char *const wrong[] = {
        "{\"host\":\"postgres://u:hush@h/d\",\"user\":\"u\"}",
        "{\"address\":\"u:hush@h\",\"user\":\"u\"}",
        "{\"address\":\"hush:hush\",\"user\":\"u\"}",
        WITH("\"password\":{\"hush\":1}"),
        WITH("\"password\":\"hush\",\"port\":0"),
        WITH("\"password\":\"hush\",\"credentials\":{\"password\":\"hush2\"}"),
        WITH("\"password\":\"hush"),
        WITH("\"password\":\"hush\",\"password\":\"hush\""),
        WITH("\"passwrd\":\"hush\""),
        ADVANCED("\"sslkey\":[\"hush\"]"),
        WITH("\"networkTunnel\":{\"sshForwarding\":{\"privateKey\":\"hush\"}}"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_null(config_parse(wrong[i], strlen(wrong[i]), &notices, &err));
        cr_expect_null(strstr(err.message, "hush"), "%s", err.message);
        cr_expect_str_empty(err.detail);
    }
}

Test(config, free_takes_nothing_too)
{
    struct config *none = NULL;
    config_free(&none);
}
