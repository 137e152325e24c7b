/* Configurations of Flow captures as they are in production: all are accepted. */
#include "parse.h"

TestSuite(captures, .init = start, .fini = stop);

#define SERVER "\"address\":\"db.example:5432\",\"user\":\"u\","
#define LOGIN  SERVER "\"credentials\":{\"auth_type\":\"UserPassword\",\"password\":\"p\"},"

#define AS(type, members)                                                                          \
    "{" SERVER "\"password\":\"p\",\"credentials\":{\"auth_type\":\"" type "\"" members "}}"

static const char *const accepted[] = {
    "{" SERVER "\"password\":\"p\",\"database\":\"d\"}",
    "{" SERVER "\"password\":\"p\",\"credentials\":null,\"advanced\":null,\"networkTunnel\":null}",
    "{" SERVER "\"password\":\"p\",\"credentials\":{},\"advanced\":{},\"networkTunnel\":{}}",
    "{" LOGIN "\"database\":\"d\",\"historyMode\":false,\"discoveryFilters\":null}",
    "{" LOGIN "\"historyMode\":null,\"discoveryFilters\":{}}",
    "{" LOGIN "\"discoveryFilters\":{\"include_schemas\":null,\"exclude_schemas\":[],"
    "\"table_patterns\":[\"a.*\",\"b_?\"],\"discover_unpublished_tables\":true}}",
    "{" LOGIN "\"advanced\":{\"publicationName\":\"\",\"slotName\":\"\",\"watermarksTable\":\"\","
    "\"skip_backfills\":\"\",\"backfill_chunk_size\":0,\"sslmode\":\"\",\"discover_schemas\":null,"
    "\"min_backfill_xid\":\"\",\"read_only_capture\":false,\"capture_as_partitions\":false,"
    "\"source_tag\":\"\",\"statement_timeout\":\"\",\"feature_flags\":\"\","
    "\"rediscovery_interval\":\"\",\"discover_unpublished_tables\":false}}",
    "{" LOGIN "\"advanced\":{\"publicationName\":\"p\",\"slotName\":\"s\",\"watermarksTable\":"
    "\"public.w\",\"skip_backfills\":\"*.*\",\"backfill_chunk_size\":4096,\"sslmode\":\"require\","
    "\"discover_schemas\":[\"public\"],\"min_backfill_xid\":\"77\",\"read_only_capture\":true,"
    "\"capture_as_partitions\":true,\"source_tag\":\"t\",\"statement_timeout\":\"5m\","
    "\"feature_flags\":\"flatten_arrays\",\"rediscovery_interval\":\"15m\","
    "\"discover_unpublished_tables\":true,\"discover_only_published\":true}}",
    "{" LOGIN "\"networkTunnel\":{\"sshForwarding\":null}}",
    "{" LOGIN "\"networkTunnel\":{\"sshForwarding\":{}}}",
    "{" LOGIN
    "\"networkTunnel\":{\"sshForwarding\":{\"sshEndpoint\":\"ssh://ec2-user@10.0.0.1:22\","
    "\"privateKey\":\"-----BEGIN OPENSSH PRIVATE KEY-----\\nAAAA\"}}}",
    "{" LOGIN "\"networkTunnel\":{\"sshForwarding\":{\"sshEndpoint\":\"\",\"privateKey\":\"\"}}}",
    AS("AWSIAM", ",\"aws_region\":\"eu-west-1\",\"aws_role_arn\":\"arn\""),
    AS("AWSIAM", ",\"aws_region\":\"r\",\"aws_role_arn\":\"arn\",\"aws_access_key_id\":\"a\","
                 "\"aws_secret_access_key\":\"b\",\"aws_session_token\":\"c\""),
    AS("GCPIAM",
       ",\"gcp_service_account_to_impersonate\":\"x\",\"gcp_workload_identity_pool_audience"
       "\":\"y\",\"gcp_access_token\":\"t\""),
    AS("AzureIAM",
       ",\"azure_client_id\":\"x\",\"azure_tenant_id\":\"y\",\"azure_access_token\":\"t\""),
};

Test(captures, configurations_are_accepted)
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        parse(accepted[i]);
        cr_expect_str_eq(config->host, "db.example");
        cr_expect_str_eq(config->password, "p");
        cr_expect_eq(config->backfill_chunk_size, i == 7 ? 4096 : 50000);
    }
}

Test(captures, notices_name_options_that_have_no_effect)
{
    parse(accepted[7]);
    cr_assert_str_eq(out_text(&notices),
                     "advanced.discover_only_published is accepted but not acted on\n"
                     "advanced.rediscovery_interval is accepted but not acted on\n"
                     "advanced.feature_flags: \"flatten_arrays\" is accepted but not acted on");
}
