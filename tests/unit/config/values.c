#include "parse.h"

TestSuite(values, .init = start, .fini = stop);

static void address(const char *text, const char *host, int port)
{
    char json[200];
    snprintf(json, sizeof json, "{\"address\":\"%s\",\"user\":\"u\"}", text);
    parse(json);
    cr_expect_str_eq(config->host, host, "%s", text);
    cr_expect_eq(config->port, port, "%s", text);
}

Test(values, addresses_in_all_their_forms)
{
    address("h", "h", 5432);
    address("h:1", "h", 1);
    address("10.0.0.1:65535", "10.0.0.1", 65535);
    address("[::1]", "::1", 5432);
    address("[fe80::1%eth0]:99", "fe80::1%eth0", 99);
    address("2001:db8::1", "2001:db8::1", 5432);
    address("/var/run/postgresql", "/var/run/postgresql", 5432);
    address("/tmp/a:b", "/tmp/a:b", 5432);
}

Test(values, wrong_addresses)
{
    static const char *const wrong[] = {"h:",
                                        "h:0",
                                        "h:65536",
                                        "h:x",
                                        "h:-1",
                                        "h: 1",
                                        "[::1",
                                        "[]",
                                        "[]:1",
                                        "[::1]x",
                                        ":5432",
                                        "[::1]:",
                                        "h:000001",
                                        "a b",
                                        "pg://h",
                                        "u@h",
                                        "h:99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char json[200];
        snprintf(json, sizeof json, "{\"address\":\"%s\",\"user\":\"u\"}", wrong[i]);
        cr_expect_null(config_parse(json, strlen(json), &notices, &err), "%s", wrong[i]);
        cr_expect_eq(strncmp(err.message, "config: address ", 16), 0, "%s", err.message);
    }
}

Test(values, the_port_may_be_given_beside_an_address_without_one)
{
    parse("{\"address\":\"h\",\"port\":99,\"user\":\"u\"}");
    cr_assert_eq(config->port, 99);
    parse("{\"address\":\"h:99\",\"port\":99,\"user\":\"u\"}");
    refused("{\"address\":\"h:98\",\"port\":99,\"user\":\"u\"}",
            "config: address holds a port other than port: give it once");
}

Test(values, a_host_is_a_host_alone)
{
    parse("{\"host\":\"/tmp\",\"user\":\"u\"}");
    parse("{\"host\":\"::1\",\"user\":\"u\"}");
    cr_assert_str_eq(config->host, "::1");
    refused("{\"host\":\"h:5432\",\"user\":\"u\"}",
            "config: host must not hold a port: use port for it, or address");
    refused("{\"host\":\"[::1]\",\"user\":\"u\"}",
            "config: host must not hold a port: use port for it, or address");
}

Test(values, slot_names)
{
    static const char *const wrong[] = {
        "Flow", "a-b", "a b",
        "é",    "a.b", "a234567890123456789012345678901234567890123456789012345678901234"};
    parse(WITH("\"slot_name\":\"_09az\""));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char json[200];
        snprintf(json, sizeof json, WITH("\"slot_name\":\"%s\""), wrong[i]);
        cr_expect_null(config_parse(json, strlen(json), &notices, &err), "%s", wrong[i]);
        cr_expect_not_null(strstr(err.message, "lower-case letters"));
    }
}

Test(values, tables_have_two_parts)
{
    parse(WITH("\"watermarks_table\":\"\\\"My.Schema\\\".\\\"t\\\"\\\"x\\\"\""));
    cr_assert_str_eq(config->watermarks_schema, "My.Schema");
    cr_assert_str_eq(config->watermarks_table, "t\"x");
    refused(WITH("\"watermarks_table\":\"marks\""),
            "config: watermarks_table is \"marks\"; it must be schema.table");
    refused(WITH("\"watermarks_table\":\"a.b.c\""),
            "config: watermarks_table is \"a.b.c\"; it must be schema.table");
}

Test(values, lists_of_tables)
{
    parse(ADVANCED("\"skip_backfills\":\" a.b ,\\\"c,d\\\".e,\\\"f\\\".g \""));
    cr_assert_str_eq(config->skip_backfills[0], "a.b");
    cr_assert_str_eq(config->skip_backfills[1], "c,d.e");
    cr_assert_str_eq(config->skip_backfills[2], "f.g");
    cr_assert_null(config->skip_backfills[3]);
    static const char *const wrong[] = {"a", "a.b,", ",a.b", "a.b,,c.d", " ", ","};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char json[200];
        snprintf(json, sizeof json, ADVANCED("\"skip_backfills\":\"%s\""), wrong[i]);
        refused(json,
                "config: advanced.skip_backfills must list tables as schema.table, with commas "
                "between; * stands for any schema or any table");
    }
}

