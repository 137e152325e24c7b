/* What the tests of requests share: parse one, or expect a message. */
#ifndef TEST_FLOW_PARSE_H
#define TEST_FLOW_PARSE_H

#include "flow/flow.h"

#include <criterion/criterion.h>
#include <string.h>

static struct err err;
static struct flow_request request;
static struct out out;

static inline void start(void)
{
    out_init(&out, 0);
}

static inline void stop(void)
{
    flow_request_clear(&request);
    out_free(&out);
}

static inline void parse(const char *line)
{
    flow_request_clear(&request);
    out.len = 0;
    cr_assert(flow_request_parse(&request, FLOW_JSON, line, strlen(line), &out, &err), "%s",
              err.message);
}

static inline void refused(const char *line, const char *message)
{
    struct flow_request none;
    cr_expect_not(flow_request_parse(&none, FLOW_JSON, line, strlen(line), &out, &err), "%s", line);
    cr_expect_eq(err.kind, ERR_CONFIG);
    cr_expect_str_eq(err.message, message);
    cr_expect(!none.config && !none.catalog && !none.state.checkpoint);
}

#define CONFIG "\"config\":{\"address\":\"h\",\"user\":\"u\",\"credentials\":{\"password\":\"p\"}}"

#define TABLE             "\"namespace\":\"public\",\"stream\":\"t\""
#define BINDINGS(members) CONFIG ",\"bindings\":[{\"resourceConfig\":{" TABLE members "]"

#endif
