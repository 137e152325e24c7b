/* What the tests of the state share: parse it, or expect a message. */
#ifndef TEST_STATE_PARSE_H
#define TEST_STATE_PARSE_H

#include "state/state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct err err;
static struct state state;
static struct out out;

static inline void start(void)
{
    out_init(&out, 0);
}

static inline void stop(void)
{
    state_clear(&state);
    out_free(&out);
}

static inline void parse(const char *json)
{
    state_clear(&state);
    cr_assert(state_parse(&state, json, strlen(json), NULL, &err), "%s", err.message);
}

static inline void refused(const char *json, const char *message)
{
    struct state none;
    cr_expect_not(state_parse(&none, json, strlen(json), NULL, &err), "%s", json);
    cr_expect_eq(err.kind, ERR_CONFIG);
    cr_expect_str_eq(err.message, message);
    cr_expect(!none.checkpoint && !none.identity.slot);
}

#define LONE_STREAM(name, members)                                                                 \
    "{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{\"name\":\"" name                     \
    "\"},\"stream_state\":{" members "}}}"

#endif