static bool skips(const char *list, const char *schema, const char *table)
{
    char json[200];
    snprintf(json, sizeof json, ADVANCED("\"skip_backfills\":\"%s\""), list);
    parse(json);
    return config_skips_backfill(config, schema, table);
}

Test(values, skipped_tables_in_any_case)
{
    cr_assert(skips("x.y,Public.ITEMS", "public", "items"));
    cr_assert(skips("public.items", "PUBLIC", "Items"));
    cr_assert_not(skips("public.items", "public", "items2"));
    cr_assert_not(skips("", "public", "items"));
}

Test(values, skipped_schemas)
{
    cr_assert(skips("*.*", "public", "items"));
    cr_assert(skips("a.b,PUBLIC.*", "public", "items"));
    cr_assert_not(skips("public.*", "public2", "items"));
    cr_assert_not(skips("public2.*", "public", "items"));
    cr_assert_not(skips("a.*", "public", "a"));
    cr_assert(skips("*.ITEMS", "public", "items"));
    cr_assert_not(skips("*.items", "public", "items2"));
    cr_assert_not(skips("*.item", "public", "items"));
    cr_assert(skips("*x.*y", "*x", "*y"));
    cr_assert_not(skips("public.item*", "public", "items"));
}

Test(values, skipped_names_with_dots)
{
    cr_assert(skips("public.a.b", "public", "a.b"));
    cr_assert(skips("\\\"s.1\\\".t", "s.1", "t"));
    cr_assert(skips("\\\"s.1\\\".*", "s.1", "t"));
    cr_assert_not(skips("\\\"s.1\\\".*", "s", "1"));
}

Test(values, patterns_of_tables)
{
    parse(WITH("\"discoveryFilters\":{\"table_patterns\":[\"order_*\",\"s?.*\"],"
               "\"include_schemas\":[\"a\"],\"exclude_schemas\":[\"b\"]}"));
    cr_assert_str_eq(config->discovery.patterns[1], "s?.*");
    cr_assert_str_eq(config->discovery.included[0], "a");
    cr_assert_str_eq(config->discovery.excluded[0], "b");
    cr_assert_not(config->discovery.unpublished);
    static const char *const wrong[] = {"", ".t", "s.", "a.b.c"};
    for (size_t i = 0; i < 4; i++) {
        char json[200], message[200];
        snprintf(json, sizeof json, WITH("\"discoveryFilters\":{\"table_patterns\":[\"%s\"]}"),
                 wrong[i]);
        snprintf(message, sizeof message,
                 "config: discoveryFilters.table_patterns holds \"%s\"; a pattern is table, or "
                 "schema.table, with one dot",
                 wrong[i]);
        refused(json, message);
    }
}

Test(values, patterns_of_message_prefixes)
{
    parse(ADVANCED("\"emit_messages\":\" outbox , app.* \""));
    cr_assert_str_eq(config->emit_messages[0], "outbox");
    cr_assert_str_eq(config->emit_messages[1], "app.*");
    cr_assert_null(config->emit_messages[2]);
    cr_assert(config_emits_message(config, "outbox"));
    cr_assert(config_emits_message(config, "app.x/y"));
    cr_assert_not(config_emits_message(config, "outbox2"));
    cr_assert_not(config_emits_message(config, "app"));
    cr_assert_not(config_emits_message(config, ""));
    parse(ADVANCED("\"emit_messages\":\"*\""));
    cr_assert(config_emits_message(config, ""));
    cr_assert_not(config_emits_message(config, "source-postgres"), "a heartbeat");
    parse(ADVANCED("\"emit_messages\":\"\""));
    cr_assert_null(config->emit_messages);
    cr_assert_not(config_emits_message(config, ""));
}

Test(values, unpublished_tables_in_either_place)
{
    parse(WITH("\"discoveryFilters\":{\"discover_unpublished_tables\":true},"
               "\"advanced\":{\"discover_unpublished_tables\":true}"));
    cr_assert(config->discovery.unpublished);
    parse(ADVANCED("\"discover_unpublished_tables\":true"));
    cr_assert(config->discovery.unpublished);
    parse(WITH("\"discoveryFilters\":{\"discover_unpublished_tables\":false},"
               "\"advanced\":{\"discover_unpublished_tables\":false}"));
    cr_assert_not(config->discovery.unpublished);
}

