/* Passwords that are made. */
#include "credentials.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct err err;

static struct config aws(void)
{
    return (struct config){.host = (char *)"prod-instance.us-east-1.rds.amazonaws.com",
                           .port = 3306,
                           .user = (char *)"someusername",
                           .credentials = {.auth = AUTH_AWS,
                                           .type = (char *)"AWSIAM",
                                           .aws_region = (char *)"us-east-1",
                                           .aws_access_key_id = (char *)"akid",
                                           .aws_secret_access_key = (char *)"skid"}};
}

enum { THEN = 1478540373 }; /* 2016-11-07T17:39:33Z */

/* The values of the test of Amazon's own library (botocore). */
Test(credentials, of_amazon_are_signed)
{
    struct config config = aws();
    char *password;
    cr_assert(credentials_password(&config, THEN * (int64_t)1000, &password, &err));
    cr_assert_str_eq(
        password, "prod-instance.us-east-1.rds.amazonaws.com:3306/?Action=connect&DBUser="
                  "someusername&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=akid%2F20161107"
                  "%2Fus-east-1%2Frds-db%2Faws4_request&X-Amz-Date=20161107T173933Z&X-Amz-Expires"
                  "=900&X-Amz-SignedHeaders=host&X-Amz-Signature="
                  "d1138cdbc0ca63eec012ec0fc6c2267e03642168f5884a7795320d4c18374c61");
    free(password);
}

Test(credentials, of_amazon_are_another_a_second_later_and_by_a_session)
{
    struct config config = aws();
    char *one, *other;
    cr_assert(credentials_password(&config, 0, &one, &err));
    cr_assert(credentials_password(&config, 1000, &other, &err));
    cr_assert_str_neq(one, other);
    free(other);
    config.credentials.aws_session_token = (char *)"a/b+c=";
    cr_assert(credentials_password(&config, 0, &other, &err));
    cr_assert(strstr(other, "&X-Amz-Security-Token=a%2Fb%2Bc%3D&X-Amz-SignedHeaders="));
    free(one);
    free(other);
}

Test(credentials, of_google_and_azure_are_the_token)
{
    struct config config = {
        .credentials = {.auth = AUTH_TOKEN, .type = (char *)"GCPIAM", .token = (char *)"t"}};
    char *password;
    cr_assert(credentials_password(&config, 0, &password, &err));
    cr_assert_str_eq(password, "t");
    free(password);
    config.credentials.token = NULL;
    cr_assert_not(credentials_password(&config, 0, &password, &err));
    cr_assert(strstr(err.message, "credentials.gcp_access_token is missing"));
}

Test(credentials, that_were_not_injected_are_named)
{
    struct config config = aws();
    char *password;
    config.credentials.aws_secret_access_key = NULL;
    cr_assert_not(credentials_password(&config, 0, &password, &err));
    cr_assert(strstr(err.message, "credentials.aws_secret_access_key is missing"));
    config.credentials.aws_region = NULL;
    cr_assert_not(credentials_password(&config, 0, &password, &err));
    cr_assert_str_eq(err.message, "credentials.aws_region is missing, which AWSIAM needs");
}

Test(credentials, a_refused_token_may_have_expired)
{
    struct config config = aws();
    err_set(&err, ERR_CONFIG, "as it was");
    strcpy(err.sqlstate, "57P03");
    credentials_refused(&config, &err);
    cr_assert_str_eq(err.message, "as it was");
    strcpy(err.sqlstate, "28000");
    credentials_refused(&config, &err);
    cr_assert(strstr(err.message, "start the capture again"));
    cr_assert_not(strstr(err.message, "skid"));
}

Test(credentials, a_password_is_itself)
{
    struct config config = {.password = (char *)"p"};
    char *password;
    cr_assert(credentials_password(&config, 0, &password, &err));
    cr_assert_str_eq(password, "p");
    free(password);
    config.password = NULL;
    cr_assert(credentials_password(&config, 0, &password, &err));
    cr_assert_null(password);
    err_set(&err, ERR_CONFIG, "as it was");
    strcpy(err.sqlstate, "28P01");
    credentials_refused(&config, &err);
    cr_assert_str_eq(err.message, "as it was");
}
