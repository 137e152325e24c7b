/* What the tests of the configuration share: parse it, or expect a message. */
#ifndef TEST_CONFIG_PARSE_H
#define TEST_CONFIG_PARSE_H

#include "config/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct err err;
static struct out notices;
static struct config *config;

static inline void start(void)
{
    out_init(&notices, 0);
}

static inline void stop(void)
{
    config_free(&config);
    out_free(&notices);
}

static inline void parse(const char *json)
{
    config_free(&config);
    notices.len = 0;
    config = config_parse(json, strlen(json), &notices, &err);
    cr_assert_not_null(config, "%s: %s", json, err.message);
}

static inline void refused(const char *json, const char *message)
{
    notices.len = 0;
    struct config *none = config_parse(json, strlen(json), &notices, &err);
    cr_expect_null(none, "%s", json);
    cr_expect_eq(err.kind, ERR_CONFIG);
    cr_expect_str_eq(err.message, message);
    config_free(&none);
}

/* `members` added to an otherwise sufficient config. */
#define WITH(members)     "{\"host\":\"h\",\"user\":\"u\"," members "}"
#define ADVANCED(members) WITH("\"advanced\":{" members "}")

#endif