Test(values, feature_flags)
{
    parse(ADVANCED("\"feature_flags\":\"no_use_schema_inference, flatten_arrays ,"
                   "emit_sourced_schemas,no_emit_sourced_schemas,,no_x\""));
    cr_assert(config->no_schema_inference);
    cr_assert(config->no_sourced_schemas);
    cr_assert_str_eq(out_text(&notices),
                     "advanced.feature_flags: \"flatten_arrays\" is accepted but not acted on\n"
                     "advanced.feature_flags: \"no_x\" is accepted but not acted on");
}

Test(values, choices)
{
    refused(
        ADVANCED("\"sslmode\":\"on\""),
        "config: advanced.sslmode is \"on\"; it must be one of disable, allow, prefer, require, "
        "verify-ca, verify-full");
    refused(ADVANCED("\"state_type\":\"whole\""),
            "config: advanced.state_type is \"whole\"; it must be one of global, stream, legacy");
    refused(WITH("\"credentials\":{\"auth_type\":\"Kerberos\"}"),
            "config: credentials.auth_type is \"Kerberos\"; it must be one of UserPassword, "
            "AWSIAM, GCPIAM, AzureIAM");
}

Test(values, transaction_ids)
{
    parse(ADVANCED("\"min_backfill_xid\":4294967295"));
    cr_assert_eq(config->min_backfill_xid, 4294967295);
    parse(ADVANCED("\"min_backfill_xid\":\"4294967295\""));
    cr_assert_eq(config->min_backfill_xid, 4294967295);
    refused(
        ADVANCED("\"min_backfill_xid\":\"4294967296\""),
        "config: advanced.min_backfill_xid is \"4294967296\"; a transaction id is a number from 0 "
        "to 4294967295");
    refused(ADVANCED("\"min_backfill_xid\":-1"),
            "config: advanced.min_backfill_xid must be a whole number from 0 to 4294967295");
    cr_assert_null(config_parse(ADVANCED("\"min_backfill_xid\":\"-1\""),
                                strlen(ADVANCED("\"min_backfill_xid\":\"-1\"")), &notices, &err));
}

static void timeout(const char *json, int64_t ms)
{
    char text[200];
    snprintf(text, sizeof text, ADVANCED("\"statement_timeout\":%s"), json);
    struct config *parsed = config_parse(text, strlen(text), &notices, &err);
    cr_expect_eq(parsed != NULL, ms >= 0, "%s", json);
    if (parsed) {
        cr_expect_eq(parsed->statement_timeout_ms, ms, "%s", json);
    }
    config_free(&parsed);
}

Test(values, durations)
{
    timeout("\"90s\"", 90000);
    timeout("\"5m\"", 300000);
    timeout("\"1h30m\"", 5400000);
    timeout("\"1.5h\"", 5400000);
    timeout("\"250ms\"", 250);
    timeout("\"30\"", 30000);
    timeout("\"5m0s\"", 300000);
    timeout("\"0\"", 0);
    timeout("30", 30000);
    timeout("0", 0);
    timeout("\"5 m\"", -1);
    timeout("\"m\"", -1);
    timeout("\"5d\"", -1);
    timeout("\"-5m\"", -1);
    timeout("\"5m-\"", -1);
    timeout("\"1e3s\"", -1);
    timeout("\"999999999999999999999999h\"", -1);
    timeout("\"600h\"", -1);
    timeout("-1", -1);
    timeout("9999999", -1);
    timeout("true", -1);
}

Test(values, failover_slot)
{
    parse(ADVANCED("\"failover_slot\":\"auto\""));
    cr_assert_eq(config->failover_slot, FAILOVER_AUTO);
    parse(ADVANCED("\"failover_slot\":\"true\""));
    cr_assert_eq(config->failover_slot, FAILOVER_ALWAYS);
    parse(ADVANCED("\"failover_slot\":true"));
    cr_assert_eq(config->failover_slot, FAILOVER_ALWAYS);
    parse(ADVANCED("\"failover_slot\":false"));
    cr_assert_eq(config->failover_slot, FAILOVER_NEVER);
    refused(ADVANCED("\"failover_slot\":\"on\""),
            "config: advanced.failover_slot is \"on\"; it must be one of auto, true, false");
}
